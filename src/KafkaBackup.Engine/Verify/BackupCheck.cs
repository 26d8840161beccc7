using System.Globalization;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>
/// Whether a backup is what was written, without any cluster (rule D2): every head, page and copy of the manifest, every segment's presence
/// and size, leftovers, the lock; deeply, every byte of every segment too. Writes nothing, not even to learn the store's time.
/// </summary>
internal sealed class BackupCheck(EngineServices services, IEngineEvents events)
{
    public async Task<BackupReport> RunAsync(StoreSettings settings, CheckSettings asked, CancellationToken cancel)
    {
        var backupId = NameRules.CheckBackupId(
            asked.BackupId ?? throw ErrorIds.MissingSettings.With("Not given: the backup (-BackupId).", "BackupId")
        );
        if (asked.Sample is { } sample && (sample.Turns < 1 || sample.Turn < 1 || sample.Turn > sample.Turns))
        {
            throw ErrorIds.ConfigOutOfRange.With(
                $"{sample} is not a turn: they go from 1/{Math.Max(1, sample.Turns)} to {Math.Max(1, sample.Turns)}/{Math.Max(1, sample.Turns)}.",
                "Sample"
            );
        }

        var opened = services.OpenStore(settings, events);
        await using (opened.ConfigureAwait(false))
        {
            var counting = new CountingStore(new ReadOnlyStore(opened, services.Clock));
            var began = services.Clock.GetTimestamp();
            var outcome = await new Work(new BackupCatalog(counting), backupId, asked, services.Clock, events)
                .RunAsync(cancel)
                .ConfigureAwait(false);
            return outcome with
            {
                StorageOption = settings.Options ?? new Dictionary<string, string>(),
                BytesRead = counting.Counts.BytesRead,
                Duration = services.Clock.GetElapsedTime(began),
            };
        }
    }

    public static ReportStatus Verdict(IEnumerable<Finding> findings)
    {
        var worst = findings.Select(f => f.Severity).DefaultIfEmpty(FindingSeverity.Information).Max();
        return worst switch
        {
            FindingSeverity.Error => ReportStatus.Invalid,
            FindingSeverity.Warning => ReportStatus.ValidWithWarnings,
            _ => ReportStatus.Valid,
        };
    }

    private sealed class Work(BackupCatalog catalog, string backupId, CheckSettings asked, TimeProvider clock, IEngineEvents events)
    {
        private readonly List<Finding> _findings = [];

        public async Task<BackupReport> RunAsync(CancellationToken cancel)
        {
            var state = await LockState.LookAsync(catalog, backupId, cancel).ConfigureAwait(false);
            Add(state.ToFinding(backupId));
            var backup = await OpenAsync(cancel).ConfigureAwait(false);
            if (backup is not { IsForeign: true })
            {
                // What opening the backup has met already is not said twice.
                var manifest = await new ManifestCheck(catalog.Store, backupId).RunAsync(cancel).ConfigureAwait(false);
                var said = _findings.Select(f => f.Place).ToHashSet(StringComparer.Ordinal);
                _findings.AddRange(manifest.Findings.Where(f => !said.Contains(f.Place)));
            }

            if (backup is null)
            {
                return Report(null, 0, 0);
            }

            catalog.Remember(backup, clock.GetUtcNow());
            _findings.AddRange(ManifestRules.Check(backup));
            var segments = SegmentsOf(backup).ToArray();
            var presence = await new StoredObjects(catalog, backup).CheckAsync(segments, _findings, cancel).ConfigureAwait(false);
            if (!state.MayBeAlive && !backup.IsForeign)
            {
                await FindLeftoversAsync(backup, cancel).ConfigureAwait(false);
            }

            var (checkedSegments, records) = (presence.Count, 0L);
            if (asked.Deep || asked.Sample is not null)
            {
                var chosen = presence.Where(s => asked.Sample is not { } turn || SegmentCheckRun.IsInSample(s.Entry.Key, turn)).ToArray();
                var totals = await new SegmentCheckRun(catalog, backup, clock, events).RunAsync(chosen, cancel).ConfigureAwait(false);
                _findings.AddRange(totals.Findings);
                (checkedSegments, records) = (totals.Segments, totals.Records);
            }

            await ForgiveProgressAsync(backup, cancel).ConfigureAwait(false);
            return Report(backup, checkedSegments, records);
        }

        /// <summary>Null when the manifest is beyond use, which is then a finding. What is not there at all is an error.</summary>
        private async Task<OpenedBackup?> OpenAsync(CancellationToken cancel)
        {
            var first = await TryOpenAsync(cancel).ConfigureAwait(false);
            if (first is ({ Findings.Count: 0 }, null))
            {
                return first.Backup;
            }

            var (backup, damage) = await TryOpenAsync(cancel).ConfigureAwait(false);
            if (damage is not null)
            {
                Add(
                    new Finding(
                        FindingSeverity.Error,
                        FindingKind.ManifestDamaged,
                        damage.TargetObject?.ToString() ?? backupId,
                        damage.Message,
                        damage.Advice
                    )
                );
                return null;
            }

            // With the newest head gone, what only that named is not part of the backup any more.
            var lost = backup!.Generation < backup.HighestGeneration;
            _findings.AddRange(
                backup.Findings.Select(f => lost && f.Kind == FindingKind.ManifestDamaged ? f with { Severity = FindingSeverity.Error } : f)
            );
            var stays = backup.Findings.Select(f => f.Place).ToHashSet(StringComparer.Ordinal);
            var passed = first.Backup is { } opened
                ? opened.Findings.Select(f => f.Place)
                : [first.Damage!.TargetObject?.ToString() ?? backupId];
            _findings.AddRange(passed.Where(p => !stays.Contains(p)).Distinct(StringComparer.Ordinal).Select(TransientDamage.Finding));
            return backup;
        }

