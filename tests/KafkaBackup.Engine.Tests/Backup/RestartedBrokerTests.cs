using KafkaBackup.LocalBroker;
using KafkaBackup.Testing.Storage;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>
/// All brokers restart in the middle of a run: for some seconds they are away, and then they do not know their topics yet.
/// </summary>
public sealed class RestartedBrokerTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Run", "Long")]
    public async Task B10_E6_a_restart_of_all_brokers_in_the_middle_is_waited_out(bool withIds)
    {
        const int Runs = 50;
        await using var scenario = new BackupScenario(
            store: new MemoryStore(),
            options: withIds ? new LocalClusterOptions() : LocalClusterOptions.Kafka24,
            limit: TimeSpan.FromMinutes(6)
        );
        var planned = new List<PlannedOperation<BackupPlan, BackupResult>>();
        for (var i = 0; i < Runs; i++)
        {
            scenario.Cluster.CreateTopic($"t{i}");
            scenario.Fill($"t{i}", 1500);
            planned.Add(
                await scenario.PlanAsync(
                    BackupScenario.Asked($"t{i}") with
                    {
                        BackupId = $"t{i}",
                        RecordsPerSecond = 1000,
                        SegmentMaxInterval = TimeSpan.FromMilliseconds(300),
                        ConsumerGroupSnapshot = false,
                    }
                )
            );
        }

        var running = planned
            .Select(
                async (plan, i) =>
                {
                    await Task.Delay(i * 40, scenario.Cancel);
                    return await plan.RunAsync(scenario.Cancel);
                }
            )
            .ToArray();
        await Task.Delay(1200, scenario.Cancel);
        scenario.Cluster.KnowsNoTopics = true;
        await scenario.Cluster.StopBroker(1);
        await Task.Delay(500, scenario.Cancel);
        scenario.Cluster.StartBroker(1);
        await Task.Delay(9000, scenario.Cancel);
        scenario.Cluster.KnowsNoTopics = false;

        for (var i = 0; i < Runs; i++)
        {
            var result = await running[i];
            Assert.Equal((BackupStatus.Complete, 1500L), (result.Status, result.RecordCount));
            Assert.Equal(
                Enumerable.Range(0, 1500).Select(o => (long)o),
                (await scenario.StoredAsync($"t{i}", backupId: $"t{i}")).Select(r => r.Offset)
            );
            await planned[i].DisposeAsync();
        }

        Assert.Empty(scenario.Events.Errors);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task B10_brokers_that_know_no_topics_for_a_while_are_no_deletion_to_a_continuous_run(bool withIds)
    {
        await using var scenario = new BackupScenario(options: withIds ? new LocalClusterOptions() : LocalClusterOptions.Kafka24);
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        using var stop = new CancellationTokenSource();
        var running = scenario.BackUpAsync(FollowingTests.Following(), stop.Token);
        await FollowingTests.CountAsync(scenario, "orders", 0, 10);
        for (var round = 1; round <= 5; round++)
        {
            scenario.Cluster.KnowsNoTopics = true;
            await Task.Delay(150 * round, scenario.Cancel);
            scenario.Cluster.KnowsNoTopics = false;
            scenario.Fill("orders", 10, round * 10);
            await FollowingTests.CountAsync(scenario, "orders", 0, (round + 1) * 10);
        }

        await stop.CancelAsync();
        Assert.Equal(BackupStatus.Stopped, (await running).Status);
        Assert.Empty(scenario.Events.Errors);
        Assert.Empty(scenario.Events.Warnings);
        await scenario.AssertStoredIsSourceAsync("orders");
    }
}
