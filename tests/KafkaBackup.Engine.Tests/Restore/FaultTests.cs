using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>Targets that lose answers, refuse records, move, vanish and come back, and backups that are damaged.</summary>
public sealed class FaultTests
{
    [Theory]
    [InlineData(DeliveryMode.Idempotent)]
    [InlineData(DeliveryMode.Transactional)]
    public async Task E2_lost_acknowledgements_repeat_nothing(DeliveryMode delivery)
    {
        await using var scenario = await FilledAsync(20_000);
        scenario.Target.Faults.On(ApiKey.Produce).Skip(2).Times(1).DropAfterHandling();
        scenario.Target.Faults.On(ApiKey.Produce).Skip(6).Times(2).DropAfterHandling();

        await scenario.RestoredAsync(RestoreScenario.Asked() with { Delivery = delivery });

        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Theory]
    [InlineData(DeliveryMode.Idempotent)]
    [InlineData(DeliveryMode.Transactional)]
    public async Task E4_a_refused_record_is_named_and_nothing_after_it_is_written(DeliveryMode delivery)
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        scenario.Source.Fill("orders", 1500);
        scenario.Source.Cluster.Append("orders", 0, new LocalRecord([1], new byte[9000], 1_700_000_000_000));
        scenario.Source.Fill("orders", 1500, 1500);
        await scenario.Source.BackUpAsync();
        scenario.Target.CreateTopic("orders", config: new Dictionary<string, string> { ["max.message.bytes"] = "5000" });
        var settings = RestoreScenario.Asked() with { Force = true, Delivery = delivery, CheckpointPath = scenario.CheckpointPath };

        var report = await scenario.ReportAsync();
        Assert.Contains(report.Findings, f => f is { Kind: FindingKind.RecordTooLarge, CanForce: true });
        var result = await scenario.RestoreAsync(settings);

        var partition = result.Partitions.Single();
        Assert.True(partition.ErrorId == nameof(ErrorIds.TargetRefused), partition.ErrorMessage);
        Assert.Equal((RestoreStatus.Failed, 1500L), (result.Status, partition.RecordCount));
        Assert.Contains("offset 1500", partition.ErrorMessage, StringComparison.Ordinal);
        scenario.AssertEqual("orders", only: r => r.Offset < 1500, committedOnly: true);

