using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>The request for brokers and topics, and the reading of its answer.</summary>
internal static unsafe class MetadataRequest
{
    private const int TimeoutMs = 30_000;

    /// <summary>Brokers and all topics. Blocks.</summary>
    public static (ClusterDescription? Cluster, NativeError? Error) Ask(nint client) => Ask(client, TimeoutMs);

    public static (ClusterDescription? Cluster, NativeError? Error) Ask(nint client, int timeoutMs)
    {
        NativeMetadata* metadata;
        var code = LibRdKafka.rd_kafka_metadata(client, 1, 0, &metadata, timeoutMs);
        if (code != 0)
        {
            return (null, NativeError.From(code));
        }

        try
        {
            var topics = new Dictionary<string, TopicDescription>(StringComparer.Ordinal);
            for (var i = 0; i < metadata->TopicCount; i++)
            {
                var topic = ReadTopic(&metadata->Topics[i]);
                topics[topic.Name] = topic;
            }

            var brokers = new int[metadata->BrokerCount];
            for (var i = 0; i < brokers.Length; i++)
            {
                brokers[i] = metadata->Brokers[i].Id;
            }

            Array.Sort(brokers);
            return (new ClusterDescription(ReadClusterId(client), brokers, topics), null);
        }
        finally
        {
            LibRdKafka.rd_kafka_metadata_destroy(metadata);
        }
    }

    private static TopicDescription ReadTopic(NativeMetadataTopic* topic)
    {
        var name = LibRdKafka.Text(topic->Name);
        var partitions = new PartitionDescription[topic->PartitionCount];
        var replicas = 0;
        for (var i = 0; i < partitions.Length; i++)
        {
            partitions[i] = new PartitionDescription(topic->Partitions[i].Id, topic->Partitions[i].Leader);
            replicas = Math.Max(replicas, topic->Partitions[i].ReplicaCount);
        }

        Array.Sort(partitions, (left, right) => left.Partition.CompareTo(right.Partition));
        var error = topic->Err is 0 or (int)ErrorCode.LeaderNotAvailable ? null : LibRdKafka.ErrorText(topic->Err);
        return new TopicDescription(name, null, name.StartsWith("__", StringComparison.Ordinal), replicas, partitions, error);
    }

    /// <summary>Known from the metadata just received, so there is nothing to wait for.</summary>
    private static string? ReadClusterId(nint client)
    {
        var id = LibRdKafka.rd_kafka_clusterid(client, 0);
        if (id is null)
        {
            return null;
        }

        var text = LibRdKafka.Text(id);
        LibRdKafka.rd_kafka_mem_free(client, id);
        return text;
    }
}
