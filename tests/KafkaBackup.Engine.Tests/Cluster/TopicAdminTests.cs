using KafkaBackup.Engine.Cluster;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.Engine.Tests.Cluster.ClusterTesting;

namespace KafkaBackup.Engine.Tests.Cluster;

public sealed class TopicAdminTests
{
    [Fact]
    public async Task B11_a_topic_is_described_with_partitions_replication_id_and_configs()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Brokers = 3 });
        local.CreateTopic("orders", 4, new Dictionary<string, string> { ["retention.ms"] = "1234567" }, replicationFactor: 2);
        await using var cluster = Connect(local);
        var description = await Describe(cluster);
        Assert.Equal(local.ClusterId, description.ClusterId);
        Assert.Equal([1, 2, 3], description.Brokers);
        var topic = description.Topics["orders"];
        Assert.Equal([0, 1, 2, 3], topic.Partitions.Select(partition => partition.Partition));
        Assert.All(topic.Partitions, partition => Assert.Equal(local.LeaderOf("orders", partition.Partition), partition.Leader));
        Assert.Equal(2, topic.ReplicationFactor);
        Assert.False(topic.IsInternal);
        Assert.Null(topic.ErrorMessage);
        Assert.Equal(KafkaId(local.TopicId("orders")), topic.TopicId);

        var configs = (await cluster.DescribeConfigsAsync(["orders"], Limit()))["orders"];
        var retention = Assert.Single(configs, config => config.Name == "retention.ms");
        Assert.Equal("1234567", retention.Value);
        Assert.False(retention.IsDefault);
        Assert.Equal(["retention.ms"], configs.Where(config => !config.IsDefault).Select(config => config.Name));
    }

    [Fact]
    public async Task B8_a_recreated_topic_has_another_id()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        await using var cluster = Connect(local);
        var before = (await Describe(cluster)).Topics["orders"].TopicId;
        local.RecreateTopic("orders");
        var after = (await Describe(cluster)).Topics["orders"].TopicId;
        Assert.NotNull(before);
        Assert.NotEqual(before, after);
    }

    [Fact]
    public async Task B11_hundreds_of_topics_take_a_few_requests()
    {
        await using var local = LocalCluster.Start();
        for (var i = 0; i < 300; i++)
        {
            local.CreateTopic($"topic-{i:000}", 2);
        }

        await using var cluster = Connect(local);
        await Describe(cluster);
        local.Requests.Clear();
        var description = await Describe(cluster);
        Assert.Equal(300, description.Topics.Count);
        Assert.All(description.Topics.Values, topic => Assert.NotNull(topic.TopicId));
        Assert.InRange(local.Requests.All.Count, 1, 4);
    }

    [Fact]
    public async Task E5_a_created_topic_is_usable_and_has_its_configs()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Brokers = 2 });
        await using var cluster = Connect(local);
        await cluster.CreateTopicsAsync(
            [new NewTopic("restored", 5, 2, new Dictionary<string, string> { ["retention.ms"] = "7654321" })],
            Limit()
        );
        Assert.Equal(5, local.PartitionCount("restored"));
        Assert.Equal("7654321", local.TopicConfigOf("restored")["retention.ms"]);
        using var writer = cluster.OpenWriter(new WriterOptions());
        var reports = new CollectingReports();
        writer.Open(new("restored", 4), 0);
        Send(writer, 0, "first", 7);
        Drain(writer, reports);
        Assert.Empty(reports.Failed);
        Assert.Equal([(0, 7L, 0L)], reports.Delivered);
    }

    [Theory]
    [InlineData("new", 9, null)]
    [InlineData("new", 1, "no.such.config")]
    public async Task E5_a_topic_that_cannot_be_created_is_an_error_that_names_it(string name, int replication, string? config)
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("taken");
        await using var cluster = Connect(local);
        var configs = config is null ? [] : new Dictionary<string, string> { [config] = "1" };
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            cluster.CreateTopicsAsync([new NewTopic(name, 1, replication, configs)], Limit())
        );
        Assert.Equal(nameof(ErrorIds.TopicCreation), error.ErrorId);
        Assert.Contains($"'{name}'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task E5_a_topic_that_was_made_though_its_answer_was_late_or_lost_is_no_other_ones(bool lost)
    {
        await using var local = LocalCluster.Start();
        await using var cluster = Connect(local);
        await cluster.DescribeAsync(Limit());
        var fault = local.Faults.On(ApiKey.CreateTopics).Once();
        fault = lost ? fault.DropAfterHandling() : fault.FailAfterHandling(ErrorCode.RequestTimedOut);

        await cluster.CreateTopicsAsync(
            [new NewTopic("a", 2, 1, new Dictionary<string, string>()), new NewTopic("b", 1, 1, new Dictionary<string, string>())],
            Limit()
        );

        Assert.Equal((1, 2, 1), (fault.Hits, local.PartitionCount("a"), local.PartitionCount("b")));
    }

    [Fact]
    public async Task E5_a_topic_that_somebody_else_made_meanwhile_is_not_taken_for_ours()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("taken");
        await using var cluster = Connect(local);

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            cluster.CreateTopicsAsync([new NewTopic("taken", 1, 1, new Dictionary<string, string>())], Limit())
        );

        Assert.Contains("exists", error.Message, StringComparison.Ordinal);
        Assert.Contains("run again", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task E5_a_topic_that_is_being_deleted_is_waited_for()
    {
        await using var local = LocalCluster.Start();
        await using var cluster = Connect(local);
        await cluster.DescribeAsync(Limit());
        local.Faults.On(ApiKey.CreateTopics).Times(2).Fail(ErrorCode.TopicAlreadyExists);
        NewTopic[] topic = [new NewTopic("again", 2, 1, new Dictionary<string, string>())];

        Assert.Empty(await cluster.FindTopicRefusalsAsync(topic, Limit()));
        local.Faults.On(ApiKey.CreateTopics).Times(2).Fail(ErrorCode.TopicAlreadyExists);
        await cluster.CreateTopicsAsync(topic, Limit());

        Assert.Equal(2, local.PartitionCount("again"));
    }

    [Fact]
    public async Task E5_asking_whether_topics_can_be_created_names_those_that_cannot_and_creates_none()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("taken");
        await using var cluster = Connect(local);

        var refusals = await cluster.FindTopicRefusalsAsync(
            [
                new NewTopic("good", 1, 1, new Dictionary<string, string>()),
                new NewTopic("taken", 1, 1, new Dictionary<string, string>()),
                new NewTopic("odd", 1, 1, new Dictionary<string, string> { ["no.such"] = "1" }),
            ],
            Limit()
        );

        Assert.Equal(["odd", "taken"], refusals.Keys.Order());
        Assert.All(refusals, r => Assert.True(r.Value.IsFirm && r.Value.Reason.Message.Contains($"'{r.Key}'", StringComparison.Ordinal)));
        Assert.Equal(["taken"], local.TopicNames);
    }

    [Fact]
    public async Task E5_a_right_that_is_missing_is_named()
    {
        await using var local = LocalCluster.Start();
        local.Deny(ApiKey.CreateTopics);
        await using var cluster = Connect(local);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            cluster.CreateTopicsAsync([new NewTopic("x", 1, 1, new Dictionary<string, string>())], Limit())
        );
        Assert.Equal(nameof(ErrorIds.ClusterUnauthorized), error.ErrorId);
        Assert.Contains("Create", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task E8_delete_records_empties_partitions()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders", 2);
        local.Append("orders", 0, LocalRecord.Of("a", "1"), LocalRecord.Of("a", "2"), LocalRecord.Of("a", "3"));
        local.Append("orders", 1, LocalRecord.Of("a", "1"));
        await using var cluster = Connect(local);
        await cluster.DeleteRecordsAsync(new Dictionary<TopicPartition, long> { [new("orders", 0)] = 2, [new("orders", 1)] = -1 }, Limit());
        Assert.Equal(2, local.LogStart("orders", 0));
        Assert.Equal(1, local.LogStart("orders", 1));
    }

    [Fact]
    public async Task E8_delete_records_of_a_partition_that_is_not_there_is_an_error()
    {
        await using var local = LocalCluster.Start();
        await using var cluster = Connect(local);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            cluster.DeleteRecordsAsync(new Dictionary<TopicPartition, long> { [new("missing", 0)] = -1 }, Limit())
        );
        Assert.Equal(nameof(ErrorIds.TopicNotFound), error.ErrorId);
    }

    [Fact]
    public async Task E5_a_topic_can_be_deleted()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("gone");
        await using var cluster = Connect(local);
        await cluster.DeleteTopicAsync("gone", Limit());
        Assert.DoesNotContain("gone", local.TopicNames);
        Assert.Equal(
            nameof(ErrorIds.TopicNotFound),
            (await Assert.ThrowsAsync<KafkaBackupException>(() => cluster.DeleteTopicAsync("gone", Limit()))).ErrorId
        );
    }

    [Fact]
    public async Task H1_asking_about_a_topic_never_creates_it()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { AutoCreateTopics = true });
        await using var cluster = Connect(local);
        await Describe(cluster);
        var answers = await cluster.ListOffsetsAsync([new("absent", 0)], OffsetBound.Earliest, Limit());
        Assert.Equal(nameof(ErrorIds.TopicNotFound), answers[new("absent", 0)].Error?.ErrorId);
        using var writer = cluster.OpenWriter(new WriterOptions());
        writer.Open(new("absent", 0), 0);
        writer.Poll(new CollectingReports(), TimeSpan.FromMilliseconds(500));
        Assert.Empty(local.TopicNames);
    }

    /// <summary>Kafka writes ids as the URL-safe base 64 of their sixteen bytes, big end first, without padding.</summary>
    private static string KafkaId(Guid id) =>
        Convert.ToBase64String(id.ToByteArray(bigEndian: true)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
