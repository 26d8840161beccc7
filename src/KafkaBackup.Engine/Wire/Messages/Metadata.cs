using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>Brokers, topics, partitions and their leaders. Topic ids come from version 10 on.</summary>
internal sealed class MetadataRequest : WireRequest<MetadataResponse>
{
    public static readonly WireApi Definition = new(ApiKey.Metadata, 0, 12, 9, 6);

    /// <summary>Null asks for all topics, an empty list for none: the brokers only.</summary>
    public IReadOnlyCollection<string>? Topics { get; init; }

    public bool AllowTopicCreation { get; init; }

    public bool TopicRights { get; init; }

    public override WireApi Api => Definition;

    /// <summary>Version 0 cannot ask for no topics, and up to version 3 a broker may create what it is asked for.</summary>
    public override short LeastVersion =>
        Topics is { Count: 0 } ? (short)1
        : Topics is not null && !AllowTopicCreation ? (short)4
        : (short)0;

    public override void Write(WireWriter writer)
    {
        var version = writer.Version;
        writer.Array(
            version == 0 ? Topics ?? [] : Topics,
            static (w, name) =>
            {
                if (w.Version >= 10)
                {
                    w.Uuid(Guid.Empty);
                }

                w.String(name);
                w.Tags();
            }
        );
        if (version >= 4)
        {
            writer.Bool(AllowTopicCreation);
        }

        if (version is >= 8 and <= 10)
        {
            writer.Bool(false); // the cluster's rights
        }

        if (version >= 8)
        {
            writer.Bool(TopicRights);
        }

        writer.Tags();
    }

    public override MetadataResponse Read(ref WireReader reader)
    {
        var version = reader.Version;
        var throttle = version >= 3 ? reader.Milliseconds("throttle_time_ms") : TimeSpan.Zero;
        var brokers = reader.Array(
            "brokers",
            10,
            (ref WireReader r) =>
            {
                var id = r.Int32("node_id");
                var host = r.String("host");
                var port = r.Int32("port");
                var rack = r.Version >= 1 ? r.NullableString("rack") : null;
                r.SkipTags();
                return new MetadataBroker(id, host, port, rack);
            }
        );
        var cluster = version >= 2 ? reader.NullableString("cluster_id") : null;
        var controller = version >= 1 ? reader.Int32("controller_id") : -1;
        var topics = reader.Array("topics", 6, ReadTopic);
        if (version is >= 8 and <= 10)
        {
            reader.Int32("cluster_authorized_operations");
        }

        reader.SkipTags();
        return new MetadataResponse(throttle, brokers, cluster, controller, topics);
    }

    private static MetadataTopic ReadTopic(ref WireReader reader)
    {
        var version = reader.Version;
        var error = reader.Error();
        var name = version >= 12 ? reader.NullableString("name") : reader.String("name");
        var id = version >= 10 ? reader.Uuid("topic_id") : Guid.Empty;
        var isInternal = version >= 1 && reader.Bool("is_internal");
        var partitions = reader.Array("partitions", 12, ReadPartition);
        var rights = version >= 8 ? reader.Int32("topic_authorized_operations") : int.MinValue;
        reader.SkipTags();
        return new MetadataTopic(error, name, id, isInternal, partitions, rights);
    }

    private static MetadataPartition ReadPartition(ref WireReader reader)
    {
        var version = reader.Version;
        var error = reader.Error();
        var index = reader.Int32("partition_index");
        var leader = reader.Int32("leader_id");
        var epoch = version >= 7 ? reader.Int32("leader_epoch") : -1;
        var replicas = reader.Int32Array("replica_nodes");
        var inSync = reader.Int32Array("isr_nodes");
        var offline = version >= 5 ? reader.Int32Array("offline_replicas") : [];
        reader.SkipTags();
        return new MetadataPartition(error, index, leader, epoch, replicas, inSync, offline);
    }
}

internal sealed record MetadataResponse(
    TimeSpan ThrottleTime,
    IReadOnlyList<MetadataBroker> Brokers,
    string? ClusterId,
    int ControllerId,
    IReadOnlyList<MetadataTopic> Topics
) : IWireAnswer;

internal readonly record struct MetadataBroker(int Id, string Host, int Port, string? Rack);

/// <param name="Id">Empty when the version or the broker knows no topic ids.</param>
/// <param name="Rights">A bit for each of Kafka's operations; <see cref="int.MinValue"/> when it was not asked for or is not known.</param>
internal sealed record MetadataTopic(
    WireErrorCode Error,
    string? Name,
    Guid Id,
    bool IsInternal,
    IReadOnlyList<MetadataPartition> Partitions,
    int Rights
);

internal readonly record struct MetadataPartition(
    WireErrorCode Error,
    int Index,
    int Leader,
    int LeaderEpoch,
    IReadOnlyList<int> Replicas,
    IReadOnlyList<int> InSync,
    IReadOnlyList<int> Offline
);
