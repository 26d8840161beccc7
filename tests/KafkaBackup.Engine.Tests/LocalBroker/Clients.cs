using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaBackup.LocalBroker;
using Xunit;

namespace KafkaBackup.LocalBroker.Tests;

/// <summary>Real clients, set up for tests against a local cluster: quick to notice, slow to give up.</summary>
internal static class Clients
{
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    public static IProducer<byte[]?, byte[]?> Producer(LocalCluster cluster, Action<ProducerConfig>? set = null)
    {
        var config = new ProducerConfig
        {
            BootstrapServers = cluster.BootstrapServers,
            LingerMs = 1,
            MessageTimeoutMs = 15000,
            RetryBackoffMs = 20,
            ReconnectBackoffMs = 20,
        };
        set?.Invoke(config);
        return new ProducerBuilder<byte[]?, byte[]?>(config)
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, _) => { })
            .SetKeySerializer(Serializers.ByteArray)
            .SetValueSerializer(Serializers.ByteArray)
            .Build();
    }

    public static IConsumer<byte[]?, byte[]?> Consumer(LocalCluster cluster, Action<ConsumerConfig>? set = null)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = cluster.BootstrapServers,
            GroupId = "g-" + Guid.NewGuid().ToString("N"),
            EnableAutoCommit = false,
            EnablePartitionEof = true,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            FetchWaitMaxMs = 20,
            CheckCrcs = true,
            ReconnectBackoffMs = 20,
            IsolationLevel = Confluent.Kafka.IsolationLevel.ReadUncommitted,
        };
        set?.Invoke(config);
        return new ConsumerBuilder<byte[]?, byte[]?>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
    }

    public static IAdminClient Admin(LocalCluster cluster, Action<AdminClientConfig>? set = null)
    {
        var config = new AdminClientConfig
        {
            BootstrapServers = cluster.BootstrapServers,
            SocketTimeoutMs = 10000,
            ReconnectBackoffMs = 20,
        };
        set?.Invoke(config);
        return new AdminClientBuilder(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
    }

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static string? Text(byte[]? bytes) => bytes is null ? null : Encoding.UTF8.GetString(bytes);

    public static Message<byte[]?, byte[]?> Message(string? key, string? value) =>
        new() { Key = key is null ? null : Bytes(key), Value = value is null ? null : Bytes(value) };

    public static void ProduceAll(IProducer<byte[]?, byte[]?> producer, string topic, int partition, IEnumerable<string?> values)
    {
        foreach (var value in values)
            producer.Produce(new Confluent.Kafka.TopicPartition(topic, partition), Message("k", value));
        Assert.Equal(0, producer.Flush(Patience));
    }

    /// <summary>Reads a partition from an offset to its end.</summary>
    public static List<ConsumeResult<byte[]?, byte[]?>> ReadAll(
        LocalCluster cluster,
        string topic,
        int partition = 0,
        long from = 0,
        Action<ConsumerConfig>? set = null
    )
    {
        using var consumer = Consumer(cluster, set);
        consumer.Assign(new TopicPartitionOffset(topic, partition, from));
        return ReadToEnd(consumer);
    }

    public static List<ConsumeResult<byte[]?, byte[]?>> ReadToEnd(IConsumer<byte[]?, byte[]?> consumer)
    {
        var records = new List<ConsumeResult<byte[]?, byte[]?>>();
        while (true)
        {
            var result = consumer.Consume(Patience) ?? throw new TimeoutException("the partition's end was not reached");
            if (result.IsPartitionEOF)
                return records;
            records.Add(result);
        }
    }

    public static List<string?> Values(IEnumerable<ConsumeResult<byte[]?, byte[]?>> records) =>
        [.. records.Select(r => Text(r.Message.Value))];

    public static LocalRecord[] Numbered(int count, long firstTimestamp = 1_700_000_000_000, string prefix = "v") =>
        [.. Enumerable.Range(0, count).Select(i => LocalRecord.Of("k" + i, prefix + i, firstTimestamp + i))];

    public static async Task Eventually(Func<bool> holds)
    {
        for (var i = 0; i < 400; i++)
        {
            if (holds())
                return;
            await Task.Delay(25);
        }

        Assert.Fail("what was waited for did not happen in ten seconds");
    }
}
