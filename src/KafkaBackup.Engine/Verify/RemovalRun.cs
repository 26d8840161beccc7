using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>
/// Removes, manifest first: a new head that names less, or nothing, is the point from which on the backup is what it is going to be. Killed
/// before it, the backup is intact; after it, what is still there is named by nothing, is found as leftovers, and goes when the removal is
/// run again.
/// </summary>
internal sealed class RemovalRun(BackupCatalog catalog, RemovalWork work, TimeProvider clock, IEngineEvents events)
{
    private readonly ConcurrentBag<string> _stayed = [];

    /// <returns>The full keys of what could not be removed, because it is newer than our lock.</returns>
    public async Task<IReadOnlySet<string>> RunAsync(CancellationToken stop)
    {
        await (work.IsForeign ? RemoveForeignAsync(stop) : RemoveOwnAsync(stop)).ConfigureAwait(false);
        if (!_stayed.IsEmpty)
        {
            events.Warning(
                $"{_stayed.Count:N0} objects of backup '{work.BackupId}' in {catalog.Store.Location} are newer than this removal and stay, the first is '{_stayed.Order(StringComparer.Ordinal).First()}'. "
                    + "Make sure that no backup to this id is running, then remove it again."
            );
        }

        return _stayed.ToHashSet(StringComparer.Ordinal);
    }

