using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Removes what a run that died left behind: segments that no head names, and uploads without an end. Only after such a run, only while we hold
/// the lock, and only after our own first commit: from then on the dead one, should it be a sleeper, can commit nothing any more. Where a
/// single kept head cannot be read nothing is removed, for it may name what looks like a leftover; Repair-KafkaBackup sorts that out.
/// </summary>
internal sealed class LeftoverSweep
{
    private readonly RunScope _run;

    private LeftoverSweep(RunScope run) => _run = run;

    /// <summary>Null when the last run came to its end.</summary>
    public static LeftoverSweep? AfterDeadRun(RunScope run) =>
        run.Session.Manifest!.Runs is [.., { State: BackupStatus.Running }] && run.Store.Capabilities.AtomicPutIfAbsent ? new LeftoverSweep(run) : null;

    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            if (await NamedAsync(cancel).ConfigureAwait(false) is { } named)
            {
                await SweepAsync(named, cancel).ConfigureAwait(false);
            }
        }
        catch (KafkaBackupException error)
        {
            // The backup is none the worse for them.
            _run.Findings.Add(new Finding(
                FindingSeverity.Warning, FindingKind.Orphaned, _run.Session.BackupId, $"What the last run left behind when it died was not removed: {error.Message}",
                "It does no harm but takes room; Repair-KafkaBackup removes it."));
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            _run.Events.Verbose("Removing what the last run left behind was given up.");
        }
    }

    private async Task SweepAsync(HashSet<string> named, CancellationToken cancel)
    {
        var (segments, uploads) = (0, 0);
        var folder = BackupKeys.Of(_run.Session.BackupId, BackupKeys.Topics);
        await foreach (var found in _run.Store.ListAsync(folder, cancel).ConfigureAwait(false))
        {
            if (found.Key.EndsWith(BackupKeys.SegmentExtension, StringComparison.Ordinal) && !named.Contains(found.Key))
            {
                await _run.Store.DeleteAsync(found.Key, cancel).ConfigureAwait(false);
                segments++;
            }
        }

        await foreach (var upload in _run.Store.ListUploadsAsync(folder, cancel).ConfigureAwait(false))
        {
            await _run.Store.DropUploadAsync(upload, cancel).ConfigureAwait(false);
            uploads++;
        }

        _run.Events.Verbose($"The last run did not come to its end; removed {segments} segments and {uploads} uploads that it left behind.");
    }

    /// <summary>The keys of all segments that any head in the store names; null when one of the heads cannot be read.</summary>
    private async Task<HashSet<string>?> NamedAsync(CancellationToken cancel)
    {
        var id = _run.Session.BackupId;
        var named = new HashSet<string>(StringComparer.Ordinal);
        AddSegments(named, _run.Session.Manifest!);
        var search = new HeadSearch(_run.Store, id);
        foreach (var generation in await search.ListGenerationsAsync(cancel).ConfigureAwait(false))
        {
            if (await search.ReadAsync(generation, cancel).ConfigureAwait(false) is not { } head)
            {
                return null;
            }

            AddSegments(named, (await new ManifestLoader(_run.Store, id).LoadAsync(head, cancel).ConfigureAwait(false)).Manifest);
        }

        return named;
    }

    private void AddSegments(HashSet<string> named, Manifest manifest) => named.UnionWith(
        manifest.Topics.Values.SelectMany(t => t.Partitions.Values).SelectMany(p => p.Segments).Select(s => BackupKeys.Of(_run.Session.BackupId, s.Key)));
}
