using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>
/// Works out what a removal takes away, and refuses to take the last complete backup of a store. Complete is what this tool wrote, what
/// opens, and what says of itself that its last run reached every end. One that does not open may be complete: it counts when it is to be
/// removed, not when it would have to replace another.
/// </summary>
internal sealed class RemovalPlanner(BackupCatalog catalog, string backupId, RemoveSettings asked, TimeProvider clock, IEngineEvents events)
{
    public async Task<RemovalWork> PlanAsync(CancellationToken cancel)
    {
        var prunes = asked.OlderThan is not null || asked.KeepLast is not null;
        OpenedBackup? backup;
        try
        {
            backup = await catalog.OpenAsync(backupId, cancel).ConfigureAwait(false);
        }
        catch (KafkaBackupException error) when (!prunes && error.Definition == ErrorIds.ManifestDamaged)
        {
            backup = null;
        }

        if (backup is { IsForeign: true })
        {
            return prunes || !asked.Force
                ? throw ErrorIds.BackupReadOnly.With(
                    $"Backup '{backupId}' in {catalog.Store.Location} was written by another tool.",
                    backupId,
                    prunes
                        ? "Its runs cannot be told apart; it can only be removed as a whole."
                        : "Remove it with that tool, or use -Force to remove everything in its folder."
                )
                : new RemovalWork(backupId, true, 0, null, await ListAsync("", _ => true, cancel).ConfigureAwait(false));
        }

        if (
            (await LockState.WatchAsync(catalog, backupId, clock, events, cancel).ConfigureAwait(false)) is
            { MayBeAlive: true, Holder: { } holder }
        )
        {
            throw ErrorIds.BackupLocked.With(
                $"Backup '{backupId}' in {catalog.Store.Location} is being written by {holder}. That run is alive.",
                backupId
            );
        }

        var pruned = prunes ? Pruning.Without(backup!.Manifest, asked.OlderThan, asked.KeepLast) : null;
        if (!asked.Force && IsLoss(backup?.Manifest, pruned) && !await IsAnotherCompleteAsync(cancel).ConfigureAwait(false))
        {
            var what = pruned is null ? "is" : "would be emptied, and is";
            throw ErrorIds.LastCompleteBackup.With(
                $"Backup '{backupId}' {what} the last complete backup in {catalog.Store.Location}.",
                backupId
            );
        }

        if (pruned is null)
        {
            return new RemovalWork(
                backupId,
                false,
                backup?.Generation ?? 0,
                null,
                await ListAsync("", IsOurs, cancel).ConfigureAwait(false)
            )
            {
                IsDamaged = backup is null,
            };
        }

        // Also what an interrupted removal has left: named by no manifest any more.
        var kept = Named(pruned);
        var named = Named(backup!.Manifest);
        var gone = await ListAsync(BackupKeys.Topics, key => key.EndsWith(BackupKeys.SegmentExtension, StringComparison.Ordinal), cancel)
            .ConfigureAwait(false);
        var objects = gone.Where(o => !kept.Contains(o.Key)).ToArray();
        var before = Segments(backup.Manifest).Select(s => s.RunId).ToHashSet(StringComparer.Ordinal);
        return new RemovalWork(backupId, false, backup.Generation, pruned, objects)
        {
            Leftovers = objects.Count(o => !named.Contains(o.Key)),
            Runs = before.Except(Segments(pruned).Select(s => s.RunId), StringComparer.Ordinal).Count(),
        };
    }

    private HashSet<string> Named(Manifest manifest) =>
        NamedObjects.SegmentsOf(manifest).Select(key => BackupKeys.Of(backupId, key)).ToHashSet(StringComparer.Ordinal);

    /// <summary>Only what this tool writes: other files may still be wanted.</summary>
    public static bool IsOurs(string key) =>
        key is BackupKeys.ManifestCopy
        || key.StartsWith(BackupKeys.ManifestFolder, StringComparison.Ordinal)
        || (
            key.StartsWith(BackupKeys.Topics, StringComparison.Ordinal)
            && key.EndsWith(BackupKeys.SegmentExtension, StringComparison.Ordinal)
        );

    private static IEnumerable<SegmentEntry> Segments(Manifest manifest) =>
        manifest.Topics.Values.SelectMany(t => t.Partitions.Values).SelectMany(p => p.Segments);

    private static bool IsLoss(Manifest? manifest, Manifest? pruned) =>
        manifest is not { Complete: false } && (pruned is null || (!Segments(pruned).Any() && Segments(manifest!).Any()));

    private async Task<bool> IsAnotherCompleteAsync(CancellationToken cancel)
    {
        await foreach (var id in catalog.ListAsync(null, cancel).ConfigureAwait(false))
        {
            if (id != backupId && await IsCompleteAsync(id, cancel).ConfigureAwait(false))
            {
                return true;
            }
        }

        return false;
    }

    private async Task<bool> IsCompleteAsync(string id, CancellationToken cancel)
    {
        try
        {
            return await catalog.FindAsync(id, cancel).ConfigureAwait(false) is { IsForeign: false, Manifest.Complete: true };
        }
        catch (KafkaBackupException)
        {
            // Whatever is wrong with that one, it is no reason to let go of this one.
            return false;
        }
    }

    private async Task<IReadOnlyList<StoreObject>> ListAsync(string folder, Func<string, bool> counts, CancellationToken cancel)
    {
        var objects = new List<StoreObject>();
        await foreach (var item in catalog.Store.ListAsync(BackupKeys.Of(backupId, folder), cancel).ConfigureAwait(false))
        {
            if (!counts(item.Key[(backupId.Length + 1)..]))
            {
                continue;
            }

            if (StoreKey.IsLegal(item.Key))
            {
                objects.Add(item);
            }
            else
            {
                var strange = StrangeNames.Finding(item.Key);
                events.Warning($"{strange.Message} {strange.Advice}");
            }
        }

        return objects;
    }
}
