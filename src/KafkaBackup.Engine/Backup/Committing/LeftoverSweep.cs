using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Removes what a run that died left behind: segments that no head names, and uploads without an end. Only after such a run, only while we
/// hold the lock, and only after our own first commit: from then on the dead one, should it be a sleeper, can commit nothing any more. We
/// may be the sleeper ourselves: what is there is listed before it is asked what is named, and each delete goes through
/// <see cref="OwnedDeletion"/>. Where a single kept head cannot be read nothing is removed, for it may name what looks like a leftover;
/// Repair-KafkaBackup sorts that out.
/// </summary>
internal sealed class LeftoverSweep
{
    private readonly RunScope _run;

    private LeftoverSweep(RunScope run) => _run = run;

    /// <summary>Null when the last run came to its end.</summary>
    public static LeftoverSweep? AfterDeadRun(RunScope run) =>
        run.Session.FollowsDeadRun && run.Store.Capabilities.AtomicPutIfAbsent ? new LeftoverSweep(run) : null;

    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            await SweepAsync(cancel).ConfigureAwait(false);
        }
        catch (KafkaBackupException error) when (error.Definition != ErrorIds.BackupLockLost)
        {
            // The backup is none the worse for them.
            _run.Findings.Add(
                new Finding(
                    FindingSeverity.Warning,
                    FindingKind.Orphaned,
                    _run.Session.BackupId,
                    $"What the last run left behind when it died was not removed: {error.Message}",
                    "It does no harm but takes room; Repair-KafkaBackup removes it."
                )
            );
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            _run.Events.Verbose("Removing what the last run left behind was given up.");
        }
    }

    private async Task SweepAsync(CancellationToken cancel)
    {
        var id = _run.Session.BackupId;
        var folder = BackupKeys.Of(id, BackupKeys.Topics);
        var objects = new List<StoreObject>();
        await foreach (var found in _run.Store.ListAsync(folder, cancel).ConfigureAwait(false))
        {
            if (found.Key.EndsWith(BackupKeys.SegmentExtension, StringComparison.Ordinal))
            {
                objects.Add(found);
            }
        }

        var uploads = new List<StoreUpload>();
        await foreach (var upload in _run.Store.ListUploadsAsync(folder, cancel).ConfigureAwait(false))
        {
            uploads.Add(upload);
        }

        var named = await NamedObjects.ReadAsync(_run.Store, id, known: null, cancel).ConfigureAwait(false);
        if (!named.AllRead)
        {
            _run.Events.Verbose(
                "What the last run left behind when it died stays: an older head of the manifest cannot be read, and may name it."
            );
            return;
        }

        var (segments, dropped) = (0, 0);
        await OwnedDeletion
            .EachAsync(
                objects.Where(o => !named.Segments.Contains(o.Key[(id.Length + 1)..])),
                async (found, c) =>
                    Interlocked.Add(ref segments, await _run.Session.Deletion.TryDeleteAsync(found, c).ConfigureAwait(false) ? 1 : 0),
                cancel
            )
            .ConfigureAwait(false);
        await OwnedDeletion
            .EachAsync(
                uploads,
                async (upload, c) =>
                    Interlocked.Add(ref dropped, await _run.Session.Deletion.TryDropAsync(upload, c).ConfigureAwait(false) ? 1 : 0),
                cancel
            )
            .ConfigureAwait(false);

        _run.Events.Verbose($"The last run did not finish; removed {segments} segments and {dropped} uploads that it left behind.");
    }
}