    private async Task RemoveOwnAsync(CancellationToken stop)
    {
        var options = new SessionOptions
        {
            RunId = string.Create(CultureInfo.InvariantCulture, $"removal-{clock.GetUtcNow():yyyyMMdd-HHmmss}"),
            Clock = clock,
            CreateIfMissing = false,
            Rebuild = work.IsDamaged,

            // Older heads name what is to go: none may come back to serve.
            KeptHeads = 1,
        };
        var session = await BackupSession.BeginAsync(catalog, work.BackupId, options, stop).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            if (!work.IsDamaged && session.Manifest!.Generation != work.Generation)
            {
                throw ErrorIds.BackupLocked.With(
                    $"Another run wrote to backup '{work.BackupId}' after this removal was planned.",
                    work.BackupId,
                    "Run again."
                );
            }

            var committed = await session.CommitAsync(work.Pruned ?? Nothing(session.Manifest), stop).ConfigureAwait(false);
            if (work.Pruned is null)
            {
                await RemoveAllAsync(session.Deletion, committed.Generation, stop).ConfigureAwait(false);
            }
            else
            {
                await RemoveLeftoversAsync(session.Deletion, stop).ConfigureAwait(false);
            }
        }
    }

    private Manifest Nothing(Manifest? before) =>
        new()
        {
            BackupId = before?.BackupId ?? work.BackupId,
            Generation = 0,
            CreatedAt = before?.CreatedAt ?? clock.GetUtcNow(),
            UpdatedAt = clock.GetUtcNow(),
            SourceClusterId = before?.SourceClusterId,
            Complete = false,
            Runs = [],
            Topics = new Dictionary<string, TopicEntry>(),
            GroupSnapshots = [],
        };

    /// <summary>
    /// Old heads before what they name, then segments and pages; last the empty head, and then its copy: until that goes the backup is
    /// there and empty, so that a removal that was killed can be run again.
    /// </summary>
    private async Task RemoveAllAsync(OwnedDeletion deletion, long generation, CancellationToken stop)
    {
        string[] last = [BackupKeys.Head(generation), BackupKeys.ManifestCopy];
        var found = new List<(string Key, StoreObject Object)>();
        await foreach (var item in catalog.Store.ListAsync(work.BackupId + "/", stop).ConfigureAwait(false))
        {
            var key = item.Key[(work.BackupId.Length + 1)..];
            if (RemovalPlanner.IsOurs(key) && !last.Contains(key, StringComparer.Ordinal))
            {
                found.Add((key, item));
            }
        }

        await foreach (
            var upload in catalog.Store.ListUploadsAsync(BackupKeys.Of(work.BackupId, BackupKeys.Topics), stop).ConfigureAwait(false)
        )
        {
            await deletion.TryDropAsync(upload, stop).ConfigureAwait(false);
        }

        foreach (var heads in (bool[])[true, false])
        {
            await OwnedDeletion
                .EachAsync(
                    found.Where(f => heads == BackupKeys.GenerationOf(f.Key) is not null),
                    async (f, c) =>
                    {
                        if (BackupKeys.IsPageOf(f.Key, generation))
                        {
                            // Our own commit's: newer than the lock, and ours by its number.
                            await deletion.DeleteAsync(f.Key, c).ConfigureAwait(false);
                            events.Verbose($"Removed '{f.Object.Key}'.");
                        }
                        else
                        {
                            await DeleteAsync(deletion, f.Object, c).ConfigureAwait(false);
                        }
                    },
                    stop
                )
                .ConfigureAwait(false);
        }

        if (!_stayed.IsEmpty)
        {
            // Without a head what stays would be nobody's: the empty one says that a removal can be run again.
            return;
        }

        foreach (var key in last)
        {
            await deletion.DeleteAsync(key, stop).ConfigureAwait(false);
            events.Verbose($"Removed '{BackupKeys.Of(work.BackupId, key)}'.");
        }

        catalog.Forget(work.BackupId);
    }

    /// <summary>
    /// The session's own trim has removed most of it; what a removal before this one left is no head's business any more.
    /// </summary>
    private async Task RemoveLeftoversAsync(OwnedDeletion deletion, CancellationToken stop)
    {
        var backup = await catalog.OpenAsync(work.BackupId, stop).ConfigureAwait(false);
        await OwnedDeletion
            .EachAsync(
                catalog.ListOrphansAsync(backup, stop),
                async (orphan, c) => await DeleteAsync(deletion, orphan.Object, c).ConfigureAwait(false),
                stop
            )
            .ConfigureAwait(false);
    }

    /// <summary>
    /// The same for the other tool's layout, in which the one manifest is replaced by one without topics before anything goes.
    /// </summary>
    private async Task RemoveForeignAsync(CancellationToken stop)
    {
        var manifest = BackupKeys.Of(work.BackupId, BackupKeys.ManifestCopy);
        var nothing = Encoding.UTF8.GetBytes(
            $"{{\"backup_id\":{JsonSerializer.Serialize(work.BackupId)},\"created_at\":{clock.GetUtcNow().ToUnixTimeMilliseconds()},\"topics\":[]}}"
        );
        await catalog.Store.PutAsync(manifest, nothing, stop).ConfigureAwait(false);
        await OwnedDeletion
            .EachAsync(work.Objects.Select(o => o.Key).Where(k => k != manifest), DeleteForeignAsync, stop)
            .ConfigureAwait(false);
        await DeleteForeignAsync(manifest, stop).ConfigureAwait(false);

        // The other tool knows no lock: what it writes meanwhile shows in its manifest.
        async Task DeleteForeignAsync(string key, CancellationToken cancel)
        {
            if (
                await ObjectReading.ReadWholeAsync(catalog.Store, manifest, 0, cancel).ConfigureAwait(false) is not { } now
                || !now.AsSpan().SequenceEqual(nothing)
            )
            {
                throw ErrorIds.BackupLocked.With(
                    $"Something wrote to '{manifest}' in {catalog.Store.Location} while it was being removed.",
                    work.BackupId,
                    "Stop what writes there, then run again."
                );
            }

            await catalog.Store.DeleteAsync(key, cancel).ConfigureAwait(false);
            events.Verbose($"Removed '{key}'.");
        }
    }

    private async Task DeleteAsync(OwnedDeletion deletion, StoreObject found, CancellationToken stop)
    {
        if (await deletion.TryDeleteAsync(found, stop).ConfigureAwait(false))
        {
            events.Verbose($"Removed '{found.Key}'.");
        }
        else if (StoreKey.IsLegal(found.Key))
        {
            // What has no legal name was reported with the plan.
            _stayed.Add(found.Key);
        }
    }
}
