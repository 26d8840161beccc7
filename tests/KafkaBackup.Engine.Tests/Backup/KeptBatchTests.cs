using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.LocalBroker;
using BatchSample = KafkaBackup.Engine.Tests.Batches.Sample;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>What is stored is the batches that the broker has, and what of them counts (rules L1 to L8).</summary>
public sealed class KeptBatchTests
{
    private static readonly string Golden = Path.Combine(AppContext.BaseDirectory, "Golden", "backup-v1");

    [Theory]
    [InlineData(BatchCodec.None)]
    [InlineData(BatchCodec.Gzip)]
    [InlineData(BatchCodec.Snappy)]
    [InlineData(BatchCodec.Lz4)]
    [InlineData(BatchCodec.Zstd)]
    public async Task L1_stored_batches_are_byte_for_byte_those_of_the_broker(BatchCodec codec)
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        for (var batch = 0; batch < 40; batch++)
        {
            Append(scenario, codec, batch * 50, 50);
        }

        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Complete, 2000L), (result.Status, result.RecordCount));
        Assert.Equal(
            scenario.Cluster.ReadRaw("orders").Select(Convert.ToHexString),
            (await StoredBatchesAsync(scenario)).Select(Convert.ToHexString)
        );
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task L1_a_transactional_batch_keeps_its_producer_and_aborted_and_control_batches_are_left_out()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        (await scenario.TransactAsync("orders", true, "a", "b")).Dispose();
        (await scenario.TransactAsync("orders", false, "c", "d")).Dispose();
        (await scenario.TransactAsync("orders", true, "e")).Dispose();

        await scenario.BackUpAsync();

        var there = scenario.Cluster.ReadRaw("orders").Select(b => RecordBatch.Open(b)).ToArray();
        var kept = (await StoredBatchesAsync(scenario)).Select(b => RecordBatch.Open(b)).ToArray();
        Assert.Equal(there.Where(b => !b.IsControl && b.BaseOffset != 3).Select(Hex), kept.Select(Hex));
        Assert.All(kept, b => Assert.True(b.IsTransactional && b.ProducerId >= 0));
    }

    [Theory]
    [InlineData(BatchCodec.None)]
    [InlineData(BatchCodec.Zstd)]
    public async Task L1_a_cut_inside_a_batch_keeps_the_batch_and_the_next_run_takes_the_rest_of_it(BatchCodec codec)
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        Append(scenario, codec, 0, 100);
        Append(scenario, codec, 100, 100);

        // Records are stamped 1,000 ms apart, so the cut lies behind record 30 of the first batch, and then of the second.
        var first = await scenario.BackUpAsync(CutAt(30));
        var second = await scenario.BackUpAsync(CutAt(130));
        var third = await scenario.BackUpAsync();

        Assert.Equal((31L, 100L, 69L), (first.RecordCount, second.RecordCount, third.RecordCount));
        Assert.All(new[] { first, second, third }, r => Assert.Equal(BackupStatus.Complete, r.Status));
        var raw = scenario.Cluster.ReadRaw("orders").Select(Convert.ToHexString).ToArray();
        Assert.Equal([raw[0], raw[0], raw[1], raw[1]], (await StoredBatchesAsync(scenario)).Select(Convert.ToHexString));
        await scenario.AssertStoredIsSourceAsync("orders");
        Assert.Equal(
            [(0L, 30L, 31L), (31L, 130L, 100L), (131L, 199L, 69L)],
            (await scenario.PartitionAsync("orders")).Segments.Select(s => (s.FirstOffset, s.LastOffset, s.RecordCount))
        );
    }

    [Fact]
    public async Task L1_L3_a_start_inside_a_batch_counts_only_what_lies_behind_it()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        Append(scenario, BatchCodec.Gzip, 0, 100);
        var from = new StartOffsets { Offsets = new Dictionary<TopicPartition, long> { [new TopicPartition("orders", 0)] = 60 } };

        var result = await scenario.BackUpAsync(BackupScenario.Asked() with { StartOffset = from });

        var source = scenario.Source("orders").Where(r => r.Offset >= 60).ToArray();
        Assert.Equal((BackupStatus.Complete, 40L), (result.Status, result.RecordCount));
        Assert.Equal(source.Sum(r => (long)r.Key!.Length + r.Value!.Length), result.Bytes);
        Assert.Equal((source[0].Timestamp, source[^1].Timestamp), (result.FirstTimestampMs, result.LastTimestampMs));
        Assert.Equal(source.Select(r => r.ToString()), (await scenario.StoredAsync("orders")).Select(r => r.ToString()));
    }

    [Fact]
    public async Task L1_holes_of_compaction_stay_and_a_cut_into_them_counts_what_is_there()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("state", config: new Dictionary<string, string> { ["cleanup.policy"] = "compact" });
        scenario.Cluster.Append("state", 0, Enumerable.Range(0, 60).Select(i => LocalRecord.Of($"k{i % 7}", $"v{i}", Time(i))));
        scenario.Cluster.Append("state", 0, Enumerable.Range(60, 60).Select(i => LocalRecord.Of($"k{i % 11}", $"v{i}", Time(i))));
        scenario.Cluster.Compact("state");

        var cut = await scenario.BackUpAsync(CutAt(113));
        var rest = await scenario.BackUpAsync();

        Assert.Equal(scenario.Source("state").Count, cut.RecordCount + rest.RecordCount);
        Assert.True(cut.RecordCount > 0 && rest.RecordCount > 0);
        await scenario.AssertStoredIsSourceAsync("state");
    }

    [Fact]
    public async Task L2_a_batch_that_does_not_decode_stops_its_partition_at_its_last_good_offset()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("bad");
        scenario.Cluster.CreateTopic("good");
        scenario.Fill("good", 100);
        scenario.Fill("bad", 50);
        scenario.Fill("bad", 50, 50);
        scenario.Cluster.AppendRaw("bad", 0, Undecodable(20));
        scenario.Fill("bad", 50, 120);

        var result = await scenario.BackUpAsync();

        var bad = result.Topics.Single(t => t.Topic == "bad").Partitions.Single();
        Assert.Equal(
            (BackupStatus.Incomplete, PartitionStatus.Failed, nameof(ErrorIds.PartitionRead), 100L, 100L),
            (result.Status, bad.Status, bad.ErrorId, bad.StoredTo, bad.RecordCount)
        );
        Assert.Contains("offset 100", bad.ErrorMessage!, StringComparison.Ordinal);
        Assert.Single(scenario.Events.Errors);
        Assert.Equal(100, (await scenario.StoredAsync("bad")).Count);
        Assert.False((await scenario.ManifestAsync()).Complete);
        await scenario.AssertStoredIsSourceAsync("good");
        Assert.Equal(100L, (await scenario.BackUpAsync()).Topics.Single(t => t.Topic == "bad").Partitions.Single().StoredTo);
    }

    [Fact]
    public async Task L2_a_partition_whose_first_batch_does_not_decode_stores_nothing()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("bad");
        scenario.Cluster.AppendRaw("bad", 0, Undecodable(20));
        scenario.Fill("bad", 50, 20);

        var result = await scenario.BackUpAsync();

        var bad = result.Topics.Single().Partitions.Single();
        Assert.Equal(
            (BackupStatus.Failed, nameof(ErrorIds.PartitionRead), 0L, 0L),
            (result.Status, bad.ErrorId, bad.StoredTo, result.RecordCount)
        );
        Assert.Empty((await scenario.PartitionAsync("bad")).Segments);
        Assert.DoesNotContain(await scenario.KeysAsync("b/topics/"), k => k.EndsWith(".kbs", StringComparison.Ordinal));
    }

    [Fact]
    public async Task L7_timestamps_0_and_minus_1_and_header_names_with_NUL_are_kept()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("odd");
        scenario.Cluster.Append(
            "odd",
            0,
            new LocalRecord([1], [1], 0) { Headers = [("na\0me", [7]), ("na", null), ("\0", [])] },
            new LocalRecord([2], [2], -1),
            new LocalRecord([3], [3], 0) { Headers = [.. Enumerable.Range(0, 5000).Select(i => ("h", (byte[]?)null))] }
        );

        await scenario.BackUpAsync();

        await scenario.AssertStoredIsSourceAsync("odd");
        var segment = (await scenario.PartitionAsync("odd")).Segments.Single();
        Assert.Equal((-1L, 0L, 2L), (segment.MinTimestamp, segment.MaxTimestamp, segment.ZeroTimestamps));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("gzip")]
    [InlineData("zstd")]
    public async Task L8_a_backup_begun_with_format_version_1_is_continued_with_version_2(string backupId)
    {
        await using var scenario = new BackupScenario
        {
            WrapCluster = c => new ClusterDouble(c) { Description = ClusterDouble.WithoutIds },
        };
        GoldenBackupTests.Seed(scenario);
        CopyGolden(backupId, Path.Combine(scenario.StorePath, backupId));
        scenario.Fill("orders", 100, 100);
        scenario.Fill("orders", 30, partition: 1);
        var settings = BackupScenario.Asked() with { BackupId = backupId, SourceClusterId = "golden" };

        var result = await scenario.BackUpAsync(settings);

        Assert.Equal((BackupStatus.Complete, 130L), (result.Status, result.RecordCount));
        foreach (var (topic, partition) in new[] { ("orders", 0), ("orders", 1), ("odd", 0) })
        {
            Assert.Equal(
                scenario.Source(topic, partition).Select(r => r.ToString()),
                (await scenario.StoredAsync(topic, partition, backupId)).Select(r => r.ToString())
            );
        }

        Assert.Equal([1, 2], (await VersionsAsync(scenario, backupId)).Distinct());
        Assert.Equal(0, (await scenario.BackUpAsync(settings)).RecordCount);
    }

    private static BackupSettings CutAt(int record) => BackupScenario.Asked() with { ConsistentAt = new TimePoint(Time(record)) };

    private static long Time(int record) => 1_700_000_000_000 + (record * 1000L);

    private static void Append(BackupScenario scenario, BatchCodec codec, int from, int count) =>
        scenario.Cluster.AppendRaw(
            "orders",
            0,
            BatchSample.Build(
                Enumerable.Range(from, count).Select(i => new BatchSample(i, Time(i), $"k{i}", $"value {i} value {i}")),
                codec
            )
        );

    /// <summary>Sound by its checksum, but its first record claims another length than it has.</summary>
    private static byte[] Undecodable(int records)
    {
        var batch = BatchSample.Build(Enumerable.Range(0, records).Select(i => new BatchSample(i, Time(i), "k", new string('v', 50))));
        batch[RecordBatch.HeaderLength] ^= 2;
        BatchStamp.Seal(batch);
        return batch;
    }

    private static string Hex(RecordBatch batch) => Convert.ToHexString(batch.Bytes.Span);

    private static async Task<IReadOnlyList<byte[]>> StoredBatchesAsync(BackupScenario scenario)
    {
        var batches = new List<byte[]>();
        using var pool = new BlockBufferPool(64 << 20);
        foreach (var segment in (await scenario.PartitionAsync("orders")).Segments)
        {
            var key = BackupKeys.Of("b", segment.Key);
            using var reader = await SegmentReader.OpenAsync(
                key,
                (offset, buffer, cancel) => scenario.Store.ReadAsync(key, offset, buffer, cancel),
                segment.StoredBytes,
                pool,
                0,
                scenario.Cancel
            );
            for (var index = 0; index < reader.Blocks.Count; index++)
            {
                using var block = await reader.ReadBlockAsync(index, scenario.Cancel);
                foreach (var kept in block.Batches)
                {
                    batches.Add(kept.Batch.Bytes.ToArray());
                }
            }
        }

        return batches;
    }

    private static async Task<IReadOnlyList<int>> VersionsAsync(BackupScenario scenario, string backupId)
    {
        var versions = new List<int>();
        foreach (var segment in (await scenario.PartitionAsync("orders", backupId: backupId)).Segments)
        {
            // Behind the magic (FORMAT.md).
            versions.Add((await File.ReadAllBytesAsync(Path.Combine(scenario.StorePath, backupId, segment.Key)))[8]);
        }

        return versions;
    }

    private static void CopyGolden(string backupId, string target)
    {
        var source = Path.Combine(Golden, backupId);
        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(target, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
