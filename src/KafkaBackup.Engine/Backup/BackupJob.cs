using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Backup;

/// <summary>From options to a planned backup: opens cluster and store, plans, and hands out the plan with the way to run it.</summary>
internal static class BackupJob
{
    public static async Task<PlannedOperation<BackupPlan, BackupResult>> PlanAsync(
        BackupOptions options,
        EngineServices services,
        IEngineEvents events,
        CancellationToken cancel
    )
    {
        var store = services.OpenStore(options.Store, events);
        IKafkaCluster? cluster = null;
        try
        {
            cluster = services.OpenCluster(options.Source, events);
            var catalog = new BackupCatalog(store);
            var planner = new BackupPlanner(cluster, catalog, options, services.Clock, events);
            var work = await planner.PlanAsync(cancel).ConfigureAwait(false);
            foreach (var finding in work.Findings.Where(f => f.Severity == FindingSeverity.Warning))
            {
                events.Warning($"{finding.Message} {finding.Advice}");
            }

            return new PlannedOperation<BackupPlan, BackupResult>(
                planner.Show(work),
                stop => new BackupRun(cluster, catalog, work, ToolVersion.Text, services.Clock, events).RunAsync(stop),
                () => ReleaseAsync(cluster, store)
            );
        }
        catch
        {
            await ReleaseAsync(cluster, store).ConfigureAwait(false);
            throw;
        }
    }

    private static async ValueTask ReleaseAsync(IKafkaCluster? cluster, IStore store)
    {
        if (cluster is not null)
        {
            await cluster.DisposeAsync().ConfigureAwait(false);
        }

        await store.DisposeAsync().ConfigureAwait(false);
    }
}
