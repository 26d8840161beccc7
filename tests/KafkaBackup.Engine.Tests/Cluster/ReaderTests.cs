using System.Text;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.Engine.Tests.Cluster.ClusterTesting;

namespace KafkaBackup.Engine.Tests.Cluster;

public sealed class ReaderTests
{
    private static readonly TopicPartition Orders = new("orders", 0);

    [Fact]
    public async Task B7_every_field_is_handed_out_exactly()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        LocalRecord[] records =
        [
            new([0, 255], [1, 2, 3], 1_700_000_000_123)
            {
                Headers = [("a", [9]), ("a", [8]), ("", []), ("nil", null), ("ünï", [0xff, 0xfe]), ("a", [])],
            },
            new(null, null, 1_700_000_000_124),
            new([], [], 1_700_000_000_125),
            new([1], null, 4_102_444_800_000_000),
            new(null, [1], -1),
            new(null, [2], 0),
        ];
        local.Append("orders", 0, records);
        await using var cluster = Connect(local);
        var sink = ReadAll(cluster, Orders);
        Assert.Equal(records.Length, sink.Records.Count);
        for (var i = 0; i < records.Length; i++)
        {
            var read = sink.Records[i];
            Assert.Equal(i, read.Offset);
            Assert.Equal(records[i].Timestamp, read.Timestamp);
            Assert.Equal(TimestampKind.CreateTime, read.Kind);
            Assert.Equal(records[i].Key, read.Key);
            Assert.Equal(records[i].Value, read.Value);
            Assert.Equal(
                records[i].Headers.Select(header => (header.Name, header.Value)),
                read.Headers.Select(header => (Encoding.UTF8.GetString(header.Name), header.Value)),
                HeaderComparer.Instance
            );
        }
    }

    [Fact]
    public async Task L7_a_header_name_with_a_nul_byte_is_whole()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Append(
            "orders",
            0,
            new LocalRecord(null, [1], 1) { Headers = [("a\0b", [5]), ("c\0d", []), ("e\0f", null), ("plain", [6])] }
        );
        await using var cluster = Connect(local);
        var headers = ReadAll(cluster, Orders).Records[0].Headers;
        Assert.Equal(["a\0b", "c\0d", "e\0f", "plain"], headers.Select(header => Encoding.UTF8.GetString(header.Name)));
        Assert.Equal([5], headers[0].Value);
        Assert.Null(headers[2].Value);
        Assert.Equal([6], headers[3].Value);
    }

    [Fact]
    public async Task B7_log_append_time_is_told_from_create_time()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders", 1, new Dictionary<string, string> { ["message.timestamp.type"] = "LogAppendTime" });
        local.Append("orders", 0, LocalRecord.Of("k", "v"));
        await using var cluster = Connect(local);
        Assert.Equal(TimestampKind.LogAppendTime, ReadAll(cluster, Orders).Records[0].Kind);
    }

    [Theory]
    [InlineData(LocalCodec.Gzip)]
    [InlineData(LocalCodec.Zstd)]
    public async Task B7_compressed_batches_are_read(LocalCodec codec)
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Append("orders", 0, Enumerable.Range(0, 500).Select(i => LocalRecord.Of($"k{i}", new string('x', 200))), codec);
        await using var cluster = Connect(local);
        Assert.Equal(500, ReadAll(cluster, Orders).Records.Count);
    }

    [Fact]
    public async Task B7_a_giant_record_is_read_whole()
    {
        var value = new byte[40_000_000];
        new Random(1).NextBytes(value);
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders", 1, new Dictionary<string, string> { ["max.message.bytes"] = "100000000" });
        local.Append("orders", 0, LocalRecord.Of("before", "x"));
        local.Append("orders", 0, new LocalRecord(null, value, 1));
        local.Append("orders", 0, LocalRecord.Of("after", "x"));
        await using var cluster = Connect(local);
        var sink = ReadAll(cluster, Orders);
        Assert.Equal(3, sink.Records.Count);
        Assert.True(value.AsSpan().SequenceEqual(sink.Records[1].Value));
    }

    [Fact]
    public async Task B3_an_empty_partition_ends_at_once_where_it_starts()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Append("orders", 0, LocalRecord.Of("k", "v"), LocalRecord.Of("k", "v"));
        local.DeleteRecords("orders", 0, 2);
        await using var cluster = Connect(local);
        var sink = ReadAll(cluster, Orders, from: 2);
        Assert.Empty(sink.Records);
        Assert.Equal(2, sink.Ends[0]);
    }

    [Fact]
    public async Task B3_the_position_passes_a_compacted_tail()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Append(
            "orders",
            0,
            Enumerable.Range(0, 10).SelectMany(i => new[] { LocalRecord.Of("same", $"{i}"), LocalRecord.Of("gone", null) })
        );

        local.Compact("orders", dropTombstones: true);
        await using var cluster = Connect(local);
        using var reader = cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadCommitted));
        var sink = new CollectingSink();
        reader.Assign(Orders, 0, 0);
        PollUntil(reader, sink, () => sink.Ends.ContainsKey(0));
        Assert.Equal([18], sink.Records.Select(record => record.Offset));
        Assert.Equal(20, sink.Ends[0]);
        Assert.Equal(20, reader.Position(0));
    }

    [Fact]
    public async Task B3_the_position_is_null_before_anything_has_come()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        await using var cluster = Connect(local);
        using var reader = cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadCommitted));
        reader.Assign(Orders, 0, 5);
        Assert.Null(reader.Position(5));
        Assert.Null(reader.Position(6));
    }

    [Fact]
    public async Task B1_partitions_are_read_side_by_side_each_in_order_under_its_slot()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Brokers = 2 });
        local.CreateTopic("orders", 6);
        for (var partition = 0; partition < 6; partition++)
        {
            local.Append("orders", partition, Enumerable.Range(0, 300).Select(i => LocalRecord.Of(null, $"{i}")));
        }

        await using var cluster = Connect(local);
        using var reader = cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadCommitted));
        var sink = new CollectingSink();
        for (var partition = 0; partition < 6; partition++)
        {
            reader.Assign(new("orders", partition), partition, 10 + partition);
        }

        PollUntil(reader, sink, () => sink.Ends.Count == 6);
        for (var partition = 0; partition < 6; partition++)
        {
            var offsets = sink.Records.Where(record => record.Slot == 10 + partition).Select(record => record.Offset);
            Assert.Equal(Enumerable.Range(partition, 300 - partition).Select(offset => (long)offset), offsets);
        }
    }

    [Fact]
    public async Task B1_after_removal_nothing_more_comes_and_the_partition_can_be_assigned_again()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Append("orders", 0, Enumerable.Range(0, 5_000).Select(i => LocalRecord.Of(null, $"{i}")));
        await using var cluster = Connect(local);
        using var reader = cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadCommitted));
        var sink = new CollectingSink();

        // From within the batch itself, which holds more of the same partition.
        sink.AfterRecord = (slot, offset) =>
        {
            if (slot == 0 && offset == 10)
            {
                reader.Remove(0);
                reader.Assign(Orders, 4_990, 1);
            }
        };
        reader.Assign(Orders, 0, 0);
        PollUntil(reader, sink, () => sink.Ends.ContainsKey(1));
        Assert.Equal(
            Enumerable.Range(0, 11).Select(offset => (0, (long)offset)),
            sink.Records.Where(record => record.Slot == 0).Select(record => (record.Slot, record.Offset))
        );
        Assert.Equal(
            Enumerable.Range(4_990, 10).Select(offset => (long)offset),
            sink.Records.Where(record => record.Slot == 1).Select(record => record.Offset)
        );
        Assert.Empty(sink.Faults);
    }

    [Fact]
    public async Task H1_reading_asks_no_coordinator_and_writes_nothing()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Append("orders", 0, LocalRecord.Of("k", "v"));
        await using (var cluster = Connect(local))
        {
            ReadAll(cluster, Orders);
        }

        Assert.Empty(local.Requests.Writes);
        Assert.Empty(local.Requests.Of(ApiKey.FindCoordinator, ApiKey.JoinGroup, ApiKey.OffsetFetch));
    }

    [Fact]
    public async Task A_record_costs_no_managed_memory()
    {
        const int Count = 200_000;
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        for (var i = 0; i < 20; i++)
        {
            local.Append(
                "orders",
                0,
                Enumerable.Range(0, Count / 20).Select(n => new LocalRecord([1], [1, 2, 3], n) { Headers = [("h", [1])] })
            );
        }

        await using var cluster = Connect(local);
        using var reader = cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadCommitted));
        var sink = new CountingSink();
        reader.Assign(Orders, 0, 0);
        while (sink.Records < Count / 4)
        {
            reader.Poll(sink);
        }

        var counted = sink.Records;
        var before = GC.GetAllocatedBytesForCurrentThread();
        while (!sink.Ended)
        {
            reader.Poll(sink);
            reader.Position(0);
        }

        var perRecord = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)(sink.Records - counted);
        Assert.Equal(Count, sink.Records);
        Assert.True(perRecord < 1, $"{perRecord} bytes a record");
    }

    private sealed class CountingSink : IRecordSink
    {
        public int Records { get; private set; }

        public bool Ended { get; private set; }

        public void OnRecord(int slot, in RecordView record) => Records += record.Headers.Length;

        public void OnEnd(int slot, long offset) => Ended = true;

        public void OnError(int slot, ReadFault fault) => throw new InvalidOperationException(fault.Message);

        public void OnClusterFault(KafkaBackupException error) { }
    }

    private sealed class HeaderComparer : IEqualityComparer<(string Name, byte[]? Value)>
    {
        public static readonly HeaderComparer Instance = new();

        public bool Equals((string Name, byte[]? Value) x, (string Name, byte[]? Value) y) =>
            x.Name == y.Name && x.Value is null == y.Value is null && x.Value.AsSpan().SequenceEqual(y.Value);

        public int GetHashCode((string Name, byte[]? Value) obj) => obj.Name.GetHashCode(StringComparison.Ordinal);
    }
}
