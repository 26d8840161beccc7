using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>Finds what is wrong with a backup and what can be done about it. Writes nothing.</summary>
internal sealed class RepairPlanner(BackupCatalog catalog, string backupId, bool force, TimeProvider clock, IEngineEvents events)
{
    private readonly List<string> _actions = [];
    private readonly List<Finding> _findings = [];

    public async Task<RepairWork> PlanAsync(CancellationToken cancel)
    {
        var backup = await OpenAsync(cancel).ConfigureAwait(false);
        if (backup is { IsForeign: true })
        {
            throw ErrorIds.BackupReadOnly.With(
                $"Backup '{backupId}' in {catalog.Store.Location} was written by another tool: it cannot be repaired.",
                backupId
            );
        }

        var held = await LockState.LookAsync(catalog, backupId, cancel).ConfigureAwait(false);
        if (held.IsOfUnknownAge && !force)
        {
            held = await LockState.WatchAsync(catalog, backupId, clock, events, cancel).ConfigureAwait(false);
        }

        var forceLock = PlanLock(held);
        var manifest = await new ManifestCheck(catalog.Store, backupId).RunAsync(cancel).ConfigureAwait(false);
        var said = _findings.Select(f => f.Place).ToHashSet(StringComparer.Ordinal);
        _findings.AddRange(manifest.Findings.Where(f => !said.Contains(f.Place)));
        var needsRebuild =
            backup is null
            || backup.Generation < backup.HighestGeneration
            || ManifestRules.Check(backup).Any(f => f.Severity == FindingSeverity.Error)
            || await new LeftOutSearch(catalog, backupId).AnyIsWholeAsync(backup.Manifest, cancel).ConfigureAwait(false)
            || await IsAnyDroppedAsync(backup, cancel).ConfigureAwait(false);
        var work = new RepairWork
        {
            BackupId = backupId,
            HighestGeneration = Math.Max(manifest.Generations.Count > 0 ? manifest.Generations[^1] : 0, backup?.HighestGeneration ?? 0),
            Lock = held,
            ForceLock = forceLock,
            Commit = false,
            Pages = manifest.BadPages.Where(p => p.Twin is not null).ToArray(),
            BadHeads = manifest.BadHeads,
            AbsurdHeads = manifest.AbsurdHeads,
            Actions = _actions,
            Findings = _findings,
        };
        PlanManifestFiles(work, backup);
        if (needsRebuild)
        {
            var rebuild = new ManifestRebuild(catalog, backupId, clock, events);
            var rebuilt = await rebuild.RunAsync(backup?.Manifest, cancel).ConfigureAwait(false);
            _actions.AddRange(rebuild.Actions);
            _findings.AddRange(rebuild.Findings);
            return work with { Rebuilt = rebuilt, Commit = true };
        }

        var mayClean = !held.MayBeAlive || forceLock;
        var orphans = mayClean ? await FindOrphansAsync(backup!, cancel).ConfigureAwait(false) : [];
        var uploads = mayClean ? await FindUploadsAsync(cancel).ConfigureAwait(false) : [];
        var trims = manifest.Generations.Count > new SessionOptions { RunId = "", Clock = clock }.KeptHeads;
        if (trims)
        {
            _actions.Add("Remove old heads of the manifest that an interrupted run left");
        }

        return work with
        {
            Orphans = orphans,
            Uploads = uploads,
            Commit = trims || orphans.Count > 0 || work.BadHeads.Count > 0 || backup!.Findings.Count > 0,
        };
    }

    private async Task<OpenedBackup?> OpenAsync(CancellationToken cancel)
    {
        try
        {
            var backup = await catalog.OpenAsync(backupId, cancel).ConfigureAwait(false);
            _findings.AddRange(backup.Findings);
            return backup;
        }
        catch (KafkaBackupException error) when (error.Definition == ErrorIds.ManifestDamaged)
        {
            _findings.Add(
                new Finding(
                    FindingSeverity.Warning,
                    FindingKind.ManifestDamaged,
                    error.TargetObject?.ToString() ?? backupId,
                    error.Message,
                    "It is rebuilt from the segments."
                )
            );
            return null;
        }
    }

