using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>Plans a repair with reads alone, and hands out the plan with the way to carry it out.</summary>
internal static class RepairJob
{
    public static async Task<PlannedOperation<RepairResult, RepairResult>> PlanAsync(
        StoreSettings settings,
        RepairSettings asked,
        EngineServices services,
        IEngineEvents events,
        CancellationToken cancel
    )
    {
        var backupId = NameRules.CheckBackupId(
            asked.BackupId ?? throw ErrorIds.MissingSettings.With("Not given: the backup (-BackupId).", "BackupId")
        );
        var store = services.OpenStore(settings, events);
        try
        {
            var planner = new RepairPlanner(
                new BackupCatalog(new ReadOnlyStore(store, services.Clock)),
                backupId,
                asked.Force,
                services.Clock,
                events
            );
            var work = await planner.PlanAsync(cancel).ConfigureAwait(false);
            return new PlannedOperation<RepairResult, RepairResult>(
                Result(work, settings, store.Location, work.Findings, applied: false),
                async stop =>
                {
                    var after = await new RepairRun(new BackupCatalog(store), work, services.Clock, events)
                        .RunAsync(stop)
                        .ConfigureAwait(false);
                    return Result(work, settings, store.Location, [.. work.Findings, .. after], applied: true);
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

    private static RepairResult Result(
        RepairWork work,
        StoreSettings settings,
        string location,
        IReadOnlyList<Finding> findings,
        bool applied
    ) =>
        new()
        {
            BackupId = work.BackupId,
            Path = location,
            StorageOption = settings.Options ?? new Dictionary<string, string>(),
            Actions = ItemList.From(work.Actions),
            Findings = ItemList.From(findings),
            Applied = applied,
        };
}
