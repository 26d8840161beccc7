using Confluent.Kafka;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Demo.Show;

/// <summary>A consumer group that is in the middle of its work, and finds its place in the restored topic.</summary>
internal static class ConsumerActs
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Reads some of every partition in the group, commits, and goes home: where groups stand is part of a backup.</summary>
    public static void ReadSome(Stage stage, int fromEach)
    {
        using var consumer = Open(stage);
        consumer.Subscribe(Stage.Topic);
        var read = new int[Stage.Partitions];
        while (read.Any(count => count < fromEach))
        {
            var record = consumer.Consume(Patience) ?? throw new InvalidOperationException("The consumer group got no records.");
            read[record.Partition.Value]++;
        }

        consumer.Commit();
        consumer.Close();
    }

    public static void MovedOver(Stage stage)
    {
        stage.Screen.Act($"The consumer group '{Stage.Group}' goes on in {Stage.RestoredTopic}");
        using var consumer = Open(stage);
        var rows = new List<object?[]>();
        var right = 0;
        for (var partition = 0; partition < Stage.Partitions; partition++)
        {
            var left = Committed(consumer, Stage.Topic, partition);
            var moved = Committed(consumer, Stage.RestoredTopic, partition);
            var expected = stage.Expected(partition).FirstOrDefault(e => e.Offset >= left);
            var next = moved is null ? null : Next(consumer, partition, moved.Value);
            var same =
                expected is not null
                && next is not null
                && Imprint.Of(next.Message.Key, next.Message.Value, next.Message.Timestamp.UnixTimestampMs, Headers(next))
                    == expected.Imprint;
            right += same ? 1 : 0;
            rows.Add([
                $"{Stage.Topic}/{partition}",
                left,
                $"{Stage.RestoredTopic}/{partition}",
                moved,
                same ? "the same record" : "ANOTHER RECORD",
            ]);
        }

        stage.Screen.Table(["it stood in", "at offset", "it stands in", "at offset", "and reads next"], rows);
        stage.Proofs.Add(
            "the consumer group goes on with the very next record",
            right == Stage.Partitions,
            $"in {right} of {Stage.Partitions} partitions, read with the group's own committed offsets"
        );
    }

    public static string ImprintOf(StoredRecord record) =>
        Imprint.Of(record.Key, record.Value, record.Timestamp, record.Headers.Where(h => !IsAdded(h.Name)));

    private static IConsumer<byte[]?, byte[]?> Open(Stage stage) => new ConsumerBuilder<byte[]?, byte[]?>(
            new ConsumerConfig
            {
                BootstrapServers = stage.Broker.BootstrapServers,
                GroupId = Stage.Group,
                EnableAutoCommit = false,
                AutoOffsetReset = AutoOffsetReset.Earliest,
                IsolationLevel = Confluent.Kafka.IsolationLevel.ReadCommitted,
            }
        ).SetLogHandler((_, _) => { }).Build();

    private static long? Committed(IConsumer<byte[]?, byte[]?> consumer, string topic, int partition)
    {
        var offset = consumer.Committed([new Confluent.Kafka.TopicPartition(topic, partition)], Patience).Single().Offset;
        return offset.IsSpecial ? null : offset.Value;
    }

    private static ConsumeResult<byte[]?, byte[]?>? Next(IConsumer<byte[]?, byte[]?> consumer, int partition, long offset)
    {
        consumer.Assign(new TopicPartitionOffset(Stage.RestoredTopic, partition, offset));
        return consumer.Consume(Patience);
    }

    private static IEnumerable<(string, byte[]?)> Headers(ConsumeResult<byte[]?, byte[]?> record) =>
        record.Message.Headers.Where(h => !IsAdded(h.Key)).Select(h => (h.Key, (byte[]?)h.GetValueBytes()));

    /// <summary>The headers that the restore adds so that offsets can be traced back.</summary>
    private static bool IsAdded(string header) => header.StartsWith("x-original-", StringComparison.Ordinal);
}
