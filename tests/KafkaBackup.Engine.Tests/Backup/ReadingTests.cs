using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>What is read, where it ends, and what is said of it.</summary>
public sealed class ReadingTests
{
    [Fact]
    public async Task B1_records_written_after_the_capture_are_left_to_the_next_run()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders", 2);
        scenario.Fill("orders", 500);
        scenario.Fill("orders", 500, partition: 1);
        await using var planned = await scenario.PlanAsync(BackupScenario.Asked());
        scenario.Fill("orders", 100, 500);
        scenario.Fill("orders", 100, 500, partition: 1);

        var result = await planned.RunAsync(scenario.Cancel);

        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Equal(1000, result.RecordCount);
        Assert.All(result.Topics.Single().Partitions, p => Assert.Equal(500, p.StoredTo));
        Assert.Equal(200, (await scenario.BackUpAsync()).RecordCount);
        await scenario.AssertStoredIsSourceAsync("orders");
        await scenario.AssertStoredIsSourceAsync("orders", 1);
    }

    [Fact]
    public async Task B1_a_live_producer_neither_holds_up_the_end_nor_is_disturbed()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 20_000);
        using var enough = new CancellationTokenSource();
        var producing = Task.Run(async () =>
        {
            for (var i = 20_000; !enough.IsCancellationRequested; i += 10)
            {
                scenario.Fill("orders", 10, i);

                // On a busy machine an unbridled producer gets all of it, and the test is about the end, not about speed.
                await Task.Delay(1);
            }
        });

        var first = await scenario.BackUpAsync();
        var second = await scenario.BackUpAsync();
        await enough.CancelAsync();
        await producing;
        await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Complete, first.Status);
        Assert.Equal(BackupStatus.Complete, second.Status);
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task B2_aborted_records_are_not_stored_and_an_open_transaction_ends_the_partition()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        (await scenario.TransactAsync("orders", true, "a", "b")).Dispose();
        (await scenario.TransactAsync("orders", false, "c", "d")).Dispose();
        (await scenario.TransactAsync("orders", true, "e")).Dispose();
        using (await scenario.TransactAsync("orders", null, "undecided"))
        {
            scenario.Fill("orders", 5);

            var result = await scenario.BackUpAsync();

            Assert.Equal(BackupStatus.Complete, result.Status);
            Assert.Equal(
                ["a", "b", "e"],
                (await scenario.StoredAsync("orders")).Select(r => System.Text.Encoding.UTF8.GetString(r.Value!))
            );
            var partition = result.Topics.Single().Partitions.Single();
            Assert.True(partition.HeldByTransaction);
            Assert.Equal(scenario.Cluster.LastStableOffset("orders"), partition.StoredTo);
        }
    }

    [Fact]
    public async Task B2_read_uncommitted_stores_what_is_undecided_and_a_committed_run_goes_on_from_there()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        (await scenario.TransactAsync("orders", false, "a", "b")).Dispose();

        await scenario.BackUpAsync(BackupScenario.Asked() with { IsolationLevel = IsolationLevel.ReadUncommitted });
        Assert.Equal(2, (await scenario.StoredAsync("orders")).Count);
        scenario.Fill("orders", 10);

        // The newest record stored is an aborted one, which a committed reader never meets again.
        var result = await scenario.BackUpAsync();
        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Equal(10, result.RecordCount);
    }

    [Fact]
    public async Task B3_a_partition_whose_tail_is_aborted_records_is_complete()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        (await scenario.TransactAsync("orders", true, "a")).Dispose();
        (await scenario.TransactAsync("orders", false, "b", "c", "d")).Dispose();

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Equal(scenario.Cluster.LogEnd("orders"), (await scenario.PartitionAsync("orders")).NextOffset);
        Assert.True(result.Duration < TimeSpan.FromSeconds(15));
        Assert.Equal(0, (await scenario.BackUpAsync()).RecordCount);
    }

    [Fact]
    public async Task B3_a_partition_of_nothing_but_control_records_is_complete()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        (await scenario.TransactAsync("orders", false, "a", "b")).Dispose();

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Equal(0, result.RecordCount);
        Assert.Equal(3, (await scenario.PartitionAsync("orders")).NextOffset);
    }

    [Fact]
    public async Task B3_a_compacted_tail_ends_at_the_captured_end()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("state", config: new Dictionary<string, string> { ["cleanup.policy"] = "compact" });
        for (var i = 0; i < 50; i++)
        {
            scenario.Cluster.Append("state", 0, LocalRecord.Of($"k{i % 5}", $"v{i}"));
        }

        (await scenario.TransactAsync("state", false, "gone")).Dispose();
        scenario.Cluster.Compact("state");

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Equal(scenario.Cluster.LogEnd("state"), (await scenario.PartitionAsync("state")).NextOffset);
        await scenario.AssertStoredIsSourceAsync("state");
        Assert.Empty((await scenario.PartitionAsync("state")).Gaps);
    }

    [Fact]
    public async Task B4_a_slow_broker_is_waited_for_and_nothing_is_left_out()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 3000);
        scenario.Cluster.Faults.On(ApiKey.Fetch).Times(5).Delay(TimeSpan.FromMilliseconds(400));
        scenario.Cluster.Faults.On(ApiKey.Fetch).Times(3).Fail(ErrorCode.NotLeaderOrFollower);

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Complete, result.Status);
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task B5_records_deleted_between_two_runs_are_a_gap_in_the_result_and_a_warning()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100);
        await scenario.BackUpAsync();
        scenario.Fill("orders", 100, 100);
        scenario.Cluster.DeleteRecords("orders", 0, 150);

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Equal((100, 150), (result.Gaps.Single().FromOffset, result.Gaps.Single().ToOffset));
        Assert.Contains(scenario.Events.Warnings, w => w.Contains("100 to 149", StringComparison.Ordinal));
        var stored = await scenario.StoredAsync("orders");
        Assert.Equal(Enumerable.Range(0, 100).Concat(Enumerable.Range(150, 50)).Select(i => (long)i), stored.Select(r => r.Offset));
        Assert.Empty((await scenario.BackUpAsync()).Gaps);
        Assert.Single((await scenario.PartitionAsync("orders")).Gaps);
    }

    [Fact]
    public async Task B5_records_deleted_while_they_are_being_read_are_a_gap()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 200);
        await using var planned = await scenario.PlanAsync(BackupScenario.Asked());
        scenario.Cluster.DeleteRecords("orders", 0, 120);

        var result = await planned.RunAsync(scenario.Cancel);

        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Equal((0, 120), (result.Gaps.Single().FromOffset, result.Gaps.Single().ToOffset));
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task B5_everything_deleted_before_the_captured_end_is_a_gap_up_to_it()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 200);
        await using var planned = await scenario.PlanAsync(BackupScenario.Asked());
        scenario.Fill("orders", 100, 200);
        scenario.Cluster.DeleteRecords("orders", 0, 250);

        var result = await planned.RunAsync(scenario.Cancel);

        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Equal((0, 200), (result.Gaps.Single().FromOffset, result.Gaps.Single().ToOffset));
        var next = await scenario.BackUpAsync();
        Assert.Equal((200, 250), (next.Gaps.Single().FromOffset, next.Gaps.Single().ToOffset));
        Assert.Equal(50, next.RecordCount);
    }

    [Fact]
    public async Task B7_bytes_are_kept_exactly()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("odd", config: new Dictionary<string, string> { ["max.message.bytes"] = "10000000" });
        byte[] notUtf8 = [0xff, 0xfe, 0x00, 0x80];
        scenario.Cluster.Append(
            "odd",
            0,
            new LocalRecord(null, null, -1),
            new LocalRecord([], [], 0),
            new LocalRecord([], null, 1) { Headers = [("h", null), ("h", []), ("h", notUtf8), ("", [1])] },
            new LocalRecord(notUtf8, notUtf8, 4_102_444_800_000_000),
            new LocalRecord([1], new byte[5_000_000], 1_700_000_000_000),
            new LocalRecord([2], [2], 100) { Headers = [.. Enumerable.Range(0, 300).Select(i => ($"h{i}", (byte[]?)[(byte)i]))] }
        );

        var result = await scenario.BackUpAsync();

        Assert.Equal(6, result.RecordCount);
        await scenario.AssertStoredIsSourceAsync("odd");
    }

    [Fact]
    public async Task B13_a_stop_commits_what_was_read_and_the_next_run_continues()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 3000);
        using var stop = new CancellationTokenSource();
        var running = scenario.BackUpAsync(BackupScenario.Asked() with { RecordsPerSecond = 500 }, stop.Token);
        await scenario.ReadingAsync();
        await stop.CancelAsync();

        var result = await running;

        Assert.Equal(BackupStatus.Stopped, result.Status);
        Assert.InRange(result.RecordCount, 1, 2999);
        Assert.Equal(result.RecordCount, (await scenario.StoredAsync("orders")).Count);
        Assert.False((await scenario.ManifestAsync()).Complete);
        var rest = await scenario.BackUpAsync();
        Assert.Equal(3000 - result.RecordCount, rest.RecordCount);
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task B15_a_partition_that_fails_does_not_stop_the_others()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("bad");
        scenario.Cluster.CreateTopic("good", 3);
        scenario.Fill("bad", 100);
        scenario.Fill("bad", 100, 100);
        scenario.Fill("good", 100, partition: 2);
        scenario.Cluster.CorruptBatch("bad", 0, 150);

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Incomplete, result.Status);
        Assert.Equal(1, result.ExitCode);
        var bad = result.Topics.Single(t => t.Topic == "bad").Partitions.Single();
        Assert.Equal((PartitionStatus.Failed, nameof(ErrorIds.PartitionRead), 100L), (bad.Status, bad.ErrorId, bad.StoredTo));
        Assert.Single(scenario.Events.Errors);
        await scenario.AssertStoredIsSourceAsync("good", 2);
        Assert.Equal(100, (await scenario.StoredAsync("bad")).Count);
        Assert.False((await scenario.ManifestAsync()).Complete);
    }

    [Fact]
    public async Task B16_a_topic_deleted_while_it_is_read_fails_its_partitions()
    {
        await using var scenario = new BackupScenario { Clock = new FastClock(40) };
        scenario.Cluster.CreateTopic("going");
        scenario.Cluster.CreateTopic("staying");
        scenario.Fill("going", 100);
        scenario.Fill("staying", 100);
        await using var planned = await scenario.PlanAsync(BackupScenario.Asked());
        scenario.Cluster.DeleteTopic("going");

        var result = await planned.RunAsync(scenario.Cancel);

        Assert.Equal(BackupStatus.Incomplete, result.Status);
        Assert.Equal(PartitionStatus.Failed, result.Topics.Single(t => t.Topic == "going").Partitions.Single().Status);
        await scenario.AssertStoredIsSourceAsync("staying");
    }

    [Fact]
    public async Task B16_a_deleted_topic_with_many_partitions_is_waited_for_once()
    {
        await using var scenario = new BackupScenario { Clock = new FastClock(40) };
        scenario.Cluster.CreateTopic("going", 8);
        for (var partition = 0; partition < 8; partition++)
        {
            scenario.Fill("going", 10, partition: partition);
        }

        await using var planned = await scenario.PlanAsync(BackupScenario.Asked() with { MaxConcurrentPartitions = 1 });
        scenario.Cluster.DeleteTopic("going");

        var result = await planned.RunAsync(scenario.Cancel);

        Assert.All(
            result.Topics.Single().Partitions,
            p => Assert.Equal((PartitionStatus.Failed, nameof(ErrorIds.TopicNotFound)), (p.Status, p.ErrorId))
        );
        Assert.Single(scenario.Events.VerboseLines, line => line.Contains("does not know partition going/", StringComparison.Ordinal));
        Assert.Single(scenario.Events.Warnings, w => w.Contains("Waiting for it for up to 60 s", StringComparison.Ordinal));
    }

    [Fact]
    public async Task B17_a_header_name_with_a_NUL_byte_is_kept_whole()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("odd");
        scenario.Cluster.Append("odd", 0, new LocalRecord([1], [1], 1) { Headers = [("na\0me", [7])] });

        await scenario.BackUpAsync();

        await scenario.AssertStoredIsSourceAsync("odd");
    }

    [Fact]
    public async Task B10_a_backup_survives_leader_moves_and_a_broker_that_restarts()
    {
        await using var scenario = new BackupScenario(brokers: 3);
        scenario.Cluster.CreateTopic("orders", 3, replicationFactor: 3);
        for (var partition = 0; partition < 3; partition++)
        {
            scenario.Fill("orders", 4000, partition: partition);
        }

        var running = scenario.BackUpAsync(BackupScenario.Asked() with { RecordsPerSecond = 3000 });
        await Task.Delay(700);
        scenario.Cluster.MoveLeader("orders", 0, scenario.Cluster.AliveBrokers.First(b => b != scenario.Cluster.LeaderOf("orders", 0)));
        var victim = scenario.Cluster.LeaderOf("orders", 1);
        await scenario.Cluster.StopBroker(victim);
        await Task.Delay(500);
        scenario.Cluster.StartBroker(victim);
        scenario.Cluster.DropConnections();

        var result = await running;

        Assert.Equal(BackupStatus.Complete, result.Status);
        for (var partition = 0; partition < 3; partition++)
        {
            await scenario.AssertStoredIsSourceAsync("orders", partition);
        }
    }

    [Fact]
    public async Task B11_topics_configs_and_group_offsets_with_metadata_are_in_the_manifest()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders", 2, new Dictionary<string, string> { ["retention.ms"] = "1234567" });
        scenario.Cluster.CreateTopic("other");
        scenario.Fill("orders", 10);
        scenario.Cluster.CommitOffset("readers", "orders", 0, 7, "seven");
        scenario.Cluster.CommitOffset("strangers", "other", 0, 0, "");

        await scenario.BackUpAsync(BackupScenario.Asked("orders"));

        var manifest = await scenario.ManifestAsync();
        Assert.Equal(2, manifest.GroupSnapshots.Count);
        var group = Assert.Single(manifest.GroupSnapshots[^1].Groups);
        Assert.Equal(
            ("readers", "orders", 0, 7L, "seven"),
            (group.Group, group.Offsets[0].Topic, group.Offsets[0].Partition, group.Offsets[0].Offset, group.Offsets[0].Metadata)
        );
        Assert.Equal("1234567", manifest.Topics["orders"].Configs["retention.ms"]);
        Assert.NotNull(manifest.Topics["orders"].TopicId);
    }
}
