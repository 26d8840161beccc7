using Testcontainers.Kafka;

namespace KafkaBackup.Engine.Tests.Scenarios;

/// <summary>
/// One Apache Kafka in Docker for the whole test run, removed by Testcontainers at its end. Compiled only with -p:UseTestcontainers=true.
/// </summary>
internal static class ContainerCluster
{
    private static readonly string Image = Environment.GetEnvironmentVariable("KAFKABACKUP_TEST_KAFKA_IMAGE") is { Length: > 0 } image
        ? image
        : "apache/kafka:3.9.1";

    public static Lazy<Task<string>> BootstrapServers { get; } =
        new(async () =>
        {
            var container = new KafkaBuilder(Image).Build();
            await container.StartAsync();
            return new Uri(container.GetBootstrapAddress()).Authority;
        });
}
