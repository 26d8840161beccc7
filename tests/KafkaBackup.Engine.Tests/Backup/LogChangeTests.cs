using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>A partition that gives nothing, and a log that changes between the capture and the reading.</summary>
public sealed class LogChangeTests
{
    [Fact]
    public async Task B4_B15_a_partition_that_never_gives_anything_is_an_error_and_the_others_are_complete()
    {
        await using var scenario = new BackupScenario(brokers: 2) { Clock = new FastClock(100) };
        scenario.Cluster.CreateTopic("stuck");
        scenario.Cluster.CreateTopic("fine");
        scenario.Cluster.MoveLeader("stuck", 0, 1);
        scenario.Cluster.MoveLeader("fine", 0, 2);
        scenario.Fill("stuck", 100);
        scenario.Fill("fine", 100);
        var frozen = scenario.Cluster.Faults.On(ApiKey.Fetch).Topic("stuck");
        frozen.Freeze();

        var result = await scenario.BackUpAsync();
        frozen.Thaw();

        Assert.Equal(BackupStatus.Incomplete, result.Status);
        var stuck = result.Topics.Single(t => t.Topic == "stuck").Partitions.Single();
        Assert.Equal((PartitionStatus.Failed, nameof(ErrorIds.PartitionStalled), 0L), (stuck.Status, stuck.ErrorId, stuck.StoredTo));
        Assert.False((await scenario.ManifestAsync()).Complete);
        await scenario.AssertStoredIsSourceAsync("fine");
        Assert.Equal(
            (BackupStatus.Complete, 100L),
            ((await scenario.BackUpAsync()).Status, (await scenario.PartitionAsync("stuck")).NextOffset)
        );
    }

