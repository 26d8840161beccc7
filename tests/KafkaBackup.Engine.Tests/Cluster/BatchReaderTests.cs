using System.Diagnostics;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;
using KafkaBackup.LocalBroker;
using static KafkaBackup.Engine.Tests.Cluster.ClusterTesting;

namespace KafkaBackup.Engine.Tests.Cluster;

public sealed class BatchReaderTests
{
    private static readonly TopicPartition Orders = new("orders", 0);

    private static readonly ReaderOptions Committed = new(IsolationLevel.ReadCommitted);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task L1_batches_come_whole_and_each_once(bool withTopicIds)
    {
        await using var local = LocalCluster.Start(withTopicIds ? null : LocalClusterOptions.Kafka24);
        local.CreateTopic("orders", 3);
        for (var batch = 0; batch < 60; batch++)
        {
            local.Append("orders", batch % 3, Records(batch, 50), batch % 2 == 0 ? LocalCodec.None : LocalCodec.Zstd);
        }

        await using var cluster = Connect(local);
        using var reader = cluster.OpenBatchReader(Committed with { FetchBytes = 10_000 });
        var sink = new CollectingBatches();
        for (var partition = 0; partition < 3; partition++)
        {
            reader.Assign(new("orders", partition), 0, partition);
        }

        PollUntil(reader, sink, () => sink.Facts.Count == 3 && sink.Facts.Values.All(f => f.Position == 1000));
        for (var partition = 0; partition < 3; partition++)
        {
            var batches = sink.Batches.Where(b => b.Slot == partition).Select(b => RecordBatch.Open(b.Bytes)).ToList();
            Assert.Equal(Enumerable.Range(0, 20).Select(i => i * 50L), batches.Select(b => b.BaseOffset));
            Assert.All(batches, b => Assert.True(b.CrcIsValid));
        }

        Assert.Empty(sink.Faults);
    }