        private async Task<(OpenedBackup? Backup, KafkaBackupException? Damage)> TryOpenAsync(CancellationToken cancel)
        {
            try
            {
                return (await catalog.OpenAsync(backupId, cancel).ConfigureAwait(false), null);
            }
            catch (KafkaBackupException error) when (error.Definition == ErrorIds.ManifestDamaged)
            {
                return (null, error);
            }
        }

        private async Task FindLeftoversAsync(OpenedBackup backup, CancellationToken cancel)
        {
            using var dropped = new DroppedSegments(catalog.Store, backup);
            await foreach (var orphan in catalog.ListOrphansAsync(backup, cancel).ConfigureAwait(false))
            {
                if (
                    (
                        orphan.HasLegalName
                            ? await dropped.JudgeAsync(orphan, cancel).ConfigureAwait(false)
                            : StrangeNames.Finding(orphan.Object.Key)
                    ) is
                    { } finding
                )
                {
                    Add(finding);
                    continue;
                }

                var what = orphan.IsSegment ? "segment" : "page of a manifest";
                Add(
                    new Finding(
                        FindingSeverity.Warning,
                        FindingKind.Orphaned,
                        orphan.Object.Key,
                        $"A {what} of {orphan.Object.Size} bytes is named by no manifest: left by a run or a removal that died.",
                        "It does no harm but takes room; Repair-KafkaBackup removes it."
                    )
                );
            }

            await foreach (
                var upload in catalog.Store.ListUploadsAsync(BackupKeys.Of(backupId, BackupKeys.Topics), cancel).ConfigureAwait(false)
            )
            {
                Add(
                    new Finding(
                        FindingSeverity.Warning,
                        FindingKind.StaleUpload,
                        upload.Key,
                        $"An upload of {upload.Size} bytes, begun {upload.LastModified:u}, never ended.",
                        "It does no harm but takes room, and object stores bill it; Repair-KafkaBackup drops it."
                    )
                );
            }
        }

        /// <summary>A run that merged or trimmed while we were reading has removed what we then missed: that is no damage.</summary>
        private async Task ForgiveProgressAsync(OpenedBackup backup, CancellationToken cancel)
        {
            if (
                !_findings.Any(f => f.Kind == FindingKind.Missing)
                || backup.IsForeign
                || await TryOpenAsync(cancel).ConfigureAwait(false) is not ({ } now, null)
                || now.Generation == backup.Generation
            )
            {
                return;
            }

            var named = SegmentsOf(now).Select(s => BackupKeys.Of(backupId, s.Entry.Key)).ToHashSet(StringComparer.Ordinal);
            _findings.RemoveAll(f => f.Kind == FindingKind.Missing && !named.Contains(f.Place));
        }

        private static IEnumerable<PlacedSegment> SegmentsOf(OpenedBackup backup) =>
            from topic in backup.Manifest.Topics.Values
            from partition in topic.Partitions.Values
            from segment in partition.Segments
            select new PlacedSegment(topic.Name, partition.Partition, segment);

        private void Add(Finding? finding)
        {
            if (finding is not null)
            {
                _findings.Add(finding);
            }
        }

        private string? Unread(OpenedBackup? backup, int segments, int segmentsChecked)
        {
            var unread =
                asked.Deep ? 0
                : asked.Sample is null ? segments
                : Math.Max(0, segments - segmentsChecked);
            var foreign =
                asked.Deep && backup is { IsForeign: true } && segments > 0
                    ? "SHA-256 of the segments: another tool's manifest has none; their own checksums were compared."
                    : null;
            return unread == 0
                ? foreign
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"The contents of {unread:N0} segment{(unread == 1 ? "" : "s")}: only presence and size were compared. A file that was changed without changing its size shows with -Deep."
                );
        }

        private BackupReport Report(OpenedBackup? backup, int segmentsChecked, long recordsChecked)
        {
            var segments = backup is null ? [] : SegmentsOf(backup).ToArray();
            return new BackupReport
            {
                Status = Verdict(_findings),
                BackupId = backupId,
                Path = catalog.Store.Location,
                StorageOption = new Dictionary<string, string>(),
                Deep = asked.Deep || asked.Sample is not null,
                Sample = asked.Sample?.ToString(),
                SegmentCount = segments.Length,
                SegmentsChecked = segmentsChecked,
                RecordCount = segments.Sum(s => s.Entry.RecordCount),
                RecordsChecked = recordsChecked,
                BytesRead = 0,
                Findings = ItemList.From(_findings.OrderByDescending(f => f.Severity).ToArray()),
                NotChecked = Unread(backup, segments.Length, segmentsChecked),
                Duration = default,
            };
        }
    }
}
