using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>
/// Plans the removal of a backup or of its old runs with reads alone, and hands out the plan with the way to carry it out.
/// </summary>
internal static class RemovalJob
{
    public static async Task<PlannedOperation<IReadOnlyList<RemovalResult>, IReadOnlyList<RemovalResult>>> PlanAsync(
        StoreSettings settings,
        RemoveSettings asked,
        EngineServices services,
        IEngineEvents events,
        CancellationToken cancel
    )
    {
        var backupId = NameRules.CheckBackupId(
            asked.BackupId ?? throw ErrorIds.MissingSettings.With("Not given: the backup (-BackupId).", "BackupId")
        );
        if (asked.KeepLast is < 1)
        {
            throw ErrorIds.ConfigOutOfRange.With(
                $"KeepLast must be at least 1, but is {asked.KeepLast}.",
                "KeepLast",
                "To remove the whole backup leave -KeepLast out."
            );
        }

        var store = services.OpenStore(settings, events);
        try
        {
            var work = await new RemovalPlanner(
                new BackupCatalog(new ReadOnlyStore(store, services.Clock)),
                backupId,
                asked,
                services.Clock,
                events
            )
                .PlanAsync(cancel)
                .ConfigureAwait(false);
            RemovalResult Result(bool applied, IReadOnlyCollection<StoreObject> removed) =>
                new()
                {
                    BackupId = backupId,
                    Path = store.Location,
                    StorageOption = settings.Options ?? new Dictionary<string, string>(),
                    ObjectsRemoved = removed.Count,
                    BytesFreed = removed.Sum(o => o.Size),
                    LeftoversRemoved = work.Leftovers,
                    RunsRemoved = work.Runs,
                    WholeBackup = work.Pruned is null,
                    Applied = applied,
                };
            return new PlannedOperation<IReadOnlyList<RemovalResult>, IReadOnlyList<RemovalResult>>(
                [Result(applied: false, work.Objects)],
                async stop =>
                {
                    var stayed = await new RemovalRun(new BackupCatalog(store), work, services.Clock, events)
                        .RunAsync(stop)
                        .ConfigureAwait(false);
                    return [Result(applied: true, [.. work.Objects.Where(o => !stayed.Contains(o.Key))])];
                },
                store.DisposeAsync
            );
        }
        catch
        {
            await store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
