using System.Diagnostics;
using System.Text;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.Engine.Tests.Cluster.ClusterTesting;

namespace KafkaBackup.Engine.Tests.Cluster;

public sealed class WriterTests
{
    private static readonly TopicPartition Orders = new("orders", 0);

    [Fact]
    public async Task E1_every_field_arrives_exactly()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions());
        writer.Open(Orders, 0);
        OutgoingRecord[] records =
        [
            new(
                [0, 255],
                [1, 2, 3],
                1_700_000_000_123,
                ("a"u8.ToArray(), [9]),
                ("a"u8.ToArray(), [8]),
                ([], []),
                ("nil"u8.ToArray(), null),
                ("a\0b"u8.ToArray(), [0xff])
            ),
            new(null, null, 1_700_000_000_124),
            new([], [], 1_700_000_000_125),
            new([1], null, 4_102_444_800_000_000),
            new(null, [1], -1),
            new(null, [2], 1),
        ];
        for (var i = 0; i < records.Length; i++)
        {
            Assert.Equal(SendOutcome.Queued, records[i].Send(writer, 0, i, extraHeaders: i == 0 ? 2 : 0));
        }

        var reports = new CollectingReports();
        Drain(writer, reports);
        Assert.Equal(Enumerable.Range(0, records.Length).Select(i => (0, (long)i, (long)i)), reports.Delivered);
        var stored = local.Read("orders");
        Assert.Equal(
            [1_700_000_000_123, 1_700_000_000_124, 1_700_000_000_125, 4_102_444_800_000_000, -1, 1],
            stored.Select(record => record.Timestamp)
        );
        byte[]?[] keys =
        [
            [0, 255],
            null,
            [],
            [1],
            null,
            null,
        ];
        byte[]?[] values =
        [
            [1, 2, 3],
            null,
            [],
            null,
            [1],
            [2],
        ];
        Assert.Equal(keys, stored.Select(record => record.Key));
        Assert.Equal(values, stored.Select(record => record.Value));
        Assert.Equal(["a", "a", "", "nil", "a\0b"], stored[0].Headers.Select(header => header.Name));
        byte[]?[] headerValues =
        [
            [9],
            [8],
            [],
            null,
            [0xff],
        ];
        Assert.Equal(headerValues, stored[0].Headers.Select(header => header.Value));
        Array.ForEach(records, record => record.Dispose());
    }

    [Fact]
    public async Task E1_what_is_read_can_be_sent_from_where_it_lies()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.CreateTopic("copy");
        var original = Enumerable
            .Range(0, 1_000)
            .Select(i => new LocalRecord(i % 3 == 0 ? null : [(byte)i], i % 5 == 0 ? null : new byte[i], i + 1)
            {
                Headers = [.. Enumerable.Range(0, i % 4).Select(n => ($"h{n % 2}", n == 3 ? null : (byte[]?)new byte[n]))],
            })
            .ToArray();
        local.Append("orders", 0, original);
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions());
        using var reader = cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadCommitted));
        writer.Open(new("copy", 0), 0);
        var sink = new CopyingSink(writer);
        reader.Assign(Orders, 0, 0);
        while (!sink.Ended)
        {
            reader.Poll(sink);
        }

        Drain(writer, new CollectingReports());
        var source = local.Read("orders");
        var copy = local.Read("copy");
        Assert.Equal(source.Select(record => (record.Offset, record.Timestamp)), copy.Select(record => (record.Offset, record.Timestamp)));
        Assert.Equal(source.Select(record => record.Key), copy.Select(record => record.Key));
        Assert.Equal(source.Select(record => record.Value), copy.Select(record => record.Value));
        Assert.Equal(
            source.Select(record => record.Headers.Select(header => header.Value)),
            copy.Select(record => record.Headers.Select(header => header.Value))
        );
        Assert.Equal(
            source.Select(record => record.Headers.Select(header => header.Name)),
            copy.Select(record => record.Headers.Select(header => header.Name))
        );
    }

    [Fact]
    public async Task E4_reports_carry_contiguous_offsets_per_partition_under_slot_and_tag()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders", 2);
        local.Append("orders", 1, LocalRecord.Of("k", "already"));
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions());
        writer.Open(Orders, 7);
        writer.Open(new("orders", 1), 8);
        for (var i = 0; i < 5_000; i++)
        {
            Send(writer, 7 + (i % 2), $"{i}", long.MinValue + i);
        }

        var reports = new CollectingReports();
        Drain(writer, reports);
        Assert.Empty(reports.Failed);
        Assert.Equal(
            Enumerable.Range(0, 2_500).Select(i => (long.MinValue + (2L * i), (long)i)),
            reports.Delivered.Where(report => report.Slot == 7).Select(report => (report.Tag, report.Offset))
        );
        Assert.Equal(
            Enumerable.Range(0, 2_500).Select(i => (long.MinValue + (2L * i) + 1, i + 1L)),
            reports.Delivered.Where(report => report.Slot == 8).Select(report => (report.Tag, report.Offset))
        );
    }

    [Fact]
    public async Task E4_a_giant_record_is_the_brokers_to_judge()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders", 1, new Dictionary<string, string> { ["max.message.bytes"] = "20000000" });
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions());
        writer.Open(Orders, 0);
        using var large = new OutgoingRecord(null, new byte[10_000_000], 1);
        using var tooLarge = new OutgoingRecord(null, new byte[30_000_000], 1);
        large.Send(writer, 0, 1);
        var reports = new CollectingReports();
        Drain(writer, reports);
        tooLarge.Send(writer, 0, 2);
        Drain(writer, reports);
        Assert.Equal([(0, 1L, 0L)], reports.Delivered);
        var failed = Assert.Single(reports.Failed);
        Assert.Equal((2L, WriteFaultKind.Refused, "MESSAGE_TOO_LARGE"), (failed.Tag, failed.Fault.Kind, failed.Fault.Code));
    }

    [Fact]
    public async Task E4_after_a_refused_record_nothing_later_is_stored()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders", 1, new Dictionary<string, string> { ["max.message.bytes"] = "100000" });
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions(BatchRecords: 1));
        writer.Open(Orders, 0);
        using var tooLarge = new OutgoingRecord(null, new byte[200_000], 1);
        for (var i = 0; i < 20; i++)
        {
            if (i == 5)
            {
                tooLarge.Send(writer, 0, 5);
            }
            else
            {
                Send(writer, 0, $"{i}", i);
            }
        }

        var reports = new CollectingReports();
        Drain(writer, reports);
        Assert.Equal(["0", "1", "2", "3", "4"], local.Read("orders").Select(record => record.ValueText));
        Assert.Equal(WriteFaultKind.Refused, reports.Failed.Single(report => report.Tag == 5).Fault.Kind);
        Assert.Equal(15, reports.Failed.Count);
        Assert.All(
            reports.Failed.Where(report => report.Tag > 5),
            report => Assert.Contains(report.Fault.Kind, new[] { WriteFaultKind.Purged, WriteFaultKind.Uncertain, WriteFaultKind.Other })
        );
        Assert.Contains(reports.ProducerFaults, fault => fault.Fatal);
        var error = Assert.Throws<KafkaBackupException>(() => Send(writer, 0, "more", 99));
        Assert.Equal(nameof(ErrorIds.ClusterRequestFailed), error.ErrorId);
    }

    [Fact]
    public async Task E2_a_lost_acknowledgement_repeats_nothing()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Faults.On(ApiKey.Produce).Skip(2).Once().DropAfterHandling();
        local.Faults.On(ApiKey.Produce).Skip(4).Once().FailAfterHandling(ErrorCode.RequestTimedOut);
        local.Faults.On(ApiKey.Produce).Skip(6).Once().Fail(ErrorCode.NotEnoughReplicas);
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions(BatchRecords: 10));
        writer.Open(Orders, 0);
        for (var i = 0; i < 300; i++)
        {
            Send(writer, 0, $"{i}", i);
        }

        var reports = new CollectingReports();
        Drain(writer, reports);
        Assert.Equal(300, reports.Delivered.Count);
        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"{i}"), local.Read("orders").Select(record => record.ValueText));
        Assert.All(reports.Delivered, report => Assert.True(report.Offset == report.Tag || report.Offset == -1));
    }

    [Fact]
    public async Task E6_the_loss_of_the_broker_is_told_and_survived()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions());
        writer.Open(Orders, 0);
        Send(writer, 0, "1", 1);
        var reports = new CollectingReports();
        Drain(writer, reports);
        await local.StopBroker(1);
        Send(writer, 0, "2", 2);
        var limit = Limit(20);
        while (reports.ProducerFaults.Count == 0)
        {
            limit.ThrowIfCancellationRequested();
            writer.Poll(reports, TimeSpan.FromMilliseconds(50));
        }

        Assert.Equal(
            (nameof(ErrorIds.ClusterUnreachable), false),
            (reports.ProducerFaults[0].Error.ErrorId, reports.ProducerFaults[0].Fatal)
        );
        local.StartBroker(1);
        Drain(writer, reports);
        Assert.Equal(["1", "2"], local.Read("orders").Select(record => record.ValueText));
    }

    [Fact]
    public async Task E4_a_full_queue_is_an_outcome_and_the_same_record_goes_in_later()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        var frozen = local.Faults.On(ApiKey.Produce).Freeze();
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions(QueuedBytes: 200_000));
        writer.Open(Orders, 0);
        var value = new string('x', 10_000);
        using var record = new OutgoingRecord(null, Encoding.UTF8.GetBytes(value), 1);
        var sent = 0;
        while (sent < 1_000 && record.Send(writer, 0, sent) == SendOutcome.Queued)
        {
            sent++;
        }

        Assert.InRange(sent, 5, 30);
        Assert.Equal(sent, writer.Pending);
        frozen.Thaw();
        var reports = new CollectingReports();
        Drain(writer, reports);
        Assert.Equal(SendOutcome.Queued, record.Send(writer, 0, sent));
        Drain(writer, reports);
        Assert.Equal(sent + 1, reports.Delivered.Count);
        Assert.Equal(sent + 1, local.LogEnd("orders"));
    }

    [Fact]
    public async Task E4_a_purge_reports_each_record_and_tells_what_is_uncertain()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        var frozen = local.Faults.On(ApiKey.Produce).Freeze();
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions(BatchRecords: 1, Linger: TimeSpan.Zero));
        writer.Open(Orders, 0);
        for (var i = 0; i < 100; i++)
        {
            Send(writer, 0, $"{i}", i);
        }

        await frozen.WaitForHits();
        writer.Purge();
        var reports = new CollectingReports();
        Drain(writer, reports);
        Assert.Equal(100, reports.Failed.Count);
        Assert.Contains(reports.Failed, report => report.Fault.Kind == WriteFaultKind.Uncertain);
        Assert.Contains(reports.Failed, report => report.Fault.Kind == WriteFaultKind.Purged);
        Assert.Equal(WriteFaultKind.Uncertain, reports.Failed.Single(report => report.Tag == 0).Fault.Kind);
        frozen.Thaw();
    }

    [Fact]
    public async Task E4_after_a_purge_the_same_partition_is_written_again()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        var frozen = local.Faults.On(ApiKey.Produce).Freeze();
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions(BatchRecords: 1, Linger: TimeSpan.Zero));
        writer.Open(Orders, 0);
        for (var i = 0; i < 10; i++)
        {
            Send(writer, 0, $"before {i}", i);
        }

        await frozen.WaitForHits();
        writer.Purge();
        Drain(writer, new CollectingReports());
        frozen.Thaw();
        for (var i = 0; i < 10; i++)
        {
            Send(writer, 0, $"after {i}", i);
        }

        var reports = new CollectingReports();
        Drain(writer, reports);
        Assert.Empty(reports.Failed);
        Assert.Equal(
            Enumerable.Range(0, 10).Select(i => $"after {i}"),
            local.Read("orders").Select(record => record.ValueText!).Where(value => value.StartsWith("after", StringComparison.Ordinal))
        );
    }

    [Fact]
    public async Task E2_a_cluster_that_has_no_producer_id_yet_is_waited_for()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        var loading = local.Faults.On(ApiKey.InitProducerId).Times(3).Fail(ErrorCode.CoordinatorLoadInProgress);
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions());
        writer.Open(Orders, 0);
        Send(writer, 0, "1", 1);
        var reports = new CollectingReports();
        Drain(writer, reports);
        await loading.WaitForHits(3);
        Assert.Single(reports.Delivered);
    }

    [Fact]
    public async Task E4_batches_under_way_when_the_writer_stops_are_all_reported()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions(BatchRecords: 1, Linger: TimeSpan.Zero));
        writer.Open(Orders, 0);
        Send(writer, 0, "0", 0);
        Drain(writer, new CollectingReports());
        local.Faults.On(ApiKey.Produce).Fail(ErrorCode.InvalidProducerEpoch);
        for (var i = 1; i < 20; i++)
        {
            TrySend(writer, i);
        }

        var reports = new CollectingReports();
        Drain(writer, reports);
        Assert.Empty(reports.Delivered);
        Assert.Single(reports.ProducerFaults, fault => fault.Fatal);
        Assert.Equal(["0"], local.Read("orders").Select(record => record.ValueText));
    }

    [Fact]
    public async Task D3_a_topic_that_may_not_be_written_is_told_per_record()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Deny(ApiKey.Produce, "orders");
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions());
        writer.Open(Orders, 0);
        Send(writer, 0, "1", 1);
        var reports = new CollectingReports();
        Drain(writer, reports);
        Assert.Equal(WriteFaultKind.Unauthorized, Assert.Single(reports.Failed).Fault.Kind);
    }

    [Fact]
    public async Task E4_a_batch_stays_under_its_limit()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders", 1, new Dictionary<string, string> { ["max.message.bytes"] = "20000" });
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions(BatchBytes: 20_000, Linger: TimeSpan.FromMilliseconds(50)));
        writer.Open(Orders, 0);
        for (var i = 0; i < 2_000; i++)
        {
            Send(writer, 0, new string('x', i % 300), i);
        }

        var reports = new CollectingReports();
        Drain(writer, reports);
        Assert.Empty(reports.Failed);
        Assert.Equal(2_000, reports.Delivered.Count);
    }

    [Fact]
    public async Task E4_a_flush_sends_what_waits_for_its_batch_to_fill()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions(Linger: TimeSpan.FromMinutes(10)));
        writer.Open(Orders, 0);
        Send(writer, 0, "1", 1);
        var reports = new CollectingReports();
        writer.Poll(reports, TimeSpan.FromMilliseconds(200));
        Assert.Empty(reports.Delivered);

        var patience = Stopwatch.StartNew();
        while (writer.Pending > 0 && patience.Elapsed < TimeSpan.FromMinutes(1))
        {
            writer.Flush();
            writer.Poll(reports, TimeSpan.FromMilliseconds(20));
        }

        Assert.Single(reports.Delivered);
    }

    [Fact]
    public async Task A_record_sent_costs_no_managed_memory()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions());
        writer.Open(Orders, 0);
        var reports = new CountingReports();
        SendMany(writer, reports, 10_000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        SendMany(writer, reports, 50_000);
        var perRecord = (GC.GetAllocatedBytesForCurrentThread() - before) / 50_000.0;
        Assert.Equal(60_000, reports.Count);
        Assert.True(perRecord < 1, $"{perRecord} bytes a record");
    }

    /// <summary>A writer that has stopped already takes no more.</summary>
    private static void TrySend(IRecordWriter writer, int number)
    {
        try
        {
            Send(writer, 0, $"{number}", number);
        }
        catch (KafkaBackupException stopped) when (stopped.Definition == ErrorIds.ClusterRequestFailed)
        {
            // It learned that before the last ones were sent.
        }
    }

    private static unsafe void SendMany(IRecordWriter writer, CountingReports reports, int count)
    {
        byte* bytes = stackalloc byte[4];
        Span<HeaderSlice> headers = [new HeaderSlice(bytes, 2, bytes, 4)];
        for (var i = 0; i < count; i++)
        {
            var record = new RecordView
            {
                Offset = i,
                Timestamp = 1,
                TimestampKind = TimestampKind.CreateTime,
                Key = new ReadOnlySpan<byte>(bytes, 4),
                Value = new ReadOnlySpan<byte>(bytes, 4),
                Headers = headers,
            };
            while (writer.Send(0, in record, default, i) == SendOutcome.QueueFull)
            {
                writer.Poll(reports, TimeSpan.FromMilliseconds(5));
            }
        }

        while (writer.Pending > 0)
        {
            writer.Poll(reports, TimeSpan.FromMilliseconds(5));
        }
    }

    private sealed class CountingReports : IDeliverySink
    {
        public int Count { get; private set; }

        public void OnDelivered(int slot, long tag, long offset) => Count++;

        public void OnFailed(int slot, long tag, WriteFault fault) => throw new InvalidOperationException(fault.Message);

        public void OnProducerFault(KafkaBackupException error, bool fatal) { }
    }

    private sealed class CopyingSink(IRecordWriter writer) : IRecordSink
    {
        public bool Ended { get; private set; }

        public void OnRecord(int slot, in RecordView record) =>
            Assert.Equal(SendOutcome.Queued, writer.Send(0, in record, default, record.Offset));

        public void OnEnd(int slot, long offset) => Ended = true;

        public void OnError(int slot, ReadFault fault) => Assert.Fail(fault.Message);

        public void OnClusterFault(KafkaBackupException error) => Assert.Fail(error.Message);
    }
}