    [Fact]
    public async Task B4_L4_fetches_that_bring_nothing_are_no_end()
    {
        await using var scenario = new BackupScenario { Clock = new FastClock(20) };
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100);
        scenario.Fill("orders", 100, 100);
        scenario.WrapCluster = c => new ClusterDouble(c)
        {
            BatchReader = r => new FallingSilent(r, 1, () => { }, TimeSpan.FromSeconds(1.5)),
        };

        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Complete, 200L), (result.Status, result.RecordCount));
        Assert.Contains(
            scenario.Events.VerboseLines,
            l => l.Contains("has delivered nothing for 20 s at offset 100", StringComparison.Ordinal)
        );
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task B8_L4_a_log_cut_and_filled_again_while_it_is_read_is_noticed()
    {
        // More than a reader holds back, so that part of it is fetched after the change.
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        var value = new string('v', 128 << 10);
        for (var i = 0; i < 200; i++)
        {
            scenario.Cluster.Append("orders", 0, LocalRecord.Of($"k{i}", value));
        }

        await using var planned = await scenario.PlanAsync(BackupScenario.Asked() with { BytesPerSecond = 6 << 20 });
        var running = planned.RunAsync(scenario.Cancel);
        await scenario.WaitAsync(() => scenario.Cluster.Requests.Of(ApiKey.Fetch).Count > 1, "the first fetches");
        scenario.Cluster.Truncate("orders", 0, 10);
        scenario.Cluster.Append("orders", 0, Enumerable.Range(10, 300).Select(i => LocalRecord.Of("other", $"o{i}")));

        var result = await running;

        Assert.Equal(nameof(ErrorIds.LogTruncated), result.Topics.Single().Partitions.Single().ErrorId);
        Assert.DoesNotContain(await scenario.StoredAsync("orders"), record => System.Text.Encoding.UTF8.GetString(record.Value!)[0] == 'o');
    }

    [Fact]
    public async Task B16_a_position_refused_although_it_lies_in_the_log_is_asked_anew_without_gap_or_repeat()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100);
        await scenario.BackUpAsync();
        scenario.Fill("orders", 100, 100);
        scenario.WrapCluster = c => new ClusterDouble(c) { BatchReader = r => new BatchReaderDouble(r, refusals: 2) };

        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Complete, 100L, 0), (result.Status, result.RecordCount, result.Gaps.Count));
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task B16_a_position_refused_for_ever_fails_its_partition_and_is_never_an_end()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100);
        scenario.WrapCluster = c => new ClusterDouble(c) { BatchReader = r => new BatchReaderDouble(r, refusals: 1000) };

        var result = await scenario.BackUpAsync();

        Assert.Equal(
            (BackupStatus.Failed, nameof(ErrorIds.PartitionRead)),
            (result.Status, result.Topics.Single().Partitions.Single().ErrorId)
        );
        Assert.Equal(0, (await scenario.PartitionAsync("orders")).NextOffset);
    }

    [Theory]
    [InlineData(61)]
    [InlineData(300)]
    public async Task B8_B16_a_log_truncated_after_the_capture_is_noticed_whether_or_not_it_grew_again(int end)
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100);
        await scenario.BackUpAsync();
        scenario.Fill("orders", 100, 100);
        await using var planned = await scenario.PlanAsync(BackupScenario.Asked());
        scenario.Cluster.Truncate("orders", 0, 60);
        scenario.Cluster.Append(
            "orders",
            0,
            Enumerable.Range(60, end - 60).Select(i => LocalRecord.Of("other", $"o{i}", 1_700_000_000_000))
        );

        var result = await planned.RunAsync(scenario.Cancel);

        Assert.Equal(
            (BackupStatus.Failed, nameof(ErrorIds.LogTruncated)),
            (result.Status, result.Topics.Single().Partitions.Single().ErrorId)
        );
        Assert.Equal(100, (await scenario.StoredAsync("orders")).Count);
    }

    [Fact]
    public async Task B4_B16_a_log_cut_between_what_was_read_and_its_captured_end_is_called_truncated_and_not_stalled()
    {
        await using var scenario = new BackupScenario { Clock = new FastClock(100) };
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100);
        await scenario.BackUpAsync();
        scenario.Fill("orders", 100, 100);
        await using var planned = await scenario.PlanAsync(BackupScenario.Asked());
        scenario.Cluster.Truncate("orders", 0, 150);

        var result = await planned.RunAsync(scenario.Cancel);

        var partition = result.Topics.Single().Partitions.Single();
        Assert.Equal((nameof(ErrorIds.LogTruncated), 150L), (partition.ErrorId, partition.StoredTo));
        Assert.NotEqual(BackupStatus.Complete, result.Status);
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Theory]
    [InlineData(50)]
    [InlineData(100)]
    [InlineData(150)]
    public async Task B8_a_recreated_topic_of_a_broker_without_topic_ids_is_noticed_by_its_end_or_its_records(int records)
    {
        await using var scenario = new BackupScenario
        {
            WrapCluster = c => new ClusterDouble(c) { Description = ClusterDouble.WithoutIds },
        };
        scenario.Cluster.CreateTopic("orders");
        scenario.Cluster.CreateTopic("other");
        scenario.Fill("orders", 100);
        await scenario.BackUpAsync();
        Assert.Null((await scenario.ManifestAsync()).Topics["orders"].TopicId);
        scenario.Cluster.RecreateTopic("orders");
        scenario.Fill("orders", records, 1000);

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Incomplete, result.Status);
        Assert.Equal(nameof(ErrorIds.LogTruncated), result.Topics.Single(t => t.Topic == "orders").Partitions.Single().ErrorId);
        Assert.Equal(100, (await scenario.StoredAsync("orders")).Count);
    }

    [Fact]
    public async Task B8_without_topic_ids_one_truncated_partition_stops_its_topic_for_it_may_have_been_created_again()
    {
        await using var scenario = new BackupScenario
        {
            WrapCluster = c => new ClusterDouble(c) { Description = ClusterDouble.WithoutIds },
        };
        scenario.Cluster.CreateTopic("orders", 3);
        scenario.Cluster.CreateTopic("other");
        scenario.Fill("orders", 100);
        await scenario.BackUpAsync();
        scenario.Cluster.RecreateTopic("orders", 3);
        scenario.Fill("orders", 20, 1000, partition: 1);
        scenario.Fill("other", 5);

        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Incomplete, 5L), (result.Status, result.RecordCount));
        Assert.All(result.Topics.Single(t => t.Topic == "orders").Partitions, p => Assert.Equal(nameof(ErrorIds.LogTruncated), p.ErrorId));
        Assert.Single(scenario.Events.Errors);
        Assert.Empty(await scenario.StoredAsync("orders", 1));
    }
}
