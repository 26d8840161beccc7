using Confluent.Kafka;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.LocalBroker.Tests.Clients;

namespace KafkaBackup.LocalBroker.Tests;

/// <summary>What happens to logs behind the clients' backs.</summary>
public sealed class LogTests
{
    [Fact]
    public async Task Compaction_keeps_the_newest_record_of_each_key_at_its_offset()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 1, new Dictionary<string, string> { ["cleanup.policy"] = "compact" });
        cluster.Append("t", 0, LocalRecord.Of("a", "1"), LocalRecord.Of("b", "1"), LocalRecord.Of("a", "2"), LocalRecord.Of("c", "1"));
        cluster.Append("t", 0, LocalRecord.Of("b", null), LocalRecord.Of("d", "1"));
        cluster.Compact("t");
        Assert.Equal([(2L, "2"), (3L, "1"), (4L, null), (5L, "1")], cluster.Read("t").Select(r => (r.Offset, r.ValueText)));
        Assert.Equal([2L, 3, 4, 5], ReadAll(cluster, "t").Select(r => r.Offset.Value));
        Assert.Equal([3L, 4, 5], ReadAll(cluster, "t", from: 3).Select(r => r.Offset.Value));
        Assert.Equal(6, cluster.LogEnd("t"));
    }

    [Fact]
    public async Task Compaction_that_empties_the_tail_leaves_an_empty_batch_through_which_consumers_reach_the_end()
    {
        await using var cluster = WithEmptiedTail(dropEmptyTail: false);
        Assert.Equal(["1"], Values(ReadAll(cluster, "t")));
        Assert.Equal(3, cluster.LogEnd("t"));
        cluster.Append("t", 0, LocalRecord.Of("c", "1"));
        Assert.Equal([0L, 3], ReadAll(cluster, "t").Select(r => r.Offset.Value));
    }

    [Fact]
    public async Task Compaction_as_older_brokers_do_it_leaves_consumers_short_of_the_end()
    {
        await using var cluster = WithEmptiedTail(dropEmptyTail: true);
        using var consumer = Consumer(cluster);
        consumer.Assign(new TopicPartitionOffset("t", 0, 0));
        Assert.Equal("1", Text(consumer.Consume(Patience).Message.Value));
        Assert.Null(consumer.Consume(TimeSpan.FromMilliseconds(300)));
        Assert.Equal(3, cluster.LogEnd("t"));
        cluster.Append("t", 0, LocalRecord.Of("c", "1"));
        Assert.Equal(3, consumer.Consume(Patience).Offset.Value);
    }

    private static LocalCluster WithEmptiedTail(bool dropEmptyTail)
    {
        var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 1, new Dictionary<string, string> { ["cleanup.policy"] = "compact" });
        cluster.Append("t", 0, LocalRecord.Of("a", "1"), LocalRecord.Of("b", "1"));
        cluster.Append("t", 0, LocalRecord.Of("b", null));
        cluster.Compact("t", dropTombstones: true, dropEmptyTail);
        return cluster;
    }

    [Fact]
    public async Task Compaction_opens_compressed_batches_and_keeps_headers_and_times()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        LocalRecord[] records =
        [
            LocalRecord.Of("a", "old", 5000),
            LocalRecord.Of("b", "x", 1000) with
            {
                Headers = [("h", [1]), ("h", null)],
            },
            LocalRecord.Of("a", "new", 3000),
        ];
        cluster.Append("t", 0, records, LocalCodec.Zstd);
        cluster.Compact("t");
        var read = ReadAll(cluster, "t");
        Assert.Equal(
            [(1L, 1000L, "x"), (2L, 3000L, "new")],
            read.Select(r => (r.Offset.Value, r.Message.Timestamp.UnixTimestampMs, Text(r.Message.Value)!))
        );
        Assert.Equal([1], read[0].Message.Headers[0].GetValueBytes());
        Assert.Null(read[0].Message.Headers[1].GetValueBytes());
    }

    [Fact]
    public async Task Compaction_drops_aborted_records_and_leaves_open_ones_alone()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var producer = Producer(cluster, c => c.TransactionalId = "x");
        producer.InitTransactions(Patience);
        producer.BeginTransaction();
        ProduceAll(producer, "t", 0, ["committed"]);
        producer.CommitTransaction(Patience);
        producer.BeginTransaction();
        ProduceAll(producer, "t", 0, ["aborted"]);
        producer.AbortTransaction(Patience);
        producer.BeginTransaction();
        ProduceAll(producer, "t", 0, ["open"]);
        cluster.Compact("t");
        Assert.Equal(["committed", "open"], cluster.Read("t").Where(r => !r.IsControl).Select(r => r.ValueText));
        Assert.Equal(
            ["committed"],
            Values(ReadAll(cluster, "t", set: c => c.IsolationLevel = Confluent.Kafka.IsolationLevel.ReadCommitted))
        );
        producer.CommitTransaction(Patience);
        Assert.Equal(
            ["committed", "open"],
            Values(ReadAll(cluster, "t", set: c => c.IsolationLevel = Confluent.Kafka.IsolationLevel.ReadCommitted))
        );
    }

    [Fact]
    public async Task An_idempotent_producer_goes_on_after_compaction_emptied_its_last_batch()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var producer = Producer(cluster, c => c.EnableIdempotence = true);
        ProduceAll(producer, "t", 0, ["mine"]);
        cluster.Append("t", 0, LocalRecord.Of("k", "newer"));
        cluster.Compact("t");
        ProduceAll(producer, "t", 0, ["again"]);
        Assert.Equal(["newer", "again"], Values(ReadAll(cluster, "t")));
    }

    [Fact]
    public async Task Expiry_drops_leading_batches_without_younger_records()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Append("t", 0, Numbered(3, 1000));
        cluster.Append("t", 0, Numbered(3, 2000));
        cluster.Append("t", 0, Numbered(3, 3000));
        cluster.Expire("t", 2001);
        Assert.Equal(3, cluster.LogStart("t"));
        Assert.Equal(3, ReadAll(cluster, "t", from: 3)[0].Offset.Value);
        cluster.Expire("t", 9999);
        Assert.Equal((9L, 9L), (cluster.LogStart("t"), cluster.LogEnd("t")));
        cluster.Append("t", 0, Numbered(1));
        Assert.Equal(9, Assert.Single(ReadAll(cluster, "t", from: 9)).Offset.Value);
    }

    [Fact]
    public async Task Retention_set_on_a_topic_is_applied_when_asked()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 1, new Dictionary<string, string> { ["retention.ms"] = "3600000" });
        cluster.CreateTopic("small", 1, new Dictionary<string, string> { ["retention.bytes"] = "1", ["retention.ms"] = "-1" });
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        cluster.Append("t", 0, Numbered(3, now - 7200000));
        cluster.Append("t", 0, Numbered(3, now));
        cluster.Append("small", 0, Numbered(3, 1000));
        cluster.Append("small", 0, Numbered(3, 1000));
        cluster.ApplyRetention();
        Assert.Equal(3, cluster.LogStart("t"));
        Assert.Equal(3, cluster.LogStart("small"));
    }

    [Fact]
    public async Task Truncation_loses_the_end_raises_the_epoch_and_the_log_regrows()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Append("t", 0, Numbered(5));
        cluster.Append("t", 0, Numbered(5));
        cluster.Truncate("t", 0, 7);
        Assert.Equal(7, cluster.LogEnd("t"));
        Assert.Equal(1, cluster.LeaderEpoch("t"));
        cluster.Append("t", 0, LocalRecord.Of("k", "regrown"));
        var read = ReadAll(cluster, "t");
        Assert.Equal(["v0", "v1", "v2", "v3", "v4", "v0", "v1", "regrown"], Values(read));
        Assert.Equal(0, read[6].LeaderEpoch);
        Assert.Equal(1, read[7].LeaderEpoch);
    }

    [Fact]
    public async Task Truncation_forgets_what_producers_did_past_it()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var producer = Producer(cluster, c => c.TransactionalId = "x");
        producer.InitTransactions(Patience);
        producer.BeginTransaction();
        ProduceAll(producer, "t", 0, ["a"]);
        producer.CommitTransaction(Patience);
        producer.BeginTransaction();
        ProduceAll(producer, "t", 0, ["b"]);
        Assert.Equal(2, cluster.LastStableOffset("t"));
        cluster.Truncate("t", 0, 2);
        Assert.Equal((2L, 2L), (cluster.LogEnd("t"), cluster.LastStableOffset("t")));
    }

    [Fact]
    public async Task A_recreated_topic_is_empty_and_has_a_new_id()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 2, new Dictionary<string, string> { ["retention.ms"] = "1234" });
        cluster.Append("t", 1, Numbered(3));
        var before = cluster.TopicId("t");
        cluster.RecreateTopic("t");
        Assert.NotEqual(before, cluster.TopicId("t"));
        Assert.Equal(0, cluster.LogEnd("t", 1));
        Assert.Equal("1234", cluster.TopicConfigOf("t")["retention.ms"]);
    }

    [Fact]
    public async Task Times_from_minus_one_to_the_far_future_are_kept()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Append(
            "t",
            0,
            LocalRecord.Of("k", "none", -1),
            LocalRecord.Of("k", "far", 253_402_300_799_999),
            LocalRecord.Of("k", "zero", 0)
        );
        Assert.Equal([-1L, 253_402_300_799_999, 0], cluster.Read("t").Select(r => r.Timestamp));
    }

    [Fact]
    public async Task Nothing_is_left_on_disk_and_a_thousand_empty_partitions_cost_no_file()
    {
        var directory = Directory.CreateTempSubdirectory("kafkabackup-broker-");
        try
        {
            await using (var cluster = LocalCluster.Start(new LocalClusterOptions { DataDirectory = directory.FullName }))
            {
                cluster.CreateTopic("t", 1000);
                Assert.Empty(directory.EnumerateFiles("*", SearchOption.AllDirectories));
                cluster.Append("t", 3, Numbered(1));
                Assert.Single(directory.EnumerateFiles("*", SearchOption.AllDirectories));
            }

            Assert.Empty(directory.EnumerateFileSystemInfos());
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
