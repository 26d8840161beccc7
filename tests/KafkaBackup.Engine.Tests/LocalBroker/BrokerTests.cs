using Confluent.Kafka;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.LocalBroker.Tests.Clients;

namespace KafkaBackup.LocalBroker.Tests;

public sealed class BrokerTests
{
    [Fact]
    public async Task Producing_and_consuming_follow_a_moved_leader()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Brokers = 3 });
        cluster.CreateTopic("t", 1, replicationFactor: 3);
        using var producer = Producer(cluster, c => c.EnableIdempotence = true);
        ProduceAll(producer, "t", 0, ["a"]);
        var target = cluster.LeaderOf("t", 0) % 3 + 1;
        cluster.MoveLeader("t", 0, target);
        ProduceAll(producer, "t", 0, ["b"]);
        Assert.Equal(target, cluster.Requests.Of(ApiKey.Produce)[^1].Broker);
        Assert.Equal(["a", "b"], Values(ReadAll(cluster, "t")));
        Assert.Equal([0, 1], cluster.Read("t").Select(r => r.LeaderEpoch));
    }

    [Fact]
    public async Task A_lost_broker_hands_its_partitions_to_other_replicas()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Brokers = 2 });
        cluster.CreateTopic("t", 2, replicationFactor: 2);
        using var producer = Producer(cluster, c => c.EnableIdempotence = true);
        ProduceAll(producer, "t", 0, ["a"]);
        var lost = cluster.LeaderOf("t", 0);
        await cluster.StopBroker(lost);
        Assert.NotEqual(lost, cluster.LeaderOf("t", 0));
        ProduceAll(producer, "t", 0, ["b"]);
        Assert.Equal(["a", "b"], cluster.Read("t").Select(r => r.ValueText));
        cluster.StartBroker(lost);
        Assert.Equal([1, 2], cluster.AliveBrokers);
    }

    [Fact]
    public async Task A_single_broker_comes_back_on_its_port_with_its_data()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var producer = Producer(cluster, c => c.EnableIdempotence = true);
        ProduceAll(producer, "t", 0, ["a"]);
        var address = cluster.BootstrapServers;
        await cluster.StopBroker(1);
        producer.Produce(new Confluent.Kafka.TopicPartition("t", 0), Message("k", "b"));
        await Task.Delay(300);
        Assert.Equal(1, cluster.LogEnd("t"));
        cluster.StartBroker(1);
        Assert.Equal(address, cluster.BootstrapServers);
        Assert.Equal(0, producer.Flush(Patience));
        Assert.Equal(["a", "b"], Values(ReadAll(cluster, "t")));
    }

    [Fact]
    public async Task A_partition_without_a_living_replica_has_no_leader()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Brokers = 2 });
        cluster.CreateTopic("t", 2);
        var lost = cluster.LeaderOf("t", 1);
        await cluster.StopBroker(lost);
        using var admin = Admin(cluster);
        var partition = admin.GetMetadata("t", Patience).Topics.Single().Partitions.Single(p => p.PartitionId == 1);
        Assert.Equal(Confluent.Kafka.ErrorCode.LeaderNotAvailable, partition.Error.Code);
        cluster.StartBroker(lost);
        Assert.Equal(lost, cluster.LeaderOf("t", 1));
    }

    [Fact]
    public async Task A_consumer_notices_a_truncated_log_by_its_leader_epoch()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Append("t", 0, Numbered(10));
        using var consumer = Consumer(
            cluster,
            c =>
            {
                c.AutoOffsetReset = AutoOffsetReset.Error;
                c.TopicMetadataRefreshIntervalMs = 100;
            }
        );
        consumer.Assign(new TopicPartitionOffset("t", 0, 0));
        Assert.Equal(10, ReadToEnd(consumer).Count);
        cluster.Truncate("t", 0, 4);
        cluster.Append("t", 0, Numbered(20, prefix: "other"));
        void ReadOn()
        {
            while (true)
                Assert.NotNull(consumer.Consume(Patience));
        }

        var error = Assert.Throws<ConsumeException>((Action)ReadOn);
        Assert.Contains(
            error.Error.Code,
            new[] { Confluent.Kafka.ErrorCode.Local_LogTruncation, Confluent.Kafka.ErrorCode.Local_AutoOffsetReset }
        );
    }

    [Fact]
    public async Task Two_clusters_in_one_process_know_nothing_of_each_other()
    {
        await using var one = LocalCluster.Start();
        await using var two = LocalCluster.Start();
        one.CreateTopic("t");
        Assert.Empty(two.TopicNames);
        Assert.NotEqual(one.ClusterId, two.ClusterId);
        Assert.NotEqual(one.BootstrapServers, two.BootstrapServers);
    }
}
