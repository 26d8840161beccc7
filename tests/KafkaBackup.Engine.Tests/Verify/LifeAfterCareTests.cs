using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.Engine.Tests.Scenarios;
using KafkaBackup.Testing.Storage;
using Xunit;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>A backup that was pruned or rebuilt goes on as if nothing had been.</summary>
public class LifeAfterCareTests : OnStore
{
    [Fact]
    public async Task B8_a_pruned_and_then_rebuilt_backup_is_continued_without_hole_or_repetition()
    {
        var store = await OpenObjectsAsync();
        await using var scenario = new BackupScenario(store: store);
        scenario.Cluster.CreateTopic("orders");
        for (var run = 0; run < 3; run++)
        {
            scenario.Fill("orders", 20, run * 20);
            await scenario.BackUpAsync();
        }

        await using (
            var planned = await scenario
                .Engine()
                .PlanRemovalAsync(
                    new RemoveSettings
                    {
                        Store = SmallBackup.Settings,
                        BackupId = "b",
                        KeepLast = 1,
                    },
                    scenario.Cancel
                )
        )
        {
            await planned.RunAsync(scenario.Cancel);
        }

        Assert.Equal(Enumerable.Range(40, 20).Select(i => (long)i), (await scenario.StoredAsync("orders")).Select(r => r.Offset));
        scenario.Fill("orders", 20, 60);
        Assert.Equal(20, (await scenario.BackUpAsync()).RecordCount);

        foreach (var key in store.Keys.Where(k => k.StartsWith("b/manifest", StringComparison.Ordinal)))
        {
            store.Remove(key);
        }

        await using (
            var planned = await scenario
                .Engine()
                .PlanRepairAsync(new RepairSettings { Store = SmallBackup.Settings, BackupId = "b" }, scenario.Cancel)
        )
        {
            await planned.RunAsync(scenario.Cancel);
        }

        scenario.Fill("orders", 20, 80);
        var last = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Complete, 20L), (last.Status, last.RecordCount));
        Assert.Equal(Enumerable.Range(40, 60).Select(i => (long)i), (await scenario.StoredAsync("orders")).Select(r => r.Offset));
        var report = await scenario
            .Engine()
            .CheckBackupAsync(
                new CheckSettings
                {
                    Store = SmallBackup.Settings,
                    BackupId = "b",
                    Deep = true,
                },
                scenario.Cancel
            );
        Assert.Empty(report.Findings);
    }
}