    [Fact]
    public async Task L1_a_position_inside_a_batch_gives_the_whole_batch_first()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Append("orders", 0, Records(0, 50));
        local.Append("orders", 0, Records(1, 50));
        await using var cluster = Connect(local);
        using var reader = cluster.OpenBatchReader(Committed);
        var sink = new CollectingBatches();
        reader.Assign(Orders, 70, 0);
        PollUntil(reader, sink, () => sink.Facts.ContainsKey(0));
        Assert.Equal(50, RecordBatch.Open(Assert.Single(sink.Batches).Bytes).BaseOffset);
        Assert.Equal(new LogFacts(100, 100, 100, 0), sink.Facts[0]);
    }

    [Fact]
    public async Task L1_a_poll_gives_no_more_bytes_than_asked_for_but_one_batch_at_least()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        for (var batch = 0; batch < 30; batch++)
        {
            local.Append("orders", 0, Records(batch, batch == 10 ? 200 : 10));
        }

        await using var cluster = Connect(local);
        using var reader = cluster.OpenBatchReader(Committed);
        var sink = new CollectingBatches();
        reader.Assign(Orders, 0, 0);
        var most = 0L;
        while (!sink.Facts.ContainsKey(0))
        {
            var before = sink.Batches.Count;
            var given = reader.Poll(sink, 3_000);
            Assert.Equal(sink.Batches.Skip(before).Sum(b => (long)b.Bytes.Length), given);
            Assert.True(given <= 3_000 || sink.Batches.Count == before + 1, $"{given} bytes");
            most = Math.Max(most, given);
        }

        Assert.True(most > 3_000);
        Assert.Equal(30, sink.Batches.Count);
    }

    [Fact]
    public async Task L4_facts_say_where_the_log_begins_and_ends()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Append("orders", 0, Records(0, 20));
        local.Append("orders", 0, Records(1, 20));
        local.DeleteRecords("orders", 0, 20);
        var open = local.BeginTransaction();
        open.Append("orders", 0, LocalRecord.Of("k", "undecided"));
        await using var cluster = Connect(local);
        using var reader = cluster.OpenBatchReader(Committed);
        var sink = new CollectingBatches();
        reader.Assign(Orders, 20, 7);
        PollUntil(reader, sink, () => sink.Facts.ContainsKey(7));
        Assert.Equal(new LogFacts(40, 41, 40, 20), sink.Facts[7]);

        open.Commit();
        PollUntil(reader, sink, () => sink.Facts[7].Position == 42);
        Assert.Equal(new LogFacts(42, 42, 42, 20), sink.Facts[7]);
        Assert.Equal([20L, 40L], sink.Batches.Select(b => RecordBatch.Open(b.Bytes).BaseOffset));
    }

    [Fact]
    public async Task B2_batches_of_aborted_transactions_and_markers_are_left_out_wherever_they_stand()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        var expected = new List<long>();
        var open = new List<(LocalTransaction Transaction, List<long> Offsets)>();
        var random = new Random(7);
        for (var step = 0; step < 400; step++)
        {
            switch (random.Next(5))
            {
                case 0:
                    open.Add((local.BeginTransaction(), []));
                    break;
                case 1 when open.Count > 0:
                    var (transaction, offsets) = open[random.Next(open.Count)];
                    open.RemoveAll(o => o.Transaction == transaction);
                    if (random.Next(2) == 0)
                    {
                        transaction.Commit();
                        expected.AddRange(offsets);
                    }
                    else
                    {
                        transaction.Abort();
                    }

                    break;
                case 2:
                    expected.Add(local.Append("orders", 0, LocalRecord.Of(null, "plain")));
                    break;
                default:
                    if (open.Count > 0)
                    {
                        var (under, its) = open[random.Next(open.Count)];
                        its.Add(under.Append("orders", 0, LocalRecord.Of(null, "in doubt")));
                    }

                    break;
            }
        }

        open.ForEach(o => o.Transaction.Abort());
        await using var cluster = Connect(local);
        using var reader = cluster.OpenBatchReader(Committed with { FetchBytes = 1_000 });
        var sink = new CollectingBatches();
        reader.Assign(Orders, 0, 0);
        PollUntil(reader, sink, () => sink.Facts.TryGetValue(0, out var facts) && facts.Position == local.LogEnd("orders"));
        Assert.Equal(expected.Order(), sink.Batches.Select(b => RecordBatch.Open(b.Bytes).BaseOffset));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task L4_a_log_that_was_cut_and_has_grown_again_is_reported_with_where_it_is_the_same(bool withDivergingEpochs)
    {
        await using var local = LocalCluster.Start(withDivergingEpochs ? null : LocalClusterOptions.Kafka24);
        local.CreateTopic("orders");
        local.Append("orders", 0, Records(0, 20));
        local.Append("orders", 0, Records(1, 20));
        await using var cluster = Connect(local);
        using var reader = cluster.OpenBatchReader(Committed);
        var sink = new CollectingBatches();
        reader.Assign(Orders, 0, 0);
        PollUntil(reader, sink, () => sink.Facts.TryGetValue(0, out var facts) && facts.Position == 40);

        local.Truncate("orders", 0, 20);
        local.Append("orders", 0, Records(2, 50));
        PollUntil(reader, sink, () => sink.Faults.Count > 0);
        var (slot, fault) = Assert.Single(sink.Faults);
        Assert.Equal((0, ReadFaultKind.Truncated, 20L), (slot, fault.Kind, fault.Offset));
        Assert.Equal(2, sink.Batches.Count);
    }

    [Fact]
    public async Task L4_a_topic_that_is_deleted_and_made_again_is_reported_as_another_one()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Append("orders", 0, Records(0, 20));
        await using var cluster = Connect(local);
        using var reader = cluster.OpenBatchReader(Committed);
        var sink = new CollectingBatches();
        reader.Assign(Orders, 0, 0);
        PollUntil(reader, sink, () => sink.Facts.TryGetValue(0, out var facts) && facts.Position == 20);
        local.RecreateTopic("orders");
        local.Append("orders", 0, Records(0, 40));
        PollUntil(reader, sink, () => sink.Faults.Count > 0);
        Assert.Equal((0, ReadFaultKind.Recreated), (sink.Faults[0].Slot, sink.Faults[0].Fault.Kind));
        Assert.Single(sink.Batches);

        reader.Remove(0);
        reader.Assign(Orders, 0, 0);
        PollUntil(reader, sink, () => sink.Facts[0].Position == 40);
        Assert.Single(sink.Faults);
    }

    [Fact]
    public async Task L4_a_quota_is_reported_and_less_is_asked_for_until_something_comes()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        for (var batch = 0; batch < 40; batch++)
        {
            local.Append("orders", 0, Records(batch, 10, 2_000));
        }

        local.LimitReading(bytesPerSecond: 2_000_000, window: TimeSpan.FromMilliseconds(100));
        await using var cluster = Connect(local);
        using var reader = cluster.OpenBatchReader(Committed);
        var sink = new CollectingBatches();
        reader.Assign(Orders, 0, 0);
        PollUntil(reader, sink, () => sink.Facts.TryGetValue(0, out var facts) && facts.Position == 400);
        Assert.NotEmpty(sink.Throttles);
        Assert.Equal(40, sink.Batches.Count);
    }

    [Fact]
    public async Task L1_a_follower_in_the_readers_own_rack_is_read_from()
    {
        await using var local = LocalCluster.Start(
            new LocalClusterOptions
            {
                Brokers = 2,
                Racks = new Dictionary<int, string> { [1] = "a", [2] = "b" },
            }
        );
        local.CreateTopic("orders", replicationFactor: 2);
        local.MoveLeader("orders", 0, 1);
        local.Append("orders", 0, Records(0, 20));
        await using var cluster = Connect(
            Settings(local.BootstrapServers) with
            {
                KafkaOptions = new Dictionary<string, Secret> { ["client.rack"] = new("b") },
            }
        );
        using var reader = cluster.OpenBatchReader(Committed);
        var sink = new CollectingBatches();
        reader.Assign(Orders, 0, 0);
        PollUntil(reader, sink, () => sink.Batches.Count == 1);
        Assert.Contains(local.Requests.Of(ApiKey.Fetch), r => r.Broker == 2);

        // The follower goes, and the leader serves again.
        await local.StopBroker(2);
        local.Append("orders", 0, Records(1, 20));
        PollUntil(reader, sink, () => sink.Batches.Count == 2);
        Assert.Empty(sink.Faults);
    }

    [Fact]
    public async Task L4_what_is_held_back_for_a_slow_caller_stays_within_the_budget()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Brokers = 2 });
        local.CreateTopic("orders", 8);
        for (var batch = 0; batch < 200; batch++)
        {
            local.Append("orders", batch % 8, Records(batch, 10, 10_000));
        }

        await using var cluster = Connect(local);
        using var reader = cluster.OpenBatchReader(Committed with { QueuedBytes = 2 << 20, FetchBytes = 1 << 20 });
        var sink = new CollectingBatches();
        for (var partition = 0; partition < 8; partition++)
        {
            reader.Assign(new("orders", partition), 0, partition);
        }

        var (asked, quiet) = (0, 0);
        while (quiet < 10)
        {
            await Task.Delay(20);
            var now = local.Requests.Of(ApiKey.Fetch).Count;
            quiet = now == asked ? quiet + 1 : 0;
            asked = now;
        }

        // Of each broker one answer is here and one behind it, each of a quarter of the budget.
        Assert.InRange(asked, 2, 6);
        PollUntil(reader, sink, () => sink.Batches.Count == 200);
        Assert.Empty(sink.Faults);
    }

    [Fact]
    public async Task B10_a_log_that_stays_still_for_long_is_read_on_when_something_comes()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        await using var cluster = Connect(
            Settings(local.BootstrapServers) with
            {
                KafkaOptions = new Dictionary<string, Secret> { ["fetch.wait.max.ms"] = new("1") },
            }
        );
        using var reader = cluster.OpenBatchReader(Committed);
        var sink = new CollectingBatches();
        reader.Assign(Orders, 0, 0);
        PollUntil(reader, sink, () => local.Requests.Of(ApiKey.Fetch).Count > 150);
        local.Append("orders", 0, Records(0, 10));
        PollUntil(reader, sink, () => sink.Batches.Count == 1);
    }

    [Fact]
    public async Task L4_nothing_of_the_memory_of_answers_is_kept_in_the_end()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders", 4);
        for (var batch = 0; batch < 40; batch++)
        {
            local.Append("orders", batch % 4, Records(batch, 10, 1_000));
        }

        var connections = new WireConnections(new ClientConfiguration(Settings(local.BootstrapServers)), SilentEvents.Instance);
        for (var round = 0; round < 10; round++)
        {
            using var reader = new WireBatchReader(connections, Committed with { FetchBytes = 64 << 10 });
            var sink = new CollectingBatches();
            for (var partition = 0; partition < 4; partition++)
            {
                reader.Assign(new("orders", partition), 0, partition);
            }

            PollUntil(reader, sink, () => sink.Batches.Count > round * 4);
            reader.Remove(round % 4);
        }

        var buffers = connections.Cluster.Buffers;
        await connections.DisposeAsync();
        Assert.Equal(0, buffers.Outstanding);
    }

    [Fact]
    public async Task B4_brokers_that_stop_and_come_back_are_survived_without_loss_or_repeat()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Brokers = 3 });
        local.CreateTopic("orders", 6);
        await using var cluster = Connect(local);
        using var reader = cluster.OpenBatchReader(Committed with { FetchBytes = 4_000 });
        var sink = new CollectingBatches();
        for (var partition = 0; partition < 6; partition++)
        {
            reader.Assign(new("orders", partition), 0, partition);
        }

        for (var round = 0; round < 12; round++)
        {
            for (var partition = 0; partition < 6; partition++)
            {
                local.Append("orders", partition, Records(round, 10));
            }

            var broker = 1 + (round % 3);
            switch (round % 4)
            {
                case 0:
                    await local.StopBroker(broker);
                    PollFor(reader, sink, TimeSpan.FromMilliseconds(50));
                    local.StartBroker(broker);
                    break;
                case 1:
                    local.DropConnections();
                    break;
                case 2:
                    local.MoveLeader("orders", round % 6, broker);
                    break;
                default:
                    local.Faults.On(ApiKey.Fetch).Times(3).Fail(ErrorCode.LeaderNotAvailable);
                    break;
            }

            PollUntil(reader, sink, () => Enumerable.Range(0, 6).All(p => sink.Batches.Count(b => b.Slot == p) == round + 1));
        }

        Assert.Empty(sink.Faults);
        foreach (var slot in sink.Batches.GroupBy(b => b.Slot))
        {
            Assert.Equal(Enumerable.Range(0, 12).Select(i => i * 10L), slot.Select(b => RecordBatch.Open(b.Bytes).BaseOffset));
        }
    }

    [Fact]
    public async Task B16_a_record_that_does_not_decode_stops_its_partition_at_the_last_good_offset()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Append("orders", 0, Records(0, 10));
        local.AppendRaw("orders", 0, WithBrokenRecord());
        local.Append("orders", 0, Records(2, 10));
        await using var cluster = Connect(local);
        var sink = ReadAll(cluster, Orders);
        var (_, fault) = Assert.Single(sink.Faults);
        Assert.Equal((ReadFaultKind.BadMessage, 10L), (fault.Kind, fault.Offset));
        Assert.Equal(10, sink.Records.Count);
        Assert.Empty(sink.Ends);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(60)]
    public async Task B1_no_more_records_than_asked_for_are_handed_out(int most)
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        for (var batch = 0; batch < 6; batch++)
        {
            local.Append("orders", 0, Records(batch, 50), batch % 2 == 0 ? LocalCodec.None : LocalCodec.Gzip);
        }

        await using var cluster = Connect(local);
        using var reader = cluster.OpenReader(Committed);
        var sink = new CollectingSink();
        reader.Assign(Orders, 25, 0);
        while (!sink.Ends.ContainsKey(0))
        {
            var before = sink.Records.Count;
            var given = reader.Poll(sink, most);
            Assert.InRange(given, 0, most);
            Assert.Equal(before + given, sink.Records.Count);
            if (given > 0)
            {
                Assert.Equal(sink.Records[^1].Offset + 1, reader.Position(0));
            }
        }

        Assert.Equal(Enumerable.Range(25, 275).Select(offset => (long)offset), sink.Records.Select(record => record.Offset));
    }

    [Fact]
    public async Task B1_of_twenty_thousand_partitions_each_is_named_once_and_those_with_records_once_more()
    {
        const int Partitions = 20_000;
        const int WithRecords = 200;
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders", Partitions);
        for (var partition = 0; partition < WithRecords; partition++)
        {
            local.Append("orders", 100 * partition, Records(partition, 10));
        }

        await using var cluster = Connect(local);
        using var reader = cluster.OpenBatchReader(Committed);
        var sink = new CollectingBatches();
        for (var partition = 0; partition < Partitions; partition++)
        {
            reader.Assign(new("orders", partition), 0, partition);
        }

        PollUntil(reader, sink, () => sink.Facts.Count == Partitions);
        Assert.Equal(WithRecords, sink.Batches.Count);
        Assert.InRange(
            local.Requests.Of(ApiKey.Fetch).Sum(request => request.Partitions.Count),
            Partitions,
            Partitions + (2 * WithRecords)
        );
        Assert.InRange(local.Requests.Of(ApiKey.Metadata).Count, 1, 4);
    }

    private static IEnumerable<LocalRecord> Records(int batch, int count, int size = 100) =>
        Enumerable.Range(0, count).Select(i => LocalRecord.Of($"k{batch}-{i}", new string((char)('a' + (batch % 26)), size)));

    /// <summary>Its checksum holds, but a record claims another length than it has.</summary>
    private static byte[] WithBrokenRecord()
    {
        using var builder = new BatchBuilder();
        builder.Begin();
        for (var i = 0; i < 10; i++)
        {
            builder.Append(i, 1, new RecordFields { KeyIsNull = true, Value = "value"u8 });
        }

        var bytes = builder.Build().ToArray();
        bytes[RecordBatch.HeaderLength] += 2;
        BatchStamp.Seal(bytes);
        return bytes;
    }

    private static void PollUntil(IBatchReader reader, CollectingBatches sink, Func<bool> done)
    {
        var started = Stopwatch.GetTimestamp();
        while (!done())
        {
            reader.Poll(sink);
            Assert.True(Stopwatch.GetElapsedTime(started) < 3 * Patience, $"waited too long; {sink}");
        }
    }

    private static void PollFor(IBatchReader reader, CollectingBatches sink, TimeSpan time)
    {
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < time)
        {
            reader.Poll(sink);
        }
    }

    private sealed class CollectingBatches : IBatchSink
    {
        public List<(int Slot, byte[] Bytes)> Batches { get; } = [];

        public Dictionary<int, LogFacts> Facts { get; } = [];

        public List<(int Slot, ReadFault Fault)> Faults { get; } = [];

        public List<TimeSpan> Throttles { get; } = [];

        public List<KafkaBackupException> ClusterFaults { get; } = [];

        public void OnBatch(int slot, in RecordBatch batch) => Batches.Add((slot, batch.Bytes.ToArray()));

        public void OnFacts(int slot, in LogFacts facts) => Facts[slot] = facts;

        public void OnError(int slot, ReadFault fault) => Faults.Add((slot, fault));

        public void OnThrottled(TimeSpan wait) => Throttles.Add(wait);

        public void OnClusterFault(KafkaBackupException error) => ClusterFaults.Add(error);

        public override string ToString() =>
            $"{Batches.Count} batches, facts {string.Join(',', Facts.Take(10))}, faults {string.Join(',', Faults)}, cluster faults {string.Join(',', ClusterFaults.Select(f => f.Message).Distinct())}";
    }
}
