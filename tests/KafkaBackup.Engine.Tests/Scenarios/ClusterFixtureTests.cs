using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace KafkaBackup.Engine.Tests.Scenarios;

/// <summary>Whatever cluster the scenarios are pointed at, a plain client can work with it.</summary>
public sealed class ClusterFixtureTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task The_cluster_keeps_what_a_client_writes()
    {
        using var limit = new CancellationTokenSource(Patience);
        var topic = ClusterFixture.NewName("plain");
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = cluster.BootstrapServers }).Build();
        await admin
            .CreateTopicsAsync([
                new TopicSpecification
                {
                    Name = topic,
                    NumPartitions = 1,
                    ReplicationFactor = 1,
                },
            ])
            .WaitAsync(limit.Token);
        try
        {
            using var producer = new ProducerBuilder<string, string>(
                new ProducerConfig { BootstrapServers = cluster.BootstrapServers, EnableIdempotence = true }
            ).Build();
            for (var number = 0; number < 5; number++)
                await producer.ProduceAsync(
                    new Confluent.Kafka.TopicPartition(topic, 0),
                    new Message<string, string> { Key = "k", Value = $"v{number}" },
                    limit.Token
                );

            using var consumer = new ConsumerBuilder<string, string>(
                new ConsumerConfig
                {
                    BootstrapServers = cluster.BootstrapServers,
                    GroupId = topic,
                    EnableAutoCommit = false,
                }
            ).Build();
            consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
            var values = Enumerable.Range(0, 5).Select(_ => consumer.Consume(limit.Token).Message.Value).ToList();
            Assert.Equal(["v0", "v1", "v2", "v3", "v4"], values);
        }
        finally
        {
            await admin.DeleteTopicsAsync([topic]);
        }
    }

    [Fact]
    public void The_variable_decides_where_scenarios_run()
    {
        var named = Environment.GetEnvironmentVariable(ClusterFixture.Variable);
        if (string.IsNullOrEmpty(named))
            Assert.NotEmpty(cluster.BootstrapServers);
        else
            Assert.Equal((named, false), (cluster.BootstrapServers, cluster.IsLocal));
    }
}
