using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.LocalBroker.Tests.Clients;

namespace KafkaBackup.LocalBroker.Tests;

public sealed class GroupTests
{
    [Fact]
    public async Task A_subscribed_consumer_gets_all_partitions_commits_and_resumes()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 2);
        cluster.Append("t", 0, Numbered(3));
        cluster.Append("t", 1, Numbered(3));
        using (var consumer = Subscribed(cluster, "g"))
        {
            for (var i = 0; i < 6;)
            {
                if (!Next(consumer).IsPartitionEOF)
                    i++;
            }

            consumer.Commit();
            Assert.Equal("Stable", cluster.GroupState("g"));
            consumer.Close();
        }

        Assert.Equal("Empty", cluster.GroupState("g"));
        Assert.Equal([3, 3], cluster.GroupOffsets("g").Values.Select(o => o.Offset));
        cluster.Append("t", 0, Numbered(1, prefix: "new"));
        using var second = Subscribed(cluster, "g");
        ConsumeResult<byte[]?, byte[]?> read;
        do read = Next(second);
        while (read.IsPartitionEOF);
        Assert.Equal("new0", Text(read.Message.Value));
    }

    [Fact]
    public async Task Two_members_share_the_partitions_and_one_takes_over_when_the_other_leaves()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 4);
        using var first = Subscribed(cluster, "g");
        Await(first, c => c.Assignment.Count == 4);
        using var second = Subscribed(cluster, "g");
        await AwaitBoth(first, second, () => first.Assignment.Count == 2 && second.Assignment.Count == 2);
        second.Close();
        Await(first, c => c.Assignment.Count == 4);
    }

    [Fact]
    public async Task A_silent_member_is_expelled_after_its_session_timeout()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var consumer = Subscribed(
            cluster,
            "g",
            c =>
            {
                c.SessionTimeoutMs = 1000;
                c.HeartbeatIntervalMs = 200;
            }
        );
        Await(consumer, c => c.Assignment.Count == 1);
        cluster.Faults.On(ApiKey.Heartbeat).Freeze();
        cluster.Faults.On(ApiKey.JoinGroup).Freeze();
        await Eventually(() => cluster.GroupState("g") == "Empty");
    }

    [Fact]
    public async Task Groups_are_listed_and_described_with_their_members()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 2);
        cluster.CommitOffset("idle", "t", 0, 5);
        using var consumer = Subscribed(cluster, "busy", c => c.ClientId = "worker");
        Await(consumer, c => c.Assignment.Count == 2);
        using var admin = Admin(cluster);

        var listed = await admin.ListConsumerGroupsAsync();
        Assert.Equal(["busy", "idle"], listed.Valid.Select(g => g.GroupId).Order());
        Assert.Equal(ConsumerGroupState.Empty, listed.Valid.Single(g => g.GroupId == "idle").State);

        var described = await admin.DescribeConsumerGroupsAsync(["busy"]);
        var group = described.ConsumerGroupDescriptions.Single();
        Assert.Equal(ConsumerGroupState.Stable, group.State);
        var member = Assert.Single(group.Members);
        Assert.Equal("worker", member.ClientId);
        Assert.Equal(2, member.Assignment.TopicPartitions.Count);
    }

    [Fact]
    public async Task Offsets_of_a_group_are_listed_and_altered()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 2);
        cluster.CommitOffset("g", "t", 0, 5, "note");
        using var admin = Admin(cluster);
        var listed = await admin.ListConsumerGroupOffsetsAsync([new ConsumerGroupTopicPartitions("g", null)]);
        Assert.Equal(5, listed.Single().Partitions.Single().Offset.Value);

        await admin.AlterConsumerGroupOffsetsAsync([new ConsumerGroupTopicPartitionOffsets("g", [new TopicPartitionOffset("t", 1, 9)])]);
        Assert.Equal(9, cluster.GroupOffsets("g")[new KafkaBackup.LocalBroker.TopicPartition("t", 1)].Offset);
        Assert.Equal("note", cluster.GroupOffsets("g")[new KafkaBackup.LocalBroker.TopicPartition("t", 0)].Metadata);
    }

    [Fact]
    public async Task Offsets_of_an_active_group_are_not_altered()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var consumer = Subscribed(cluster, "g");
        Await(consumer, c => c.Assignment.Count == 1);
        using var admin = Admin(cluster);
        var error = await Assert.ThrowsAsync<AlterConsumerGroupOffsetsException>(() =>
            admin.AlterConsumerGroupOffsetsAsync([new ConsumerGroupTopicPartitionOffsets("g", [new TopicPartitionOffset("t", 0, 9)])])
        );
        Assert.Equal(Confluent.Kafka.ErrorCode.UnknownMemberId, error.Results.Single().Partitions.Single().Error.Code);
        Assert.Empty(cluster.GroupOffsets("g"));
    }

    [Fact]
    public async Task Offsets_of_a_group_are_deleted_unless_it_subscribes_to_the_topic()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.CreateTopic("other");
        cluster.CommitOffset("g", "t", 0, 1);
        cluster.CommitOffset("g", "other", 0, 1);
        using var consumer = Subscribed(cluster, "g");
        Await(consumer, c => c.Assignment.Count == 1);
        using var admin = Admin(cluster);
        var error = await Assert.ThrowsAsync<DeleteConsumerGroupOffsetsException>(() =>
            admin.DeleteConsumerGroupOffsetsAsync("g", [new Confluent.Kafka.TopicPartition("t", 0)])
        );
        Assert.Equal(Confluent.Kafka.ErrorCode.GroupSubscribedToTopic, error.Result.Partitions.Single().Error.Code);
        await admin.DeleteConsumerGroupOffsetsAsync("g", [new Confluent.Kafka.TopicPartition("other", 0)]);
        Assert.Equal("t", cluster.GroupOffsets("g").Keys.Single().Topic);
    }

    [Fact]
    public async Task Only_an_empty_group_is_deleted()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.CommitOffset("idle", "t", 0, 5);
        using var consumer = Subscribed(cluster, "busy");
        Await(consumer, c => c.Assignment.Count == 1);
        using var admin = Admin(cluster);
        await admin.DeleteGroupsAsync(["idle"]);
        Assert.Equal(["busy"], cluster.GroupNames);
        var error = await Assert.ThrowsAsync<DeleteGroupsException>(() => admin.DeleteGroupsAsync(["busy"]));
        Assert.Equal(Confluent.Kafka.ErrorCode.NonEmptyGroup, error.Results.Single().Error.Code);
        error = await Assert.ThrowsAsync<DeleteGroupsException>(() => admin.DeleteGroupsAsync(["unknown"]));
        Assert.Equal(Confluent.Kafka.ErrorCode.GroupIdNotFound, error.Results.Single().Error.Code);
    }

    [Fact]
    public async Task Commit_metadata_is_kept()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var consumer = Consumer(cluster, c => c.GroupId = "g");
        consumer.Commit([new TopicPartitionOffset("t", 0, 3)]);
        Assert.Equal(3, cluster.GroupOffsets("g").Values.Single().Offset);
        Assert.Equal(3, consumer.Committed([new Confluent.Kafka.TopicPartition("t", 0)], Patience).Single().Offset.Value);
    }

    [Fact]
    public async Task Deleting_a_topic_forgets_the_offsets_committed_on_it()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.CreateTopic("u");
        cluster.CommitOffset("g", "t", 0, 3);
        cluster.CommitOffset("g", "u", 0, 4);
        cluster.RecreateTopic("t");
        Assert.Equal("u", cluster.GroupOffsets("g").Keys.Single().Topic);
    }

    [Fact]
    public async Task A_group_moves_to_another_coordinator_when_its_broker_is_lost()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Brokers = 2 });
        cluster.CreateTopic("t", 1, replicationFactor: 2);
        using var consumer = Consumer(cluster, c => c.GroupId = "g");
        consumer.Commit([new TopicPartitionOffset("t", 0, 3)]);
        await cluster.StopBroker(cluster.Requests.Of(ApiKey.OffsetCommit)[^1].Broker);
        await Eventually(() =>
        {
            try
            {
                return consumer.Committed([new Confluent.Kafka.TopicPartition("t", 0)], TimeSpan.FromSeconds(2)).Single().Offset.Value == 3;
            }
            catch (KafkaException)
            {
                return false;
            }
        });
    }

    private static IConsumer<byte[]?, byte[]?> Subscribed(LocalCluster cluster, string group, Action<ConsumerConfig>? set = null)
    {
        var consumer = Consumer(
            cluster,
            c =>
            {
                c.GroupId = group;
                c.HeartbeatIntervalMs = 100;
                set?.Invoke(c);
            }
        );
        consumer.Subscribe("t");
        return consumer;
    }

    private static ConsumeResult<byte[]?, byte[]?> Next(IConsumer<byte[]?, byte[]?> consumer) =>
        consumer.Consume(Patience) ?? throw new TimeoutException("nothing came");

    private static void Await(IConsumer<byte[]?, byte[]?> consumer, Func<IConsumer<byte[]?, byte[]?>, bool> holds)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (!holds(consumer))
        {
            Assert.True(watch.Elapsed < Patience, "the assignment did not come");
            consumer.Consume(TimeSpan.FromMilliseconds(50));
        }
    }

    private static async Task AwaitBoth(IConsumer<byte[]?, byte[]?> first, IConsumer<byte[]?, byte[]?> second, Func<bool> holds)
    {
        await Eventually(() =>
        {
            first.Consume(TimeSpan.FromMilliseconds(20));
            second.Consume(TimeSpan.FromMilliseconds(20));
            return holds();
        });
    }
}
