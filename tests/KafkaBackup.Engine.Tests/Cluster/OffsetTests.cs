using KafkaBackup.Engine.Cluster;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.Engine.Tests.Cluster.ClusterTesting;

namespace KafkaBackup.Engine.Tests.Cluster;

public sealed class OffsetTests
{
    [Fact]
    public async Task B1_start_stable_end_and_high_watermark_are_three_different_bounds()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Append("orders", 0, LocalRecord.Of("a", "1"), LocalRecord.Of("a", "2"), LocalRecord.Of("a", "3"));
        local.DeleteRecords("orders", 0, 1);
        await using var cluster = Connect(local);
        using var writer = cluster.OpenWriter(new WriterOptions(TransactionalId: "open"));
        await writer.InitTransactionsAsync(Limit());
        writer.BeginTransaction();
        writer.Open(new("orders", 0), 0);
        Send(writer, 0, "undecided", 1);
        Drain(writer, new CollectingReports());

        Assert.Equal(1, await Offset(cluster, OffsetBound.Earliest));
        Assert.Equal(3, await Offset(cluster, OffsetBound.LastStable));
        Assert.Equal(4, await Offset(cluster, OffsetBound.HighWatermark));
        await writer.AbortTransactionAsync(Limit());
    }

    [Fact]
    public async Task B1_thousands_of_partitions_take_a_request_per_leader_and_thousand()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Brokers = 2 });
        for (var i = 0; i < 5; i++)
        {
            local.CreateTopic($"wide-{i}", 500);
        }

        local.Append("wide-3", 77, LocalRecord.Of("a", "1"));
        await using var cluster = Connect(local);
        var partitions = Enumerable
            .Range(0, 5)
            .SelectMany(topic => Enumerable.Range(0, 500).Select(partition => new TopicPartition($"wide-{topic}", partition)))
            .ToArray();
        var answers = await cluster.ListOffsetsAsync(partitions, OffsetBound.HighWatermark, Limit());
        Assert.Equal(2_500, answers.Count);
        Assert.All(answers, answer => Assert.Equal(answer.Key == new TopicPartition("wide-3", 77) ? 1 : 0, answer.Value.Offset));
        Assert.InRange(local.Requests.Of(ApiKey.ListOffsets).Count, 3, 6);
    }

    [Fact]
    public async Task B1_a_passing_error_of_a_partition_is_asked_again()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders", 2);
        local.Append("orders", 1, LocalRecord.Of("a", "1"));
        local.Faults.On(ApiKey.ListOffsets).Topic("orders").Partition(1).Times(2).Fail(ErrorCode.LeaderNotAvailable);
        await using var cluster = Connect(local);
        var answers = await cluster.ListOffsetsAsync([new("orders", 0), new("orders", 1)], OffsetBound.HighWatermark, Limit());
        Assert.Equal(0, answers[new("orders", 0)].Offset);
        Assert.Equal(1, answers[new("orders", 1)].Offset);
    }

    [Fact]
    public async Task B1_B4_a_broker_that_does_not_answer_in_time_is_asked_again_and_is_no_empty_partition()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Brokers = 2 });
        TopicPartition[] partitions = [new("orders", 0), new("orders", 1)];
        local.CreateTopic("orders", 2);
        foreach (var partition in partitions)
        {
            local.MoveLeader("orders", partition.Partition, partition.Partition + 1);
            local.Append("orders", partition.Partition, LocalRecord.Of("a", "1", 1_000));
        }

        await using var cluster = Connect(local);
        foreach (
            var ask in (Func<Task<IReadOnlyDictionary<TopicPartition, OffsetAnswer>>>[])
                [
                    () => cluster.ListOffsetsAsync(partitions, OffsetBound.HighWatermark, Limit()),
                    () =>
                        cluster.FindOffsetsByTimeAsync(partitions.ToDictionary(p => p, _ => 500L), IsolationLevel.ReadUncommitted, Limit()),
                ]
        )
        {
            var late = local.Faults.On(ApiKey.ListOffsets).Broker(1).Once().Delay(TimeSpan.FromSeconds(4));
            var answers = await ask();
            Assert.Equal(1, late.Hits);
            Assert.All(answers.Values, answer => Assert.Null(answer.Error));
            Assert.Equal(answers[partitions[1]].Offset, answers[partitions[0]].Offset);
        }
    }

    [Fact]
    public async Task B1_partitions_whose_leader_was_lost_or_began_anew_since_the_first_look_are_asked_of_the_one_they_have_now()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Brokers = 3 });
        local.CreateTopic("orders", 2, replicationFactor: 3);
        local.MoveLeader("orders", 0, 1);
        local.MoveLeader("orders", 1, 2);
        local.Append("orders", 0, LocalRecord.Of("a", "1"));
        local.Append("orders", 1, LocalRecord.Of("a", "1"), LocalRecord.Of("a", "2"));

        // Never connected to broker 1, the client is not told by a broken connection that it is gone.
        await using var cluster = Connect(Settings(local.AddressOf(3)));
        await Describe(cluster);
        await local.StopBroker(1);
        local.MoveLeader("orders", 1, 2);

        var answers = await cluster.ListOffsetsAsync([new("orders", 0), new("orders", 1)], OffsetBound.HighWatermark, Limit());

        Assert.All(answers.Values, answer => Assert.Null(answer.Error));
        Assert.Equal((1, 2), (answers[new("orders", 0)].Offset, answers[new("orders", 1)].Offset));
    }

    [Fact]
    public async Task B15_a_partition_that_fails_has_its_error_in_its_answer()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.CreateTopic("secret");
        local.Deny(ApiKey.ListOffsets, "secret");
        await using var cluster = Connect(local);
        var answers = await cluster.ListOffsetsAsync([new("orders", 0), new("orders", 9), new("secret", 0)], OffsetBound.Earliest, Limit());
        Assert.Equal(0, answers[new("orders", 0)].Offset);
        Assert.Equal(nameof(ErrorIds.TopicNotFound), answers[new("orders", 9)].Error?.ErrorId);
        Assert.Equal(nameof(ErrorIds.ClusterUnauthorized), answers[new("secret", 0)].Error?.ErrorId);
    }

    [Fact]
    public async Task B9_offsets_are_found_by_time()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders", 2);
        local.Append("orders", 0, LocalRecord.Of("a", "1", -1));
        local.Append("orders", 0, LocalRecord.Of("a", "2", 1_000), LocalRecord.Of("a", "3", 2_000));
        await using var cluster = Connect(local);
        TopicPartition full = new("orders", 0),
            empty = new("orders", 1);
        Assert.Equal(2, (await Find(cluster, full, 1_001)).Offset);
        Assert.Equal(1, (await Find(cluster, full, 1_000)).Offset);
        Assert.Null((await Find(cluster, full, 2_001)).Offset);
        Assert.Equal(0, (await Find(cluster, full, -1)).Offset);
        Assert.Null((await Find(cluster, empty, -1)).Offset);
        Assert.Null((await Find(cluster, empty, 0)).Offset);
        Assert.Equal(2_000, (await Find(cluster, full, 1_500)).Timestamp);
    }

    [Fact]
    public async Task B8_offsets_come_with_the_leader_epoch()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Append("orders", 0, LocalRecord.Of("a", "1"));
        local.Truncate("orders", 0, 1);
        await using var cluster = Connect(local);
        var answer = (await cluster.ListOffsetsAsync([new("orders", 0)], OffsetBound.HighWatermark, Limit()))[new("orders", 0)];
        Assert.Equal(local.LeaderEpoch("orders"), answer.LeaderEpoch);
    }

    private static async Task<long?> Offset(KafkaCluster cluster, OffsetBound bound) =>
        (await cluster.ListOffsetsAsync([new("orders", 0)], bound, Limit()))[new("orders", 0)].Offset;

    private static async Task<OffsetAnswer> Find(KafkaCluster cluster, TopicPartition partition, long time)
    {
        var answers = await cluster.FindOffsetsByTimeAsync(
            new Dictionary<TopicPartition, long> { [partition] = time },
            IsolationLevel.ReadUncommitted,
            Limit()
        );
        Assert.Null(answers[partition].Error);
        return answers[partition];
    }
}
