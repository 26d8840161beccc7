using System.Text;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing.Storage;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>
/// A topic that is deleted and created again: during a run or between runs, with topic ids and (as before Kafka 2.8) without.
/// </summary>
public sealed class RecreatedTopicTests
{
    private const int New = 100_000;
    private const int Rounds = 60;
    private const int AtOnce = 6;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Run", "Long")]
    public async Task B8_recreated_topic_during_a_run_is_never_a_complete_or_mixed_backup(bool withIds)
    {
        await using var scenario = Scenario(withIds);
        var refused = 0;
        await Parallel.ForAsync(
            0,
            Rounds,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce },
            async (round, cancel) =>
            {
                var topic = $"t{round}";
                scenario.Cluster.CreateTopic(topic, 2);
                scenario.Fill(topic, 300);
                scenario.Fill(topic, 300, partition: 1);
                var settings = BackupScenario.Asked(topic) with
                {
                    BackupId = topic,
                    RecordsPerSecond = 1000,
                    SegmentMaxInterval = round % 2 == 0 ? TimeSpan.FromMilliseconds(80) : TimeSpan.FromMinutes(1),
                };
                await using var planned = await scenario.PlanAsync(settings);
                var running = planned.RunAsync(scenario.Cancel);
                await Task.Delay(round * 13, cancel);
                scenario.Cluster.RecreateTopic(topic);
                scenario.Fill(topic, 500, New);
                scenario.Fill(topic, 500, New, partition: 1);
                var result = await running;

                var stored = (await scenario.StoredAsync(topic, 0, topic))
                    .Concat(await scenario.StoredAsync(topic, 1, topic))
                    .Select(IsNew)
                    .ToArray();
                Assert.False(stored.Contains(true) && stored.Contains(false), $"round {round}: old and new records in one backup");
                Assert.Equal(result.RecordCount, stored.Length);
                if (result.Status != BackupStatus.Complete)
                {
                    Interlocked.Increment(ref refused);
                    Assert.DoesNotContain(true, stored);
                    Assert.All(
                        result.Topics.Single().Partitions,
                        p => Assert.Contains(p.ErrorId, (string[])[nameof(ErrorIds.TopicRecreated), nameof(ErrorIds.LogTruncated)])
                    );
                }

                await AssertNothingUnnamedAsync(scenario, topic);
            }
        );
        Assert.True(refused > 5, $"only {refused} rounds met the topic in the middle");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task B8_B10_a_topic_recreated_within_a_pass_of_a_continuous_run_adds_nothing_new(bool withIds)
    {
        await using var scenario = Scenario(withIds);
        scenario.Cluster.CreateTopic("orders");
        scenario.Cluster.CreateTopic("other");
        scenario.Fill("orders", 10);
        using var stop = new CancellationTokenSource();
        var running = scenario.BackUpAsync(FollowingTests.Following() with { RecordsPerSecond = 500 }, stop.Token);
        await FollowingTests.CountAsync(scenario, "orders", 0, 10);
        scenario.Fill("orders", 400, 10);
        await Task.Delay(300, scenario.Cancel);
        scenario.Cluster.RecreateTopic("orders");
        scenario.Fill("orders", 1000, New);
        await scenario.WaitAsync(() => !scenario.Events.Errors.IsEmpty, "the error");
        scenario.Fill("other", 5);
        await FollowingTests.CountAsync(scenario, "other", 0, 5);
        await stop.CancelAsync();
        var result = await running;

        Assert.Equal(BackupStatus.Incomplete, result.Status);
        Assert.Single(scenario.Events.Errors);
        Assert.DoesNotContain(await scenario.StoredAsync("orders"), IsNew);
        await AssertNothingUnnamedAsync(scenario, "b");
    }

    [Fact]
    public async Task B8_a_refusal_found_while_reading_spreads_over_its_topic_before_anything_is_committed()
    {
        await using var scenario = Scenario(withIds: false);
        for (var round = 0; round < 50; round++)
        {
            var topic = $"t{round}";
            scenario.Cluster.CreateTopic(topic, 3);
            scenario.Fill(topic, 20);
            var settings = BackupScenario.Asked(topic) with
            {
                BackupId = topic,
                SegmentMaxInterval = TimeSpan.FromMilliseconds(20),
                MaxConcurrentPartitions = 1 + (round % 3),
            };
            await scenario.BackUpAsync(settings);
            scenario.Fill(topic, 5, 20);
            await using var planned = await scenario.PlanAsync(settings with { RecordsPerSecond = 2000 });
            scenario.Cluster.RecreateTopic(topic);
            scenario.Fill(topic, 50, New);
            scenario.Fill(topic, 50, New, partition: 1);
            scenario.Fill(topic, 50, New, partition: 2);

            var result = await planned.RunAsync(scenario.Cancel);

            Assert.Equal((BackupStatus.Failed, 0L), (result.Status, result.RecordCount));
            for (var partition = 0; partition < 3; partition++)
            {
                Assert.DoesNotContain(await scenario.StoredAsync(topic, partition, topic), IsNew);
            }

            await AssertNothingUnnamedAsync(scenario, topic);
        }
    }

