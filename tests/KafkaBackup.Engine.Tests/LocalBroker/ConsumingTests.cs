using Confluent.Kafka;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.LocalBroker.Tests.Clients;

namespace KafkaBackup.LocalBroker.Tests;

public sealed class ConsumingTests
{
    [Fact]
    public async Task A_consumer_starts_at_any_offset_even_inside_a_batch()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Append("t", 0, Numbered(10));
        Assert.Equal(["v7", "v8", "v9"], Values(ReadAll(cluster, "t", from: 7)));
    }

    [Fact]
    public async Task Many_batches_come_back_in_order_across_small_fetches()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        for (var i = 0; i < 300; i++)
            cluster.Append("t", 0, Enumerable.Range(0, 20).Select(j => LocalRecord.Of("k", $"{i}-{j}-{new string('y', 200)}")));
        var read = ReadAll(
            cluster,
            "t",
            set: c =>
            {
                c.MaxPartitionFetchBytes = 20000;
                c.FetchMaxBytes = 20000;
                c.MessageMaxBytes = 20000;
            }
        );
        Assert.Equal(Enumerable.Range(0, 6000).Select(i => (long)i), read.Select(r => r.Offset.Value));
    }

    [Fact]
    public async Task A_batch_larger_than_the_fetch_limit_comes_whole()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Append("t", 0, new LocalRecord(null, new byte[900_000], 1000));
        var read = ReadAll(
            cluster,
            "t",
            set: c =>
            {
                c.MaxPartitionFetchBytes = 5000;
                c.FetchMaxBytes = 5000;
                c.MessageMaxBytes = 5000;
            }
        );
        Assert.Equal(900_000, Assert.Single(read).Message.Value!.Length);
    }

    [Fact]
    public async Task A_waiting_consumer_gets_a_record_as_soon_as_it_is_there()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var consumer = Consumer(cluster, c => c.FetchWaitMaxMs = 2500);
        consumer.Assign(new TopicPartitionOffset("t", 0, 0));
        Assert.True(consumer.Consume(Patience).IsPartitionEOF);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        cluster.Append("t", 0, LocalRecord.Of("k", "now"));
        Assert.Equal("now", Text(consumer.Consume(Patience).Message.Value));
        Assert.InRange(watch.ElapsedMilliseconds, 0, 2000);
    }

    [Theory]
    [InlineData(LocalCodec.None)]
    [InlineData(LocalCodec.Gzip)]
    [InlineData(LocalCodec.Zstd)]
    public async Task Offsets_are_found_by_time_down_to_the_record(LocalCodec codec)
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        for (var i = 0; i < 20; i++)
            cluster.Append("t", 0, Numbered(100, 1_000_000 + (i * 100)), codec);
        using var consumer = Consumer(cluster);

        Assert.Equal(0, At(1));
        Assert.Equal(0, At(1_000_000));
        Assert.Equal(777, At(1_000_777));
        Assert.Equal(1999, At(1_001_999));
        Assert.Equal(Offset.End.Value, At(1_002_000));

        long At(long timestamp) =>
            consumer
                .OffsetsForTimes([new TopicPartitionTimestamp("t", 0, new Timestamp(timestamp, TimestampType.CreateTime))], Patience)[0]
                .Offset.Value;
    }

    [Fact]
    public async Task Time_lookup_with_unordered_times_answers_the_first_offset_that_is_late_enough()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Append("t", 0, LocalRecord.Of("k", "a", 500), LocalRecord.Of("k", "b", 100), LocalRecord.Of("k", "c", 900));
        cluster.Append("t", 0, LocalRecord.Of("k", "d", 200));
        using var consumer = Consumer(cluster);
        var found = consumer.OffsetsForTimes([new TopicPartitionTimestamp("t", 0, new Timestamp(150, TimestampType.CreateTime))], Patience);
        Assert.Equal(0, found[0].Offset.Value);
        found = consumer.OffsetsForTimes([new TopicPartitionTimestamp("t", 0, new Timestamp(600, TimestampType.CreateTime))], Patience);
        Assert.Equal(2, found[0].Offset.Value);
    }

    [Fact]
    public async Task An_offset_outside_the_log_is_out_of_range()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Append("t", 0, Numbered(10));
        cluster.DeleteRecords("t", 0, 6);
        using var consumer = Consumer(cluster, c => c.AutoOffsetReset = AutoOffsetReset.Error);
        consumer.Assign(new TopicPartitionOffset("t", 0, 2));
        var error = Assert.Throws<ConsumeException>(() => consumer.Consume(Patience));
        Assert.Equal(Confluent.Kafka.ErrorCode.Local_AutoOffsetReset, error.Error.Code);
        Assert.Equal(["v6", "v7", "v8", "v9"], Values(ReadAll(cluster, "t", from: 6)));
    }

    [Fact]
    public async Task A_damaged_batch_is_noticed_by_a_client_that_checks()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Append("t", 0, Numbered(5));
        cluster.Append("t", 0, Numbered(5));
        cluster.CorruptBatch("t", 0, 7);
        using var consumer = Consumer(cluster);
        consumer.Assign(new TopicPartitionOffset("t", 0, 0));
        for (var i = 0; i < 5; i++)
            Assert.Equal(i, consumer.Consume(Patience).Offset.Value);
        var error = Assert.Throws<ConsumeException>(() => consumer.Consume(Patience));
        Assert.Equal(Confluent.Kafka.ErrorCode.Local_BadMsg, error.Error.Code);
    }

    [Fact]
    public async Task Watermarks_follow_the_log()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Append("t", 0, Numbered(10));
        cluster.DeleteRecords("t", 0, 4);
        using var consumer = Consumer(cluster);
        var marks = consumer.QueryWatermarkOffsets(new Confluent.Kafka.TopicPartition("t", 0), Patience);
        Assert.Equal((4, 10), (marks.Low.Value, marks.High.Value));
    }

    [Fact]
    public async Task Fetch_delays_and_broken_connections_lose_nothing()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        for (var i = 0; i < 20; i++)
            cluster.Append("t", 0, new LocalRecord(null, new byte[20000], 1000));
        cluster.Faults.On(ApiKey.Fetch).Times(1).DropAfterHandling();
        cluster.Faults.On(ApiKey.Fetch).Times(1).DropBeforeHandling();
        cluster.Faults.On(ApiKey.Fetch).Times(1).Delay(TimeSpan.FromMilliseconds(100));
        var read = ReadAll(cluster, "t", set: c => c.MaxPartitionFetchBytes = 50000);
        Assert.Equal(20, read.Count);
    }

    [Fact]
    public async Task The_request_log_tells_reads_from_writes()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 2);
        cluster.Append("t", 1, Numbered(3));
        ReadAll(cluster, "t", 1, set: c => c.ClientId = "reader");
        Assert.Empty(cluster.Requests.Writes);
        var fetch = cluster.Requests.Of(ApiKey.Fetch)[0];
        Assert.Equal("reader", fetch.ClientId);
        Assert.Contains(new KafkaBackup.LocalBroker.TopicPartition("t", 1), fetch.Partitions);
        using var producer = Producer(cluster);
        await producer.ProduceAsync("t", Message("k", "v"));
        Assert.Contains(cluster.Requests.Writes, r => r.Api == ApiKey.Produce);
        cluster.Requests.Clear();
        Assert.Empty(cluster.Requests.Writes);
    }
}
