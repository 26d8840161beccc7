using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.LocalBroker.Tests.Clients;

namespace KafkaBackup.LocalBroker.Tests;

public sealed class AdminTests
{
    [Fact]
    public async Task Topics_are_created_described_and_deleted()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Brokers = 2 });
        using var admin = Admin(cluster);
        await admin.CreateTopicsAsync([
            new TopicSpecification
            {
                Name = "t",
                NumPartitions = 3,
                ReplicationFactor = 2,
                Configs = new() { ["retention.ms"] = "1000" },
            },
        ]);
        var topic = admin.GetMetadata("t", Patience).Topics.Single();
        Assert.Equal(3, topic.Partitions.Count);
        Assert.All(topic.Partitions, p => Assert.Equal(2, p.Replicas.Length));
        var described = await admin.DescribeTopicsAsync(TopicCollection.OfTopicNames(["t"]));
        Assert.Equal(cluster.TopicId("t").ToString("N"), HexOf(described.TopicDescriptions.Single().TopicId));
        await admin.DeleteTopicsAsync(["t"]);
        Assert.Empty(cluster.TopicNames);

        static string HexOf(Uuid id)
        {
            Span<byte> bytes = stackalloc byte[16];
            System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(bytes, id.MostSignificantBits);
            System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(bytes[8..], id.LeastSignificantBits);
            return Convert.ToHexString(bytes).ToLowerInvariant();
        }
    }

    [Theory]
    [InlineData("exists", 1, 1, null, Confluent.Kafka.ErrorCode.TopicAlreadyExists)]
    [InlineData("no/slash", 1, 1, null, Confluent.Kafka.ErrorCode.TopicException)]
    [InlineData("factor", 1, 3, null, Confluent.Kafka.ErrorCode.InvalidReplicationFactor)]
    [InlineData("config", 1, 1, "no.such.thing", Confluent.Kafka.ErrorCode.InvalidConfig)]
    public async Task A_topic_that_cannot_be_is_refused(
        string name,
        int partitions,
        short factor,
        string? config,
        Confluent.Kafka.ErrorCode expected
    )
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("exists");
        using var admin = Admin(cluster);
        var wanted = new TopicSpecification
        {
            Name = name,
            NumPartitions = partitions,
            ReplicationFactor = factor,
            Configs = config is null ? [] : new() { [config] = "1" },
        };
        var error = await Assert.ThrowsAsync<CreateTopicsException>(() => admin.CreateTopicsAsync([wanted]));
        Assert.Equal(expected, error.Results.Single().Error.Code);
        Assert.Equal(["exists"], cluster.TopicNames);
    }

    [Fact]
    public async Task Validation_alone_creates_nothing()
    {
        await using var cluster = LocalCluster.Start();
        using var admin = Admin(cluster);
        await admin.CreateTopicsAsync(
            [
                new TopicSpecification
                {
                    Name = "t",
                    NumPartitions = 1,
                    ReplicationFactor = 1,
                },
            ],
            new CreateTopicsOptions { ValidateOnly = true }
        );
        Assert.Empty(cluster.TopicNames);
    }

    [Fact]
    public async Task Deleting_an_unknown_topic_is_an_error()
    {
        await using var cluster = LocalCluster.Start();
        using var admin = Admin(cluster);
        var error = await Assert.ThrowsAsync<DeleteTopicsException>(() => admin.DeleteTopicsAsync(["absent"]));
        Assert.Equal(Confluent.Kafka.ErrorCode.UnknownTopicOrPart, error.Results.Single().Error.Code);
    }

    [Fact]
    public async Task Partitions_are_added_never_removed()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 2);
        using var admin = Admin(cluster);
        await admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = "t", IncreaseTo = 5 }]);
        Assert.Equal(5, cluster.PartitionCount("t"));
        var error = await Assert.ThrowsAsync<CreatePartitionsException>(() =>
            admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = "t", IncreaseTo = 3 }])
        );
        Assert.Equal(Confluent.Kafka.ErrorCode.InvalidPartitions, error.Results.Single().Error.Code);
    }

    [Fact]
    public async Task Settings_are_described_with_their_source()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 1, new Dictionary<string, string> { ["cleanup.policy"] = "compact" });
        using var admin = Admin(cluster);
        var described = await admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Topic, Name = "t" }]);
        var entries = described.Single().Entries;
        Assert.Equal(("compact", false), (entries["cleanup.policy"].Value, entries["cleanup.policy"].IsDefault));
        Assert.Equal(ConfigSource.DynamicTopicConfig, entries["cleanup.policy"].Source);
        Assert.Equal(("604800000", true), (entries["retention.ms"].Value, entries["retention.ms"].IsDefault));
    }

    [Fact]
    public async Task Settings_are_altered_one_by_one_or_all_at_once()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 1, new Dictionary<string, string> { ["retention.ms"] = "1", ["segment.ms"] = "5" });
        using var admin = Admin(cluster);
        var resource = new ConfigResource { Type = ResourceType.Topic, Name = "t" };
        await admin.IncrementalAlterConfigsAsync(
            new Dictionary<ConfigResource, List<ConfigEntry>>
            {
                [resource] =
                [
                    new ConfigEntry
                    {
                        Name = "max.message.bytes",
                        Value = "5000",
                        IncrementalOperation = AlterConfigOpType.Set,
                    },
                    new ConfigEntry { Name = "segment.ms", IncrementalOperation = AlterConfigOpType.Delete },
                    new ConfigEntry
                    {
                        Name = "cleanup.policy",
                        Value = "compact",
                        IncrementalOperation = AlterConfigOpType.Append,
                    },
                ],
            }
        );
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["retention.ms"] = "1",
                ["max.message.bytes"] = "5000",
                ["cleanup.policy"] = "delete,compact",
            },
            cluster.TopicConfigOf("t")
        );
        await admin.AlterConfigsAsync(
            new Dictionary<ConfigResource, List<ConfigEntry>> { [resource] = [new ConfigEntry { Name = "retention.ms", Value = "2" }] }
        );
        Assert.Equal(new Dictionary<string, string> { ["retention.ms"] = "2" }, cluster.TopicConfigOf("t"));
    }

    [Fact]
    public async Task Records_are_deleted_up_to_an_offset()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 2);
        cluster.Append("t", 0, Numbered(10));
        cluster.Append("t", 1, Numbered(4));
        using var admin = Admin(cluster);
        var results = await admin.DeleteRecordsAsync([new TopicPartitionOffset("t", 0, 6), new TopicPartitionOffset("t", 1, Offset.End)]);
        Assert.Equal([6L, 4L], results.Select(r => r.Offset.Value));
        Assert.Equal((6L, 4L), (cluster.LogStart("t", 0), cluster.LogStart("t", 1)));
        var error = await Assert.ThrowsAsync<DeleteRecordsException>(() =>
            admin.DeleteRecordsAsync([new TopicPartitionOffset("t", 0, 99)])
        );
        Assert.Equal(Confluent.Kafka.ErrorCode.OffsetOutOfRange, error.Results.Single().Error.Code);
    }

    [Fact]
    public async Task Offsets_are_listed_for_many_partitions_at_once()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Brokers = 2 });
        cluster.CreateTopic("t", 50);
        cluster.Append("t", 49, LocalRecord.Of("k", "a", 100), LocalRecord.Of("k", "b", 900), LocalRecord.Of("k", "c", 300));
        using var admin = Admin(cluster);
        var latest = await admin.ListOffsetsAsync(Enumerable.Range(0, 50).Select(p => Spec(p, OffsetSpec.Latest())));
        Assert.Equal(3, latest.ResultInfos.Sum(r => r.TopicPartitionOffsetError.Offset.Value));
        var newest = await admin.ListOffsetsAsync([Spec(49, OffsetSpec.MaxTimestamp())]);
        Assert.Equal((1L, 900L), (newest.ResultInfos[0].TopicPartitionOffsetError.Offset.Value, newest.ResultInfos[0].Timestamp));
        var timed = await admin.ListOffsetsAsync([Spec(49, OffsetSpec.ForTimestamp(200))]);
        Assert.Equal(1, timed.ResultInfos[0].TopicPartitionOffsetError.Offset.Value);

        static TopicPartitionOffsetSpec Spec(int partition, OffsetSpec spec) =>
            new() { TopicPartition = new Confluent.Kafka.TopicPartition("t", partition), OffsetSpec = spec };
    }

    [Fact]
    public async Task The_cluster_describes_itself()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Brokers = 3 });
        using var admin = Admin(cluster);
        var described = await admin.DescribeClusterAsync();
        Assert.Equal(cluster.ClusterId, described.ClusterId);
        Assert.Equal([1, 2, 3], described.Nodes.Select(n => n.Id).Order());
    }
}
