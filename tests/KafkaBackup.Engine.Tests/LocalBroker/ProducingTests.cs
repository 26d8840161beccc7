using Confluent.Kafka;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.LocalBroker.Tests.Clients;
using ErrorCode = KafkaBackup.LocalBroker.ErrorCode;

namespace KafkaBackup.LocalBroker.Tests;

public sealed class ProducingTests
{
    [Fact]
    public async Task What_is_produced_is_read_back_with_every_field()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var producer = Producer(cluster);
        var headers = new Headers
        {
            { "a", Bytes("1") },
            { "a", Bytes("2") },
            { "null", null },
            { "empty", [] },
            { "raw", [0xff, 0xfe] },
        };
        var sent = new Message<byte[]?, byte[]?>
        {
            Key = null,
            Value = [],
            Headers = headers,
            Timestamp = new Timestamp(1234567890123, TimestampType.CreateTime),
        };

        var report = await producer.ProduceAsync("t", sent);

        Assert.Equal(0, report.Offset.Value);
        var read = Assert.Single(ReadAll(cluster, "t"));
        Assert.Null(read.Message.Key);
        Assert.Empty(read.Message.Value!);
        Assert.Equal(1234567890123, read.Message.Timestamp.UnixTimestampMs);
        Assert.Equal(["a", "a", "null", "empty", "raw"], read.Message.Headers.Select(h => h.Key));
        Assert.Null(read.Message.Headers[2].GetValueBytes());
        Assert.Equal([0xff, 0xfe], read.Message.Headers[4].GetValueBytes());
        var stored = cluster.Read("t").Single();
        Assert.Null(stored.Key);
        Assert.Empty(stored.Value!);
        Assert.Null(stored.Headers[2].Value);
        Assert.Empty(stored.Headers[3].Value!);
        Assert.Empty(cluster.UnexpectedErrors);
    }

    [Theory]
    [InlineData(CompressionType.None, 0)]
    [InlineData(CompressionType.Gzip, 1)]
    [InlineData(CompressionType.Snappy, 2)]
    [InlineData(CompressionType.Lz4, 3)]
    [InlineData(CompressionType.Zstd, 4)]
    public async Task Every_codec_is_stored_as_sent_and_opened_by_the_broker(CompressionType codec, int stored)
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        var values = Enumerable.Range(0, 500).Select(string? (i) => $"value {i} {new string('x', i)}").ToList();
        using (
            var producer = Producer(
                cluster,
                c =>
                {
                    c.CompressionType = codec;
                    c.LingerMs = 50;
                }
            )
        )
        {
            ProduceAll(producer, "t", 0, values);
        }

        Assert.Equal(values, Values(ReadAll(cluster, "t")));
        var behind = cluster.Read("t");
        Assert.Equal(values, behind.Select(r => r.ValueText));
        // A client sends a small first batch as it is when compressing doesn't shrink it.
        Assert.Contains(behind, r => r.Codec == stored);
        Assert.All(behind, r => Assert.Contains(r.Codec, new[] { 0, stored }));
    }

    [Theory]
    [InlineData(Acks.None)]
    [InlineData(Acks.Leader)]
    [InlineData(Acks.All)]
    public async Task Every_level_of_acknowledgement_is_served(Acks acks)
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var producer = Producer(cluster, c => c.Acks = acks);
        ProduceAll(producer, "t", 0, ["a", "b"]);
        await Eventually(() => cluster.LogEnd("t") == 2);
    }

    [Fact]
    public async Task A_batch_over_max_message_bytes_is_refused()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 1, new Dictionary<string, string> { ["max.message.bytes"] = "2000" });
        using var producer = Producer(cluster);
        var error = await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(() =>
            producer.ProduceAsync("t", new() { Value = new byte[3000] })
        );
        Assert.Equal(Confluent.Kafka.ErrorCode.MsgSizeTooLarge, error.Error.Code);
        Assert.Equal(0, cluster.LogEnd("t"));
    }

    [Fact]
    public async Task A_record_without_key_is_refused_by_a_compacted_topic()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 1, new Dictionary<string, string> { ["cleanup.policy"] = "compact" });
        using var producer = Producer(cluster);
        await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(() => producer.ProduceAsync("t", Message(null, "v")));
        await producer.ProduceAsync("t", Message("k", "v"));
        Assert.Equal(1, cluster.LogEnd("t"));
    }

    [Fact]
    public async Task LogAppendTime_stamps_records_with_the_brokers_clock()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 1, new Dictionary<string, string> { ["message.timestamp.type"] = "LogAppendTime" });
        using var producer = Producer(cluster);
        var before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var report = await producer.ProduceAsync("t", new() { Value = [1], Timestamp = new Timestamp(1000, TimestampType.CreateTime) });
        Assert.Equal(TimestampType.LogAppendTime, report.Timestamp.Type);
        var read = Assert.Single(ReadAll(cluster, "t"));
        Assert.Equal(TimestampType.LogAppendTime, read.Message.Timestamp.Type);
        Assert.InRange(read.Message.Timestamp.UnixTimestampMs, before, before + 20000);
    }

    [Theory]
    [InlineData("message.timestamp.before.max.ms", -7200000)]
    [InlineData("message.timestamp.after.max.ms", 7200000)]
    [InlineData("message.timestamp.difference.max.ms", -7200000)]
    public async Task A_timestamp_outside_the_topics_range_is_refused(string setting, long shiftMs)
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 1, new Dictionary<string, string> { [setting] = "3600000" });
        using var producer = Producer(cluster);
        var stamp = new Timestamp(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + shiftMs, TimestampType.CreateTime);
        var error = await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(() =>
            producer.ProduceAsync("t", new() { Value = [1], Timestamp = stamp })
        );
        Assert.Equal(Confluent.Kafka.ErrorCode.InvalidTimestamp, error.Error.Code);
    }

    [Fact]
    public async Task A_lost_answer_to_an_idempotent_producer_leaves_no_duplicate()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        var fault = cluster.Faults.On(ApiKey.Produce).Skip(1).Times(2).DropAfterHandling();
        using var producer = Producer(
            cluster,
            c =>
            {
                c.EnableIdempotence = true;
                c.BatchNumMessages = 10;
            }
        );
        var values = Enumerable.Range(0, 200).Select(i => "v" + i).ToList();
        ProduceAll(producer, "t", 0, values);
        Assert.Equal(2, fault.Hits);
        Assert.Equal(values, cluster.Read("t").Select(r => r.ValueText));
    }

    [Fact]
    public async Task A_lost_answer_to_a_plain_producer_leaves_a_duplicate()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Faults.On(ApiKey.Produce).Once().DropAfterHandling();
        using var producer = Producer(cluster);
        ProduceAll(producer, "t", 0, ["v"]);
        Assert.Equal(["v", "v"], cluster.Read("t").Select(r => r.ValueText));
    }

    [Fact]
    public async Task An_error_after_handling_is_made_good_by_an_idempotent_retry()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Faults.On(ApiKey.Produce).Topic("t").Once().FailAfterHandling(ErrorCode.NotEnoughReplicasAfterAppend);
        using var producer = Producer(cluster, c => c.EnableIdempotence = true);
        ProduceAll(producer, "t", 0, ["a", "b", "c"]);
        Assert.Equal(["a", "b", "c"], cluster.Read("t").Select(r => r.ValueText));
    }

    [Fact]
    public async Task A_missing_topic_is_unknown_to_the_producer_and_is_not_created()
    {
        await using var cluster = LocalCluster.Start();
        using var producer = Producer(cluster, c => c.Set("topic.metadata.propagation.max.ms", "200"));
        var error = await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(() => producer.ProduceAsync("absent", Message("k", "v")));
        Assert.Equal(Confluent.Kafka.ErrorCode.UnknownTopicOrPart, error.Error.Code);
        Assert.Empty(cluster.TopicNames);
    }

    [Fact]
    public async Task Topics_are_created_on_demand_only_when_that_is_asked_for()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { AutoCreateTopics = true, AutoCreatePartitions = 2 });
        using var producer = Producer(cluster);
        await producer.ProduceAsync("fresh", Message("k", "v"));
        Assert.Equal(2, cluster.PartitionCount("fresh"));
    }

    [Fact]
    public async Task Topics_whose_names_differ_only_in_case_do_not_mix()
    {
        await using var cluster = LocalCluster.Start();
        using var producer = Producer(cluster);
        foreach (var name in new[] { "Orders", "orders", "or.ders" })
        {
            cluster.CreateTopic(name);
            await producer.ProduceAsync(name, Message("k", name));
        }

        Assert.Equal("Orders", cluster.Read("Orders").Single().ValueText);
        Assert.Equal("orders", cluster.Read("orders").Single().ValueText);
    }
}