    [Fact]
    public async Task B8_without_ids_new_records_of_a_partition_that_was_empty_do_not_join_a_recreated_topics_backup()
    {
        await using var scenario = Scenario(withIds: false);
        scenario.Cluster.CreateTopic("orders", 2);
        scenario.Fill("orders", 100);
        await scenario.BackUpAsync();
        scenario.Cluster.RecreateTopic("orders");
        scenario.Fill("orders", 100, New);
        scenario.Fill("orders", 20, New, partition: 1);

        var error = await scenario.RefusedAsync();

        Assert.Equal(nameof(ErrorIds.LogTruncated), error.ErrorId);
        Assert.Empty(await scenario.StoredAsync("orders", 1));
    }

    [Fact]
    public async Task B8_a_marker_at_our_last_offset_of_a_recreated_compacted_topic_is_no_excuse()
    {
        await using var scenario = Scenario(withIds: false);
        scenario.Cluster.CreateTopic("state", config: new Dictionary<string, string> { ["cleanup.policy"] = "compact" });
        scenario.Fill("state", 3);
        await scenario.BackUpAsync();
        scenario.Cluster.RecreateTopic("state");
        var transaction = scenario.Cluster.BeginTransaction();
        transaction.Append("state", 0, LocalRecord.Of("x", "1"), LocalRecord.Of("y", "1"));
        transaction.Commit();
        scenario.Fill("state", 5, New);

        Assert.Equal(nameof(ErrorIds.LogTruncated), (await scenario.RefusedAsync()).ErrorId);
    }

    [Fact]
    public async Task B8_a_recreated_topic_whose_record_at_our_last_offset_is_the_same_is_noticed_by_the_others()
    {
        await using var scenario = Scenario(withIds: false);
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100);
        await scenario.BackUpAsync();
        scenario.Cluster.RecreateTopic("orders");
        scenario.Fill("orders", 99, New);
        scenario.Fill("orders", 50, 99);