        scenario.Target.SetTopicConfig("orders", "max.message.bytes", "1000000");
        var resumed = await scenario.RestoredAsync(settings);
        Assert.Equal((true, 1500L, 1501L), (resumed.Resumed, resumed.RecordsSkippedOnResume, resumed.RecordCount));
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Fact]
    public async Task E4_records_of_nearly_a_batch_do_not_wait_for_more_to_fill_it()
    {
        const int Records = 200;
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        scenario.Source.Cluster.Append(
            "orders",
            0,
            Enumerable.Range(0, Records).Select(i => LocalRecord.Of($"k{i}", new string('v', 960_000), 1_700_000_000_000))
        );
        await scenario.Source.BackUpAsync();
        var begun = System.Diagnostics.Stopwatch.GetTimestamp();

        await scenario.RestoredAsync();

        // The client library lets a batch that is not full linger for 50 ms.
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(begun) < TimeSpan.FromMilliseconds(50 * Records * 0.8));
        scenario.AssertEqual("orders");
    }

    [Theory]
    [InlineData(DeliveryMode.Idempotent)]
    [InlineData(DeliveryMode.Transactional)]
    public async Task E4_a_target_that_takes_smaller_batches_than_it_said_gets_smaller_ones_and_not_single_records(DeliveryMode delivery)
    {
        const int Records = 6000;
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        scenario.Source.Cluster.Append(
            "orders",
            0,
            Enumerable.Range(0, Records).Select(i => LocalRecord.Of($"k{i}", new string('v', 500), 1_700_000_000_000))
        );
        await scenario.Source.BackUpAsync();
        scenario.Target.CreateTopic("orders");
        await using var planned = await scenario.PlanAsync(RestoreScenario.Asked() with { Delivery = delivery });
        scenario.Target.SetTopicConfig("orders", "max.message.bytes", "400000");

        var result = (await planned.RunAsync(CancellationToken.None)).Single();

        Assert.True(result.Status == RestoreStatus.Complete, result.Partitions.Single().ErrorMessage);
        scenario.AssertEqual("orders", committedOnly: true);
        var requests = scenario.Target.Requests.Of(ApiKey.Produce).Count;
        Assert.True(requests < Records * 4 / 5, $"{requests} produce requests for {Records} records");
    }

    [Fact]
    public async Task E6_leaders_that_move_and_a_broker_that_goes_and_comes_back_are_survived()
    {
        await using var scenario = await FilledAsync(30_000, targetBrokers: 2);
        var running = scenario.RestoredAsync(RestoreScenario.Asked() with { RecordsPerSecond = 10_000 });
        await ReachedAsync(scenario, 3000);
        scenario.Target.MoveLeader("orders", 0, scenario.Target.LeaderOf("orders", 0) == 1 ? 2 : 1);
        await ReachedAsync(scenario, 9000);
        var leader = scenario.Target.LeaderOf("orders", 0);
        await scenario.Target.StopBroker(leader);
        await Task.Delay(2000);
        scenario.Target.StartBroker(leader);

        Assert.Equal(30_000, (await running).RecordCount);
        scenario.AssertEqual("orders");
    }

    [Fact]
    public async Task E2_a_strangers_record_between_two_runs_stops_the_partition()
    {
        await using var scenario = await FilledAsync(5000);
        var settings = RestoreScenario.Asked() with { CheckpointPath = scenario.CheckpointPath };
        await StopAtAsync(scenario, settings, 1000);
        scenario.Target.Append("orders", 0, LocalRecord.Of("stranger", "x"));
        var end = scenario.Target.LogEnd("orders");

        var result = await scenario.RestoreAsync(settings);

        Assert.Equal((RestoreStatus.Failed, nameof(ErrorIds.TargetChanged)), (result.Status, result.Partitions.Single().ErrorId));
        Assert.Equal(end, scenario.Target.LogEnd("orders"));
    }

    [Fact]
    public async Task E2_a_strangers_record_during_the_run_is_noticed()
    {
        await using var scenario = await FilledAsync(20_000);
        var running = scenario.RestoreAsync(RestoreScenario.Asked() with { RecordsPerSecond = 5000 });
        await ReachedAsync(scenario, 2000);
        scenario.Target.Append("orders", 0, LocalRecord.Of("stranger", "x"));

        var result = await running;

        Assert.Equal((RestoreStatus.Failed, nameof(ErrorIds.TargetChanged)), (result.Status, result.Partitions.Single().ErrorId));
    }

    [Fact]
    public async Task D2_a_segment_damaged_in_the_middle_fails_its_partition_and_no_other()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", 2);
        scenario.Source.Fill("orders", 300, batch: 100);
        scenario.Source.Fill("orders", 300, partition: 1, batch: 100);
        await scenario.Source.BackUpAsync(BackupScenario.Asked() with { SegmentMaxRecords = 100 });
        var file = Directory
            .GetFiles(scenario.Source.StorePath, "segment-*100-*.kbs", SearchOption.AllDirectories)
            .Single(f => f.Contains("partition=0", StringComparison.Ordinal));
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);

        var result = await scenario.RestoreAsync();

        Assert.Equal(RestoreStatus.Incomplete, result.Status);
        Assert.Equal(
            (PartitionStatus.Failed, nameof(ErrorIds.SegmentCorrupt), 100L),
            (result.Partitions[0].Status, result.Partitions[0].ErrorId, result.Partitions[0].RecordCount)
        );
        Assert.Contains("offsets 100 to 199", result.Partitions[0].ErrorMessage, StringComparison.Ordinal);
        scenario.AssertEqual("orders", 0, only: r => r.Offset < 100);
        scenario.AssertEqual("orders", 1);

        // All that is left of it, when asked for.
        var rest = await scenario.RestoreAsync(
            RestoreScenario.Asked() with
            {
                Force = true,
                TopicMapping = new Dictionary<string, string> { ["orders"] = "rest" },
            }
        );
        Assert.Equal((RestoreStatus.Incomplete, 500, 100), (rest.Status, rest.RecordCount, rest.RecordsLeftOut));
        Assert.Contains(rest.Findings, f => f.Kind == FindingKind.Corrupt);
        scenario.AssertEqual("orders", 0, target: "rest", only: r => r.Offset is < 100 or >= 200);
    }

    [Fact]
    public async Task D2_a_missing_segment_is_refused_and_with_force_the_rest_is_restored()
    {
        await using var scenario = await FilledAsync(300, segment: 100);
        File.Delete(Directory.GetFiles(scenario.Source.StorePath, "segment-*100-*.kbs", SearchOption.AllDirectories).Single());

        var refused = await scenario.RefusedAsync();
        Assert.Contains("offsets 100 to 199", refused.Message, StringComparison.Ordinal);
        Assert.Equal(200, (await scenario.RestoreAsync(RestoreScenario.Asked() with { Force = true })).RecordCount);
        scenario.AssertEqual("orders", only: r => r.Offset is < 100 or >= 200);
    }

    [Theory]
    [InlineData(DeliveryMode.Idempotent)]
    [InlineData(DeliveryMode.Transactional)]
    public async Task O1_a_forced_restore_that_leaves_records_out_is_incomplete_also_after_a_resume(DeliveryMode delivery)
    {
        await using var scenario = await FilledAsync(3000, segment: 1000);
        var settings = RestoreScenario.Asked() with { Force = true, Delivery = delivery, CheckpointPath = scenario.CheckpointPath };
        File.Delete(Directory.GetFiles(scenario.Source.StorePath, "segment-*1000-*.kbs", SearchOption.AllDirectories).Single());
        await StopAtAsync(scenario, settings, 500);

        var result = await scenario.RestoreAsync(settings);

        Assert.Equal((RestoreStatus.Incomplete, 1, 1000), (result.Status, result.ExitCode, result.RecordsLeftOut));
        Assert.Contains(
            scenario.Events.Errors,
            e =>
                e.Definition == ErrorIds.RecordsLeftOut
                && e.Message.Contains("orders", StringComparison.Ordinal)
                && e.Message.Contains("1,000", StringComparison.Ordinal)
        );
        scenario.AssertEqual("orders", only: r => r.Offset is < 1000 or >= 2000, committedOnly: true);
    }

    [Fact]
    public async Task E8_topics_are_never_emptied_for_a_damaged_backup_nor_without_force()
    {
        await using var scenario = await FilledAsync(300, segment: 100);
        scenario.Target.CreateTopic("orders");
        scenario.Target.Append("orders", 0, LocalRecord.Of("old", "old"));
        Assert.Equal(
            ErrorIds.PurgeNeedsForce,
            (await scenario.RefusedAsync(RestoreScenario.Asked() with { PurgeTopics = true })).Definition
        );

        var file = Directory.GetFiles(scenario.Source.StorePath, "segment-*100-*.kbs", SearchOption.AllDirectories).Single();
        var sound = await File.ReadAllBytesAsync(file);
        var bytes = sound.ToArray();
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        await scenario.RefusedAsync(RestoreScenario.Asked() with { PurgeTopics = true, Force = true });
        Assert.Equal(0, scenario.Target.LogStart("orders"));

        await File.WriteAllBytesAsync(file, sound);
        await scenario.RestoredAsync(RestoreScenario.Asked() with { PurgeTopics = true, Force = true });
        Assert.Equal(1, scenario.Target.LogStart("orders"));
        scenario.AssertEqual("orders");
    }

    [Theory]
    [InlineData(DeliveryMode.Idempotent)]
    [InlineData(DeliveryMode.Transactional)]
    public async Task E8_a_resume_never_empties_what_it_restored(DeliveryMode delivery)
    {
        await using var scenario = await FilledAsync(5000);
        scenario.Target.CreateTopic("orders");
        scenario.Target.Append("orders", 0, LocalRecord.Of("old", "old"));
        var settings = RestoreScenario.Asked() with
        {
            PurgeTopics = true,
            Force = true,
            Delivery = delivery,
            CheckpointPath = scenario.CheckpointPath,
        };
        await StopAtAsync(scenario, settings, 1000);

        var resumed = await scenario.RestoredAsync(settings);

        Assert.InRange(resumed.RecordsSkippedOnResume, 1, 4999);
        Assert.Equal(1, scenario.Target.LogStart("orders"));
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Fact]
    public async Task E2_of_two_transactional_restores_at_once_the_older_is_shut_out()
    {
        await using var scenario = await FilledAsync(20_000);
        var settings = RestoreScenario.Asked() with { Delivery = DeliveryMode.Transactional, RecordsPerSecond = 4000 };
        var older = scenario.RestoreAsync(settings);
        await ReachedAsync(scenario, 1000);
        var newer = await scenario.RestoredAsync(settings with { RecordsPerSecond = null, Force = true });

        Assert.Equal(20_000, newer.RecordCount + newer.RecordsSkippedOnResume);
        var loser = await older;
        Assert.Equal((RestoreStatus.Failed, nameof(ErrorIds.ProducerFenced)), (loser.Status, loser.Partitions.Single().ErrorId));
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Fact]
    public async Task E4_a_right_to_a_new_topic_that_turns_out_to_be_missing_is_named()
    {
        await using var scenario = await FilledAsync(10);
        scenario.Target.Deny(ApiKey.Produce, "orders");

        var result = await scenario.RestoreAsync();

        Assert.Equal((RestoreStatus.Failed, nameof(ErrorIds.ClusterUnauthorized)), (result.Status, result.Partitions.Single().ErrorId));
    }

    internal static async Task<RestoreScenario> FilledAsync(int records, int? segment = null, int targetBrokers = 1, int batch = 1000)
    {
        var scenario = new RestoreScenario(targetBrokers);
        scenario.Source.Cluster.CreateTopic("orders");
        scenario.Source.Fill("orders", records, batch: segment ?? batch);
        await scenario.Source.BackUpAsync(BackupScenario.Asked() with { SegmentMaxRecords = segment });
        return scenario;
    }

    /// <summary>Stops a restore that has brought so many records.</summary>
    internal static async Task<RestoreResult> StopAtAsync(RestoreScenario scenario, RestoreSettings settings, int records)
    {
        using var stop = new CancellationTokenSource();
        // Slow enough that a busy machine, which makes up for a second, still stops it before the rest is brought.
        var running = scenario.RestoreAsync(settings with { RecordsPerSecond = Math.Max(1, records / 3) }, stop.Token);
        await ReachedAsync(scenario, records);
        await stop.CancelAsync();
        var result = await running;
        Assert.Equal(RestoreStatus.Stopped, result.Status);
        return result;
    }

    internal static Task ReachedAsync(RestoreScenario scenario, int records) =>
        scenario.Source.WaitAsync(
            () =>
                scenario.Target.TopicNames.Contains("orders")
                && scenario.Target.LogEnd("orders") - scenario.Target.LogStart("orders") >= records,
            $"{records} records"
        );
}
