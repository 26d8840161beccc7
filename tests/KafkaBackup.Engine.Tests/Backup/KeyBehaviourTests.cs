using System.Text;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>Every key under <c>backup:</c> does something (rule A2).</summary>
public sealed class KeyBehaviourTests
{
    [Fact]
    public async Task A2_compression_and_its_level_change_what_is_stored()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        var random = new Random(1);
        scenario.Cluster.Append(
            "orders",
            0,
            Enumerable
                .Range(0, 3000)
                .Select(i => LocalRecord.Of($"k{i}", string.Concat(Enumerable.Range(0, 20).Select(_ => random.Next(100)))))
        );

        async Task<long> Size(CompressionKind kind, int? level, string id) =>
            (
                await scenario.BackUpAsync(BackupScenario.Asked() with { BackupId = id, Compression = kind, CompressionLevel = level })
            ).StoredBytes;

        var none = await Size(CompressionKind.None, null, "none");
        var gzip1 = await Size(CompressionKind.Gzip, 1, "gzip1");
        var gzip9 = await Size(CompressionKind.Gzip, 9, "gzip9");
        var zstd1 = await Size(CompressionKind.Zstd, 1, "zstd1");
        var zstd22 = await Size(CompressionKind.Zstd, 22, "zstd22");
        Assert.True(gzip1 < none && gzip9 < gzip1 && zstd1 < none && zstd22 < zstd1, $"{none} {gzip1} {gzip9} {zstd1} {zstd22}");
        foreach (var id in new[] { "none", "gzip1", "gzip9", "zstd1", "zstd22" })
        {
            Assert.Equal(
                scenario.Source("orders").Select(r => r.ToString()),
                (await scenario.StoredAsync("orders", backupId: id)).Select(r => r.ToString())
            );
        }
    }

    [Fact]
    public async Task A2_segment_max_records_and_segment_max_bytes_end_segments()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100, batch: 5);

        // A segment ends with the batch that reaches the limit.
        Assert.Equal(5, (await scenario.BackUpAsync(BackupScenario.Asked() with { SegmentMaxRecords = 20 })).SegmentCount);
        Assert.Equal(4, (await scenario.BackUpAsync(BackupScenario.Asked() with { BackupId = "d", SegmentMaxRecords = 22 })).SegmentCount);
        Assert.InRange(
            (await scenario.BackUpAsync(BackupScenario.Asked() with { BackupId = "c", SegmentMaxBytes = 400 })).SegmentCount,
            5,
            10
        );
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task A2_segment_max_interval_commits_in_the_middle_of_a_long_read()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 2000);
        var running = scenario.BackUpAsync(
            BackupScenario.Asked() with
            {
                RecordsPerSecond = 800,
                SegmentMaxInterval = TimeSpan.FromMilliseconds(200),
            }
        );
        await scenario.WaitAsync(async () => (await scenario.KeysAsync("b/topics/")).Count > 0, "a segment");
        await scenario.WaitAsync(async () => (await scenario.PartitionAsync("orders")).NextOffset is > 0 and < 2000, "a commit on the way");

        Assert.False(running.IsCompleted);
        Assert.Equal(2000, (await running).RecordCount);
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task A2_start_offset_latest_takes_what_comes_later_and_offsets_begin_where_they_say()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders", 2);
        scenario.Fill("orders", 50);
        scenario.Fill("orders", 50, partition: 1);

        Assert.Equal(0, (await scenario.BackUpAsync(BackupScenario.Asked() with { StartOffset = StartOffsets.Latest })).RecordCount);
        scenario.Fill("orders", 5, 50);
        Assert.Equal(5, (await scenario.BackUpAsync(BackupScenario.Asked() with { StartOffset = StartOffsets.Latest })).RecordCount);

        var from = new StartOffsets { Offsets = new Dictionary<TopicPartition, long> { [new TopicPartition("orders", 0)] = 40 } };
        Assert.Equal(15 + 50, (await scenario.BackUpAsync(BackupScenario.Asked() with { BackupId = "c", StartOffset = from })).RecordCount);
        Assert.Empty((await scenario.PartitionAsync("orders", backupId: "c")).Gaps);
        var past = new StartOffsets { Offsets = new Dictionary<TopicPartition, long> { [new TopicPartition("orders", 0)] = 4000 } };
        var result = await scenario.BackUpAsync(BackupScenario.Asked() with { BackupId = "d", StartOffset = past });
        Assert.Equal(
            (BackupStatus.Incomplete, nameof(ErrorIds.ConfigOutOfRange)),
            (result.Status, result.Topics.Single().Partitions[0].ErrorId)
        );
    }

    [Fact]
    public async Task A2_max_concurrent_partitions_bounds_what_is_fetched_at_a_time()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders", 6);
        for (var partition = 0; partition < 6; partition++)
        {
            scenario.Fill("orders", 10, partition: partition);
        }

        await scenario.BackUpAsync(BackupScenario.Asked() with { MaxConcurrentPartitions = 1 });
        var one = scenario.Cluster.Requests.All.Where(r => r.Api == ApiKey.Fetch).Max(r => r.Partitions.Count);
        scenario.Cluster.Requests.Clear();
        await scenario.BackUpAsync(BackupScenario.Asked() with { BackupId = "c", MaxConcurrentPartitions = 6 });
        var six = scenario.Cluster.Requests.All.Where(r => r.Api == ApiKey.Fetch).Max(r => r.Partitions.Count);

        Assert.Equal(1, one);
        Assert.InRange(six, 2, 6);
        for (var partition = 0; partition < 6; partition++)
        {
            await scenario.AssertStoredIsSourceAsync("orders", partition);
        }
    }

    [Fact]
    public async Task A2_poll_interval_is_how_often_the_source_is_looked_at()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");

        async Task<int> Looks(int milliseconds, string id)
        {
            scenario.Cluster.Requests.Clear();
            await scenario.BackUpAsync(
                BackupScenario.Asked() with
                {
                    BackupId = id,
                    Continuous = true,
                    Duration = TimeSpan.FromSeconds(2),
                    PollInterval = TimeSpan.FromMilliseconds(milliseconds),
                }
            );
            return scenario.Cluster.Requests.All.Count(r => r.Api == ApiKey.ListOffsets);
        }

        Assert.True(await Looks(50, "often") > 2 * await Looks(900, "rarely"));
    }

    [Fact]
    public async Task A2_internal_topics_are_taken_when_asked_for()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Cluster.CreateTopic("__a");
        scenario.Cluster.CreateTopic("__b");

        async Task<string> Taken(string id, bool? all, params string[] some) =>
            string.Join(
                ' ',
                (
                    await scenario.BackUpAsync(
                        BackupScenario.Asked() with
                        {
                            BackupId = id,
                            IncludeInternalTopics = all,
                            InternalTopics = some.Length == 0 ? null : some,
                        }
                    )
                ).Topics.Select(t => t.Topic)
            );

        Assert.Equal("orders", await Taken("none", null));
        Assert.Equal("__a __b orders", await Taken("all", true));
        Assert.Equal("__a orders", await Taken("one", true, "__a"));
    }

    [Fact]
    public async Task A2_include_offset_headers_adds_decimal_text_to_each_stored_record()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Cluster.Append("orders", 0, LocalRecord.Of("k", "v", 1234) with { Headers = [("own", [1])] });
        scenario.Cluster.Append("orders", 0, LocalRecord.Of("k", "w", -1));
        var settings = BackupScenario.Asked() with { IncludeOffsetHeaders = true };

        await scenario.BackUpAsync(settings);

        Assert.Equal(
            ["own=\u0001 x-original-offset=0 x-original-timestamp=1234", "x-original-offset=1 x-original-timestamp=-1"],
            (await scenario.StoredAsync("orders")).Select(Headers)
        );

        // The record met again has none of them in the source; nor does it matter when the option changes.
        scenario.Fill("orders", 3);
        Assert.Equal((BackupStatus.Complete, 3L), await OutcomeAsync(scenario, settings));
        scenario.Fill("orders", 3);
        Assert.Equal((BackupStatus.Complete, 3L), await OutcomeAsync(scenario, BackupScenario.Asked()));
        scenario.Fill("orders", 3);
        Assert.Equal((BackupStatus.Complete, 3L), await OutcomeAsync(scenario, settings));
    }

    [Fact]
    public async Task A2_source_cluster_id_names_the_cluster_instead_of_its_own_id()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");

        await scenario.BackUpAsync(BackupScenario.Asked() with { SourceClusterId = "plant-7" });

        Assert.Equal("plant-7", (await scenario.ManifestAsync()).SourceClusterId);
        Assert.Equal(ErrorIds.SourceClusterChanged, (await scenario.RefusedAsync()).Definition);
        Assert.Equal(
            ErrorIds.SourceClusterChanged,
            (await scenario.RefusedAsync(BackupScenario.Asked() with { SourceClusterId = "plant-8" })).Definition
        );
    }

    [Fact]
    public async Task A2_consumer_group_snapshot_can_be_left_out()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Cluster.CommitOffset("g", "orders", 0, 0);

        await scenario.BackUpAsync(BackupScenario.Asked() with { ConsumerGroupSnapshot = false });

        Assert.Empty((await scenario.ManifestAsync()).GroupSnapshots);
        Assert.DoesNotContain(scenario.Cluster.Requests.All, r => r.Api is ApiKey.ListGroups or ApiKey.OffsetFetch);
    }

    [Theory]
    [InlineData(400, null, 1200)]
    [InlineData(null, 20_000, 1500)]
    public async Task B14_rate_limits_hold_over_all_partitions(int? records, int? bytes, int count)
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders", 4);
        for (var partition = 0; partition < 4; partition++)
        {
            foreach (var batch in Enumerable.Range(0, count / 4).Select(_ => LocalRecord.Of("key0", new string('x', 36))).Chunk(15))
            {
                scenario.Cluster.Append("orders", partition, batch);
            }
        }

        var result = await scenario.BackUpAsync(BackupScenario.Asked() with { RecordsPerSecond = records, BytesPerSecond = bytes });

        Assert.Equal(count, result.RecordCount);
        var seconds = records is { } r ? count / (double)r : count * 40 / (double)bytes!;
        Assert.True(result.Duration.TotalSeconds > seconds * 0.9, $"{result.Duration} is too quick for {seconds} s");
    }

    private static async Task<(BackupStatus, long)> OutcomeAsync(BackupScenario scenario, BackupSettings settings)
    {
        var result = await scenario.BackUpAsync(settings);
        return (result.Status, result.RecordCount);
    }

    private static string Headers(Testing.Records.TestRecord record) =>
        string.Join(' ', record.Headers.Select(h => $"{Encoding.UTF8.GetString(h.Name)}={Encoding.UTF8.GetString(h.Value!)}"));
}