        Assert.Equal(nameof(ErrorIds.LogTruncated), (await scenario.RefusedAsync()).ErrorId);
    }

    [Fact]
    public async Task B8_a_log_whose_leader_epoch_went_back_is_another_one()
    {
        await using var scenario = Scenario(withIds: false);
        scenario.Cluster.CreateTopic("orders");
        scenario.Cluster.MoveLeader("orders", 0, 1);
        scenario.Fill("orders", 10);
        await scenario.BackUpAsync();
        scenario.Cluster.RecreateTopic("orders");
        scenario.Fill("orders", 20);

        var error = await scenario.RefusedAsync();

        Assert.Contains("leader epoch", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task B8_our_last_record_written_again_under_another_leader_epoch_is_a_truncation()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100);
        await scenario.BackUpAsync();
        scenario.Cluster.Truncate("orders", 0, 60);
        scenario.Fill("orders", 60, 60);

        var result = await scenario.BackUpAsync();

        Assert.Equal(
            (BackupStatus.Failed, nameof(ErrorIds.LogTruncated)),
            (result.Status, result.Topics.Single().Partitions.Single().ErrorId)
        );
    }

    [Fact]
    public async Task B8_without_ids_a_topic_that_is_the_same_is_continued_whatever_compaction_and_retention_took()
    {
        await using var scenario = Scenario(withIds: false);
        scenario.Cluster.CreateTopic("state", config: new Dictionary<string, string> { ["cleanup.policy"] = "compact" });
        scenario.Cluster.CreateTopic("orders");
        for (var run = 0; run < 4; run++)
        {
            for (var i = 0; i < 40; i++)
            {
                scenario.Cluster.Append("state", 0, LocalRecord.Of($"k{i % 7}", $"{run}-{i}"));
            }

            scenario.Fill("orders", 100, run * 100);
            Assert.Equal(BackupStatus.Complete, (await scenario.BackUpAsync()).Status);
            scenario.Cluster.Compact("state");
            scenario.Cluster.DeleteRecords("orders", 0, (run * 100) + 50);
        }

        Assert.Equal(BackupStatus.Complete, (await scenario.BackUpAsync()).Status);
        Assert.Equal(400, (await scenario.StoredAsync("orders")).Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task B8_without_ids_records_taken_uncommitted_are_no_sign_of_another_log(bool aborted)
    {
        await using var scenario = Scenario(withIds: false);
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        var transaction = scenario.Cluster.BeginTransaction();
        transaction.Append("orders", 0, LocalRecord.Of("a", "1"), LocalRecord.Of("b", "2"));
        if (aborted)
        {
            transaction.Abort();
        }

        var uncommitted = BackupScenario.Asked() with { IsolationLevel = IsolationLevel.ReadUncommitted };
        Assert.Equal((BackupStatus.Complete, 12L), await RunAsync(uncommitted));
        scenario.Fill("orders", 5, 100);
        Assert.Equal((BackupStatus.Complete, 5L), await RunAsync(uncommitted));
        if (!aborted)
        {
            transaction.Commit();
        }

        scenario.Fill("orders", 5, 200);
        Assert.Equal((BackupStatus.Complete, 5L), await RunAsync(BackupScenario.Asked()));
        Assert.Equal(22, (await scenario.StoredAsync("orders")).Count);

        async Task<(BackupStatus, long)> RunAsync(BackupSettings settings)
        {
            var result = await scenario.BackUpAsync(settings);
            return (result.Status, result.RecordCount);
        }
    }

    [Fact]
    public async Task B15_without_ids_a_missing_segment_does_not_stop_the_run()
    {
        var store = new MemoryStore();
        await using var scenario = new BackupScenario(store: store, options: LocalClusterOptions.Kafka24);
        scenario.Cluster.CreateTopic("orders");
        scenario.Cluster.CreateTopic("other");
        scenario.Fill("orders", 100);
        scenario.Fill("other", 100);
        await scenario.BackUpAsync();
        scenario.Fill("orders", 10, 100);
        scenario.Fill("other", 10, 100);
        store.Remove((await scenario.KeysAsync("b/topics/orders/")).Single());

        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Incomplete, 20L), (result.Status, result.RecordCount));
    }

    [Fact]
    public async Task B8_without_ids_only_grown_partitions_are_met_again_at_the_end()
    {
        const int partitions = 20;
        await using var scenario = Scenario(withIds: false);
        scenario.Cluster.CreateTopic("orders", partitions);
        for (var partition = 0; partition < partitions; partition++)
        {
            scenario.Fill("orders", 10, partition: partition);
        }

        await scenario.BackUpAsync();
        scenario.Fill("orders", 5, 10);
        var readers = new List<ReaderDouble>();
        var batchReaders = new List<BatchReaderDouble>();
        scenario.WrapCluster = c => new ClusterDouble(c)
        {
            Reader = r =>
            {
                var counted = new ReaderDouble(r);
                readers.Add(counted);
                return counted;
            },
            BatchReader = r =>
            {
                var counted = new BatchReaderDouble(r);
                batchReaders.Add(counted);
                return counted;
            },
        };
        await using var planned = await scenario.PlanAsync(BackupScenario.Asked());
        readers.Clear();

        var result = await planned.RunAsync(scenario.Cancel);

        // Each partition's last record is met by the reading; then three records of the one that has grown.
        Assert.Equal((BackupStatus.Complete, 5L), (result.Status, result.RecordCount));
        Assert.InRange(readers.Sum(r => r.Assignments) + batchReaders.Sum(r => r.Assignments), 1, partitions + 3);
    }

    [Fact]
    public async Task B8_a_cluster_that_is_away_at_the_end_is_waited_for_with_a_warning()
    {
        await using var scenario = new BackupScenario { Clock = new FastClock(20) };
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        var away = false;
        scenario.WrapCluster = c => new ClusterDouble(c)
        {
            BatchReader = r =>
            {
                away = true;
                return r;
            },
            Description = d => away ? throw ErrorIds.ClusterUnreachable.With("The cluster is away.", "cluster") : d,
        };
        var running = scenario.BackUpAsync();
        await scenario.WaitAsync(
            () => scenario.Events.Warnings.Any(w => w.Contains("Waiting for up to 100 s", StringComparison.Ordinal)),
            "the warning"
        );
        away = false;

        Assert.Equal(BackupStatus.Complete, (await running).Status);
        Assert.Single(scenario.Events.Warnings, w => w.Contains("Waiting for up to", StringComparison.Ordinal));
        Assert.Contains(scenario.Events.VerboseLines, line => line.Contains("could be checked", StringComparison.Ordinal));
    }

    private static BackupScenario Scenario(bool withIds) =>
        new(
            store: new MemoryStore(),
            options: withIds ? new LocalClusterOptions() : LocalClusterOptions.Kafka24,
            limit: TimeSpan.FromMinutes(6)
        );

    private static bool IsNew(Testing.Records.TestRecord record) => Encoding.UTF8.GetString(record.Value!).Length > 6;

    private static async Task AssertNothingUnnamedAsync(BackupScenario scenario, string backupId)
    {
        var named = (await scenario.ManifestAsync(backupId))
            .Topics.Values.SelectMany(t => t.Partitions.Values)
            .SelectMany(p => p.Segments)
            .Count();
        Assert.Equal(named, (await scenario.KeysAsync($"{backupId}/")).Count(k => k.EndsWith(".kbs", StringComparison.Ordinal)));
    }
}
