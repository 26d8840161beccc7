using Confluent.Kafka;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.LocalBroker.Tests.Clients;

namespace KafkaBackup.LocalBroker.Tests;

public sealed class TransactionTests
{
    private static IProducer<byte[]?, byte[]?> Transactional(LocalCluster cluster, string id = "tx", int timeoutMs = 60000)
    {
        var producer = Producer(
            cluster,
            c =>
            {
                c.TransactionalId = id;
                c.TransactionTimeoutMs = timeoutMs;
                c.MessageTimeoutMs = Math.Min(timeoutMs, 15000);
            }
        );
        producer.InitTransactions(Patience);
        return producer;
    }

    private static void Committed(ConsumerConfig config) => config.IsolationLevel = Confluent.Kafka.IsolationLevel.ReadCommitted;

    [Fact]
    public async Task Committed_records_are_read_and_the_marker_takes_an_offset()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var producer = Transactional(cluster);
        producer.BeginTransaction();
        ProduceAll(producer, "t", 0, ["a", "b"]);
        producer.CommitTransaction(Patience);
        Assert.Equal(["a", "b"], Values(ReadAll(cluster, "t", set: Committed)));
        Assert.Equal(3, cluster.LogEnd("t"));
        Assert.Equal(3, cluster.LastStableOffset("t"));
        Assert.True(cluster.Read("t")[^1].IsControl);
    }

    [Fact]
    public async Task Aborted_records_are_skipped_by_read_committed_only()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var producer = Transactional(cluster);
        producer.BeginTransaction();
        ProduceAll(producer, "t", 0, ["bad1", "bad2"]);
        producer.AbortTransaction(Patience);
        producer.BeginTransaction();
        ProduceAll(producer, "t", 0, ["good"]);
        producer.CommitTransaction(Patience);
        producer.BeginTransaction();
        ProduceAll(producer, "t", 0, ["bad3"]);
        producer.AbortTransaction(Patience);
        Assert.Equal(["good"], Values(ReadAll(cluster, "t", set: Committed)));
        Assert.Equal(["bad1", "bad2", "good", "bad3"], Values(ReadAll(cluster, "t")));
        Assert.Equal(["bad1", "bad2", "bad3"], cluster.Read("t").Where(r => r.IsAborted).Select(r => r.ValueText));
    }

    [Fact]
    public async Task A_read_from_the_middle_of_an_aborted_transaction_still_skips_it()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var producer = Transactional(cluster);
        producer.BeginTransaction();
        ProduceAll(producer, "t", 0, ["bad1"]);
        ProduceAll(producer, "t", 0, ["bad2"]);
        ProduceAll(producer, "t", 0, ["bad3"]);
        producer.AbortTransaction(Patience);
        Assert.Empty(ReadAll(cluster, "t", from: 1, set: Committed));
    }

    [Fact]
    public async Task An_open_transaction_holds_the_last_stable_offset()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Append("t", 0, Numbered(2));
        using var producer = Transactional(cluster);
        producer.BeginTransaction();
        ProduceAll(producer, "t", 0, ["open"]);
        cluster.Append("t", 0, Numbered(2, prefix: "later"));
        Assert.Equal(2, cluster.LastStableOffset("t"));
        Assert.Equal(5, cluster.LogEnd("t"));
        Assert.Equal(["v0", "v1"], Values(ReadAll(cluster, "t", set: Committed)));
        producer.CommitTransaction(Patience);
        Assert.Equal(["v0", "v1", "open", "later0", "later1"], Values(ReadAll(cluster, "t", set: Committed)));
    }

    [Fact]
    public async Task Initialising_again_aborts_what_was_open_and_fences_the_former_producer()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var first = Transactional(cluster);
        first.BeginTransaction();
        ProduceAll(first, "t", 0, ["orphan"]);
        using var second = Transactional(cluster);
        Assert.Equal(cluster.LogEnd("t"), cluster.LastStableOffset("t"));
        var error = Assert.Throws<KafkaException>(() => first.CommitTransaction(Patience));
        Assert.True(error.Error.IsFatal);
        second.BeginTransaction();
        ProduceAll(second, "t", 0, ["kept"]);
        second.CommitTransaction(Patience);
        Assert.Equal(["kept"], Values(ReadAll(cluster, "t", set: Committed)));
    }

    [Fact]
    public async Task A_transaction_over_its_time_is_aborted()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var producer = Transactional(cluster, timeoutMs: 1000);
        producer.BeginTransaction();
        ProduceAll(producer, "t", 0, ["slow"]);
        await Eventually(() => cluster.LastStableOffset("t") == cluster.LogEnd("t"));
        Assert.True(cluster.Read("t")[0].IsAborted);
    }

    [Fact]
    public async Task One_transaction_spans_partitions_and_topics()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Brokers = 3 });
        cluster.CreateTopic("a", 3);
        cluster.CreateTopic("b", 2);
        using var producer = Transactional(cluster);
        producer.BeginTransaction();
        for (var p = 0; p < 3; p++)
            ProduceAll(producer, "a", p, ["x"]);
        ProduceAll(producer, "b", 1, ["y"]);
        producer.CommitTransaction(Patience);
        Assert.Equal(2, cluster.LogEnd("a", 2));
        Assert.Equal(2, cluster.LogEnd("b", 1));
        Assert.Equal(0, cluster.LogEnd("b", 0));
        Assert.Equal(["x"], Values(ReadAll(cluster, "a", 1, set: Committed)));
    }

    [Fact]
    public async Task Offsets_are_committed_with_the_transaction_or_not_at_all()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.CreateTopic("in");
        cluster.Append("in", 0, Numbered(10));
        using var consumer = Consumer(cluster, c => c.GroupId = "g");
        consumer.Assign(new TopicPartitionOffset("in", 0, 0));
        consumer.Consume(Patience);
        var position = new[] { new TopicPartitionOffset("in", 0, 1) };
        using var producer = Transactional(cluster);

        producer.BeginTransaction();
        ProduceAll(producer, "t", 0, ["a"]);
        producer.SendOffsetsToTransaction(position, consumer.ConsumerGroupMetadata, Patience);
        producer.AbortTransaction(Patience);
        Assert.Empty(cluster.GroupOffsets("g"));

        producer.BeginTransaction();
        producer.SendOffsetsToTransaction(position, consumer.ConsumerGroupMetadata, Patience);
        producer.CommitTransaction(Patience);
        Assert.Equal(1, cluster.GroupOffsets("g").Values.Single().Offset);
    }

    [Fact]
    public async Task A_stable_fetch_of_offsets_waits_for_the_open_transaction()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("in");
        cluster.Append("in", 0, Numbered(10));
        using var consumer = Consumer(
            cluster,
            c =>
            {
                c.GroupId = "g";
                c.IsolationLevel = Confluent.Kafka.IsolationLevel.ReadCommitted;
            }
        );
        consumer.Assign(new TopicPartitionOffset("in", 0, 0));
        using var producer = Transactional(cluster);
        producer.BeginTransaction();
        producer.SendOffsetsToTransaction([new TopicPartitionOffset("in", 0, 7)], consumer.ConsumerGroupMetadata, Patience);
        var partition = new Confluent.Kafka.TopicPartition("in", 0);
        Assert.Throws<KafkaException>(() => consumer.Committed([partition], TimeSpan.FromMilliseconds(500)));
        producer.CommitTransaction(Patience);
        Assert.Equal(7, consumer.Committed([partition], Patience).Single().Offset.Value);
    }

    [Fact]
    public async Task Late_appends_of_a_fenced_producer_are_refused()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        var first = Transactional(cluster);
        first.BeginTransaction();
        ProduceAll(first, "t", 0, ["early"]);
        var frozen = cluster.Faults.On(ApiKey.Produce).Freeze();
        first.Produce("t", Message("k", "late"));
        await frozen.WaitForHits();
        first.Dispose();
        using var second = Transactional(cluster);
        frozen.Thaw();
        second.BeginTransaction();
        ProduceAll(second, "t", 0, ["new"]);
        second.CommitTransaction(Patience);
        Assert.DoesNotContain("late", cluster.Read("t").Select(r => r.ValueText));
        Assert.Equal(["new"], Values(ReadAll(cluster, "t", set: Committed)));
    }

    [Fact]
    public async Task A_transaction_from_behind_stays_open_until_it_is_ended()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 2);
        var kept = cluster.BeginTransaction();
        var lost = cluster.BeginTransaction();
        kept.Append("t", 0, Numbered(2, prefix: "kept"));
        lost.Append("t", 0, Numbered(2, prefix: "lost"));
        kept.Append("t", 0, Numbered(1, prefix: "more"));
        lost.Append("t", 1, Numbered(1));
        Assert.Equal(0, cluster.LastStableOffset("t"));
        kept.Commit();
        Assert.Equal(2, cluster.LastStableOffset("t"));
        lost.Abort();
        Assert.Equal(["kept0", "kept1", "more0"], Values(ReadAll(cluster, "t", set: Committed)));
        Assert.Empty(ReadAll(cluster, "t", 1, set: Committed));
        Assert.Equal(5, ReadAll(cluster, "t").Count);
    }

    [Fact]
    public async Task A_transaction_survives_a_lost_answer_to_its_commit()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var producer = Transactional(cluster);
        cluster.Faults.On(ApiKey.EndTxn).Once().DropAfterHandling();
        producer.BeginTransaction();
        ProduceAll(producer, "t", 0, ["a"]);
        producer.CommitTransaction(Patience);
        Assert.Equal(2, cluster.LogEnd("t"));
    }
}
