using System.Globalization;
using System.Text;
using System.Text.Json;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Verify;

/// <summary>
/// Removes, manifest first: a new head that names less, or nothing, is the point from which on the backup is what it is going to be. Killed before it, the
/// backup is intact; after it, what is still there is named by nothing, is found as leftovers, and goes when the removal is run again.
/// </summary>
internal sealed class RemovalRun(BackupCatalog catalog, RemovalWork work, TimeProvider clock, IEngineEvents events)
{
    public Task RunAsync(CancellationToken stop) => work.IsForeign ? RemoveForeignAsync(stop) : RemoveOwnAsync(stop);

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
                throw ErrorIds.BackupLocked.With($"Another run wrote to backup '{work.BackupId}' after this removal was planned.", work.BackupId, "Run again.");
            }

            var committed = await session.CommitAsync(work.Pruned ?? Nothing(session.Manifest), stop).ConfigureAwait(false);
            if (work.Pruned is null)
            {
                await RemoveAllAsync(committed.Generation, stop).ConfigureAwait(false);
            }
            else
            {
                await RemoveLeftoversAsync(stop).ConfigureAwait(false);
            }
        }
    }

    private Manifest Nothing(Manifest? before) => new()
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
    /// Old heads before what they name, then segments and pages; last the empty head, and then its copy: until that goes the backup is there and
    /// empty, so that a removal that was killed can be run again.
    /// </summary>
    private async Task RemoveAllAsync(long generation, CancellationToken stop)
    {
        string[] last = [BackupKeys.Head(generation), BackupKeys.ManifestCopy];
        var keys = new List<string>();
        await foreach (var item in catalog.Store.ListAsync(work.BackupId + "/", stop).ConfigureAwait(false))
        {
            var key = item.Key[(work.BackupId.Length + 1)..];
            if (RemovalPlanner.IsOurs(key) && !last.Contains(key, StringComparer.Ordinal))
            {
                keys.Add(key);
            }
        }

        foreach (var key in keys.OrderByDescending(k => BackupKeys.GenerationOf(k) is not null).Concat(last))
        {
            await DeleteAsync(BackupKeys.Of(work.BackupId, key), stop).ConfigureAwait(false);
        }

        await foreach (var upload in catalog.Store.ListUploadsAsync(BackupKeys.Of(work.BackupId, BackupKeys.Topics), stop).ConfigureAwait(false))
        {
            await catalog.Store.DropUploadAsync(upload, stop).ConfigureAwait(false);
        }
    }

    /// <summary>The session's own trim has removed most of it; what a removal before this one left is no head's business any more.</summary>
    private async Task RemoveLeftoversAsync(CancellationToken stop)
    {
        var backup = await catalog.OpenAsync(work.BackupId, stop).ConfigureAwait(false);
        var orphans = new List<string>();
        await foreach (var orphan in catalog.ListOrphansAsync(backup, stop).ConfigureAwait(false))
        {
            orphans.Add(orphan.Object.Key);
        }

        foreach (var key in orphans)
        {
            await DeleteAsync(key, stop).ConfigureAwait(false);
        }
    }

    /// <summary>The same for the other tool's layout, in which the one manifest is replaced by one without topics before anything goes.</summary>
    private async Task RemoveForeignAsync(CancellationToken stop)
    {
        var manifest = BackupKeys.Of(work.BackupId, BackupKeys.ManifestCopy);
        var nothing = $"{{\"backup_id\":{JsonSerializer.Serialize(work.BackupId)},\"created_at\":{clock.GetUtcNow().ToUnixTimeMilliseconds()},\"topics\":[]}}";
        await catalog.Store.PutAsync(manifest, Encoding.UTF8.GetBytes(nothing), stop).ConfigureAwait(false);
        foreach (var item in work.Objects.Where(o => o.Key != manifest))
        {
            await DeleteAsync(item.Key, stop).ConfigureAwait(false);
        }

        await DeleteAsync(manifest, stop).ConfigureAwait(false);
    }

    private async Task DeleteAsync(string key, CancellationToken stop)
    {
        await catalog.Store.DeleteAsync(key, stop).ConfigureAwait(false);
        events.Verbose($"Removed '{key}'.");
    }
}