    /// <summary>True when the lock is to be broken although its owner may live.</summary>
    private bool PlanLock(LockState held)
    {
        if (held.Holder is not { } holder)
        {
            return false;
        }

        if (held.IsStale)
        {
            _actions.Add($"Release the lock that {holder} left behind");
            return false;
        }

        if (force)
        {
            _actions.Add($"Release the lock of {holder}, although its last heartbeat was {Math.Max(0, held.Age.TotalSeconds):F0} s ago");
            return true;
        }

        _findings.Add(
            new Finding(
                FindingSeverity.Warning,
                FindingKind.Lock,
                BackupKeys.Of(backupId, BackupKeys.Lock),
                $"The backup may be being written by {holder}: its last heartbeat was {Math.Max(0, held.Age.TotalSeconds):F0} s ago. Leftovers are not looked for.",
                $"If that run is dead, run again in {holder.StaleAfter.TotalSeconds:F0} s, or use -Force when you are sure."
            )
            {
                CanForce = true,
            }
        );
        return false;
    }

    private void PlanManifestFiles(RepairWork work, OpenedBackup? backup)
    {
        _actions.AddRange(work.Pages.Select(p => $"Rewrite '{BackupKeys.Of(backupId, p.Key)}' from its copy"));
        _actions.AddRange(
            work.BadHeads.Select(g => $"Write a new head, and remove the damaged head '{BackupKeys.Of(backupId, BackupKeys.Head(g))}'")
        );
        _actions.AddRange(work.AbsurdHeads.Select(key => $"Remove '{BackupKeys.Of(backupId, key)}', whose number no backup reaches"));
        if (backup?.Findings.FirstOrDefault(f => f.Kind == FindingKind.ManifestCopy) is { } copy)
        {
            _actions.Add($"Rewrite '{copy.Place}'");
        }
    }

    /// <summary>A segment that was dropped from the manifest is no leftover: a rebuild takes it in again.</summary>
    private async Task<bool> IsAnyDroppedAsync(OpenedBackup backup, CancellationToken cancel)
    {
        using var dropped = new DroppedSegments(catalog.Store, backup);
        var before = _findings.Count;
        await foreach (var orphan in catalog.ListOrphansAsync(backup, cancel).ConfigureAwait(false))
        {
            if (orphan.HasLegalName && await dropped.JudgeAsync(orphan, cancel).ConfigureAwait(false) is { } finding)
            {
                _findings.Add(finding);
            }
        }

        return _findings.Count > before;
    }

    private async Task<IReadOnlyList<Orphan>> FindOrphansAsync(OpenedBackup backup, CancellationToken cancel)
    {
        var orphans = new List<Orphan>();
        await foreach (var orphan in catalog.ListOrphansAsync(backup, cancel).ConfigureAwait(false))
        {
            if (!orphan.HasLegalName)
            {
                _findings.Add(StrangeNames.Finding(orphan.Object.Key));
                continue;
            }

            orphans.Add(orphan);
            _actions.Add($"Remove '{orphan.Object.Key}' ({orphan.Object.Size} bytes), which no manifest names");
            _findings.Add(
                new Finding(
                    FindingSeverity.Information,
                    FindingKind.Orphaned,
                    orphan.Object.Key,
                    "No manifest names this object.",
                    "It is removed."
                )
            );
        }

        return orphans;
    }

    private async Task<IReadOnlyList<StoreUpload>> FindUploadsAsync(CancellationToken cancel)
    {
        var uploads = new List<StoreUpload>();
        await foreach (
            var upload in catalog.Store.ListUploadsAsync(BackupKeys.Of(backupId, BackupKeys.Topics), cancel).ConfigureAwait(false)
        )
        {
            if (!StoreKey.IsLegalPrefix(upload.Key))
            {
                _findings.Add(StrangeNames.Finding(upload.Key));
                continue;
            }

            uploads.Add(upload);
            _actions.Add($"Drop the upload to '{upload.Key}' that was begun {upload.LastModified:u} and never ended");
        }

        return uploads;
    }
}
