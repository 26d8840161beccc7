using Testcontainers.Kafka;

namespace KafkaBackup.Engine.Tests.Scenarios;

/// <summary>One Apache Kafka in Docker for the whole test run, removed by Testcontainers at its end. Compiled only with -p:UseTestcontainers=true.</summary>
internal static class ContainerCluster
{
    public static Lazy<Task<string>> BootstrapServers { get; } = new(async () =>
    {
        var container = new KafkaBuilder("apache/kafka:3.9.1").Build();
        await container.StartAsync();
        return new Uri(container.GetBootstrapAddress()).Authority;
    });
}
