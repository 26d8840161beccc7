using System.Globalization;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>
/// Carries a repair out, as the backup's one writer. Nothing is removed before our own commit: from then on a writer that only slept can
/// commit nothing any more, so what no head names stays unnamed. Every step can be repeated, so it may be killed anywhere.
/// </summary>
internal sealed class RepairRun(BackupCatalog catalog, RepairWork work, TimeProvider clock, IEngineEvents events)
{
    /// <returns>What the session could not put right.</returns>
    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken stop)
    {
        if (work.ForceLock)
        {
            await BreakLockAsync(stop).ConfigureAwait(false);
        }

        var options = new SessionOptions
        {
            RunId = string.Create(CultureInfo.InvariantCulture, $"repair-{clock.GetUtcNow():yyyyMMdd-HHmmss}"),
            Clock = clock,
            CreateIfMissing = false,
            Rebuild = work.Rebuilt is not null,
        };
        var session = await BackupSession.BeginAsync(catalog, work.BackupId, options, stop).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            await RefuseIfMovedOnAsync(stop).ConfigureAwait(false);
            await RenewPagesAsync(stop).ConfigureAwait(false);
            if (work.Commit)
            {
                await session.CommitAsync(work.Rebuilt ?? session.Manifest!, stop).ConfigureAwait(false);
            }

            foreach (var generation in work.BadHeads)
            {
                await DeleteAsync(session.Deletion, BackupKeys.Head(generation), stop).ConfigureAwait(false);
            }

            foreach (var key in work.AbsurdHeads)
            {
                await DeleteAsync(session.Deletion, key, stop).ConfigureAwait(false);
            }

            await RemoveOrphansAsync(session.Deletion, stop).ConfigureAwait(false);
            foreach (var upload in work.Uploads)
            {
                if (await session.Deletion.TryDropAsync(upload, stop).ConfigureAwait(false))
                {
                    events.Verbose($"Dropped the unfinished upload to '{upload.Key}'.");
                }
            }

            return session.Findings.Except(work.Findings).ToArray();
        }
    }

    /// <summary>The lock that the plan showed goes, whatever its file holds; one that another run took since then does not.</summary>
    private async Task BreakLockAsync(CancellationToken stop)
    {
        var now = await BackupSession.DescribeLockAsync(catalog, work.BackupId, stop).ConfigureAwait(false);
        if (now is not null && now.Owner != work.Lock.Holder?.Owner)
        {
            throw ErrorIds.BackupLocked.With(
                $"Backup '{work.BackupId}' is being written by {now}, who took the lock after this repair was planned.",
                work.BackupId,
                "Run again."
            );
        }

        await catalog.Store.DeleteAsync(Full(BackupKeys.Lock), stop).ConfigureAwait(false);
        events.Verbose($"Removed '{Full(BackupKeys.Lock)}'.");
    }

    private async Task RefuseIfMovedOnAsync(CancellationToken stop)
    {
        var generations = await new HeadSearch(catalog.Store, work.BackupId).ListGenerationsAsync(stop).ConfigureAwait(false);
        if (generations.Count > 0 && generations[^1] > work.HighestGeneration)
        {
            throw ErrorIds.BackupLocked.With(
                $"Another run wrote to backup '{work.BackupId}' after this repair was planned.",
                work.BackupId,
                "Run again."
            );
        }
    }

    private async Task RenewPagesAsync(CancellationToken stop)
    {
        foreach (var page in work.Pages)
        {
            if (
                await ObjectReading.ReadWholeAsync(catalog.Store, Full(page.Twin!), page.Reference.Size, stop).ConfigureAwait(false)
                    is { } bytes
                && ManifestValidation.ReadPage(page.Reference, bytes) is not null
            )
            {
                await catalog.Store.PutAsync(Full(page.Key), bytes, stop).ConfigureAwait(false);
                events.Verbose($"Rewrote '{Full(page.Key)}'.");
            }
        }
    }

    /// <summary>
    /// What the plan showed and what is an orphan now, under the lock: both must agree. After a rebuild the lost manifest's pages go;
    /// segments that nothing names then stay for the next repair, when the rebuilt backup has been looked at.
    /// </summary>
    private async Task RemoveOrphansAsync(OwnedDeletion deletion, CancellationToken stop)
    {
        if (work.Orphans.Count == 0 && work.Rebuilt is null)
        {
            return;
        }

        var planned = work.Orphans.Select(o => o.Object.Key).ToHashSet(StringComparer.Ordinal);
        var backup = await catalog.OpenAsync(work.BackupId, stop).ConfigureAwait(false);
        await OwnedDeletion
            .EachAsync(
                catalog.ListOrphansAsync(backup, stop),
                async (orphan, c) =>
                {
                    if (
                        (work.Rebuilt is null ? planned.Contains(orphan.Object.Key) : !orphan.IsSegment)
                        && await deletion.TryDeleteAsync(orphan.Object, c).ConfigureAwait(false)
                    )
                    {
                        events.Verbose($"Removed '{orphan.Object.Key}'.");
                    }
                },
                stop
            )
            .ConfigureAwait(false);
    }

    private async Task DeleteAsync(OwnedDeletion deletion, string key, CancellationToken stop)
    {
        await deletion.DeleteAsync(key, stop).ConfigureAwait(false);
        events.Verbose($"Removed '{Full(key)}'.");
    }

    private string Full(string key) => BackupKeys.Of(work.BackupId, key);
}
