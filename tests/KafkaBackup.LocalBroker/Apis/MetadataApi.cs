using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Topics;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class MetadataApi() : Api<MetadataApi.Asked>(ApiKey.Metadata, 0, 12, 9)
{
    private const int NotAskedFor = int.MinValue;

    internal sealed record Asked(List<(Guid Id, string? Name)>? Topics, bool AllowCreate, bool WithRights);

    protected override Asked Read(Request request, WireReader body)
    {
        var topics = body.NullableArray(r =>
        {
            var id = request.Version >= 10 ? r.Uuid() : Guid.Empty;
            var name = request.Version >= 10 ? r.NullableString() : r.String();
            r.Tags();
            return (id, name);
        });
        if (request.Version == 0 && topics is { Count: 0 })
            topics = null;
        foreach (var (_, name) in topics ?? [])
            request.Log.Name(name ?? "");
        var allowCreate = request.Version < 4 || body.Bool();
        if (request.Version is >= 8 and <= 10)
            body.Bool(); // the cluster's rights
        return new Asked(topics, allowCreate, request.Version >= 8 && body.Bool());
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        var cluster = request.Cluster;
        var version = request.Version;
        if (version >= 3)
            reply.Int32(0);
        reply.Array(
            [.. cluster.BrokerNodes],
            (w, node) =>
            {
                w.Int32(node.Id);
                w.String("127.0.0.1");
                w.Int32(node.Port);
                if (version >= 1)
                    w.String(cluster.Options.Racks.GetValueOrDefault(node.Id));
                w.Tags();
            }
        );
        if (version >= 2)
            reply.String(cluster.ClusterId);
        if (version >= 1)
            reply.Int32(cluster.Controller);
        reply.Array(
            Topics(request, asked),
            (w, topic) =>
                WriteTopic(
                    w,
                    topic,
                    version,
                    cluster.AliveBrokers,
                    asked.WithRights && topic.Name is { } name ? Rights(request, name) : NotAskedFor
                )
        );
        if (version is >= 8 and <= 10)
            reply.Int32(NotAskedFor);
        reply.Tags();
    }

    private static List<Answered> Topics(Request request, Asked asked)
    {
        var store = request.Cluster.Topics;
        if (asked.Topics is null)
            return
            [
                .. store
                    .All.Where(t => !request.Cluster.KnowsNoTopics && request.DeniedTopic(t.Name) == ErrorCode.None)
                    .Select(t => new Answered(t.Name, t.Id, t, request.Failure)),
            ];
        return [.. asked.Topics.Select(t => t.Name is { } name ? ByName(request, name, asked.AllowCreate) : ById(request, t.Id))];
    }

    private static Answered ByName(Request request, string name, bool allowCreate)
    {
        var cluster = request.Cluster;
        var refused = Request.First(request.FailureOf(name), request.DeniedTopic(name));
        if (refused != ErrorCode.None)
            return new Answered(name, Guid.Empty, null, refused);
        if (cluster.KnowsNoTopics)
            return new Answered(name, Guid.Empty, null, ErrorCode.UnknownTopicOrPartition);
        if (!TopicStore.IsLegalName(name))
            return new Answered(name, Guid.Empty, null, ErrorCode.InvalidTopic);
        if (!cluster.Topics.TryGet(name, out var topic) && allowCreate && cluster.Options.AutoCreateTopics)
            topic = cluster.Topics.Create(new NewTopic(name, cluster.Options.AutoCreatePartitions, 1, [])).Topic;
        return new Answered(name, topic?.Id ?? Guid.Empty, topic, topic is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.None);
    }

    private static Answered ById(Request request, Guid id)
    {
        var topic = request.Cluster.Topics.ById(id);
        return new Answered(topic?.Name, id, topic, topic is null ? ErrorCode.UnknownTopicId : request.DeniedTopic(topic.Name));
    }

    private static void WriteTopic(WireWriter w, Answered topic, short version, IReadOnlyList<int> alive, int rights)
    {
        w.Error(topic.Error);
        w.String(version >= 12 ? topic.Name : topic.Name ?? "");
        if (version >= 10)
            w.Uuid(topic.Id);
        if (version >= 1)
            w.Bool(topic.Topic?.IsInternal ?? false);
        w.Array(
            topic.Error == ErrorCode.None ? topic.Topic!.Partitions : [],
            (p, partition) => WritePartition(p, partition, version, alive)
        );
        if (version >= 8)
            w.Int32(rights);
        w.Tags();
    }

    /// <summary>A bit for each operation of Kafka's ACLs that no denial of the requests behind it forbids.</summary>
    private static int Rights(Request request, string topic)
    {
        (int Operation, ApiKey Api)[] operations =
        [
            (3, ApiKey.Fetch),
            (4, ApiKey.Produce),
            (5, ApiKey.CreateTopics),
            (6, ApiKey.DeleteRecords),
            (7, ApiKey.CreatePartitions),
            (8, ApiKey.Metadata),
            (10, ApiKey.DescribeConfigs),
            (11, ApiKey.AlterConfigs),
        ];
        return operations.Where(o => request.MaySend(o.Api, topic)).Sum(o => 1 << o.Operation);
    }

    private static void WritePartition(WireWriter w, Partition partition, short version, IReadOnlyList<int> alive)
    {
        var leader = partition.Leader;
        w.Error(leader < 0 ? ErrorCode.LeaderNotAvailable : ErrorCode.None);
        w.Int32(partition.Index);
        w.Int32(leader);
        if (version >= 7)
            w.Int32(partition.LeaderEpoch);
        w.Int32Array(partition.Replicas);
        w.Int32Array([.. partition.Replicas.Where(alive.Contains)]);
        if (version >= 5)
            w.Int32Array([.. partition.Replicas.Where(r => !alive.Contains(r))]);
        w.Tags();
    }

    private sealed record Answered(string? Name, Guid Id, Topic? Topic, ErrorCode Error);
}
