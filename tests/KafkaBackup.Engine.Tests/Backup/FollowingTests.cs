using KafkaBackup.Engine.Tests.Scenarios;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>What a backup that runs until it is stopped leaves in its store.</summary>
public class FollowingTests : OnStore
{
    [Fact]
    public async Task B10_new_records_topics_and_partitions_are_followed_until_the_stop()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        using var stop = new CancellationTokenSource();
        var running = scenario.BackUpAsync(Following(), stop.Token);
        await CountAsync(scenario, "orders", 0, 10);

        scenario.Fill("orders", 10, 10);
        await CountAsync(scenario, "orders", 0, 20);
        scenario.Cluster.CreateTopic("new");
        scenario.Fill("new", 5);
        scenario.Cluster.AddPartitions("orders", 2);
        scenario.Fill("orders", 7, partition: 1);
        await CountAsync(scenario, "new", 0, 5);
        await CountAsync(scenario, "orders", 1, 7);
        await stop.CancelAsync();
        var result = await running;

        Assert.Equal((BackupStatus.Stopped, 32L, 2), (result.Status, result.RecordCount, result.ExitCode));
        await scenario.AssertStoredIsSourceAsync("orders");
        Assert.Equal(0, (await scenario.BackUpAsync()).RecordCount);
    }

    [Fact]
    public async Task B10_the_end_of_the_duration_is_a_success()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);

        var result = await scenario.BackUpAsync(Following() with { Duration = TimeSpan.FromSeconds(1) });

        Assert.Equal((BackupStatus.Complete, 0), (result.Status, result.ExitCode));
        Assert.InRange(result.Duration, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task B10_what_came_before_the_end_of_the_duration_is_in_the_backup()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        var running = scenario.BackUpAsync(
            Following() with
            {
                Duration = TimeSpan.FromSeconds(8),
                SegmentMaxInterval = TimeSpan.FromMinutes(10),
            }
        );
        await CountAsync(scenario, "orders", 0, 10);
        scenario.Fill("orders", 5, 10);

        Assert.Equal((BackupStatus.Complete, 15L), (await running) is var result ? (result.Status, result.RecordCount) : default);
    }

    [Fact]
    public async Task B10_small_segments_do_not_stay_for_ever()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders");
        using var stop = new CancellationTokenSource();
        var running = scenario.BackUpAsync(Following() with { SegmentMaxInterval = TimeSpan.FromMilliseconds(50) }, stop.Token);
        for (var i = 0; i < 20; i++)
        {
            scenario.Fill("orders", 10, i * 10);
            await CountAsync(scenario, "orders", 0, (i + 1) * 10);
        }

        await stop.CancelAsync();
        await running;

        Assert.InRange((await scenario.PartitionAsync("orders")).Segments.Count, 1, 15);
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    internal static BackupSettings Following() =>
        BackupScenario.Asked() with
        {
            Continuous = true,
            SegmentMaxInterval = TimeSpan.FromMilliseconds(200),
        };

    internal static async Task<bool> HasHeadAsync(BackupScenario scenario) =>
        (await scenario.KeysAsync()).Any(k => k.Contains("/manifest/0", StringComparison.Ordinal));

    internal static Task CountAsync(BackupScenario scenario, string topic, int partition, long count) =>
        scenario.WaitAsync(
            async () =>
                await HasHeadAsync(scenario)
                && (await scenario.ManifestAsync())
                    .Topics.GetValueOrDefault(topic)
                    ?.Partitions.GetValueOrDefault(partition)
                    ?.Segments.Sum(s => s.RecordCount) == count,
            $"{count} records of {topic}/{partition}"
        );
}
