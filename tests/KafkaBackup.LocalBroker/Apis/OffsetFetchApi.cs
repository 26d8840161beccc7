using KafkaBackup.LocalBroker.Groups;
using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class OffsetFetchApi() : Api<OffsetFetchApi.Asked>(ApiKey.OffsetFetch, 1, 8, 6)
{
    internal sealed record Asked(List<AskedGroup> Groups, bool RequireStable);

    internal sealed record AskedGroup(string Group, List<(string Name, List<int> Partitions)>? Topics);

    protected override Asked Read(Request request, WireReader body)
    {
        var groups =
            request.Version >= 8
                ? body.Array(g =>
                {
                    var group = new AskedGroup(g.String(), ReadTopics(request, g));
                    g.Tags();
                    return group;
                })
                : [new AskedGroup(body.String(), ReadTopics(request, body))];
        request.Log.Resource = string.Join(',', groups.Select(g => g.Group));
        return new Asked(groups, request.Version >= 7 && body.Bool());
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        var version = request.Version;
        if (version >= 3)
            reply.Int32(0);
        if (version >= 8)
        {
            reply.Array(
                asked.Groups,
                (w, group) =>
                {
                    w.String(group.Group);
                    w.Error(WriteGroup(request, w, group, asked.RequireStable));
                    w.Tags();
                }
            );
        }
        else
        {
            var error = WriteGroup(request, reply, asked.Groups[0], asked.RequireStable);
            if (version >= 2)
                reply.Error(error);
        }

        reply.Tags();
    }

    private static List<(string Name, List<int> Partitions)>? ReadTopics(Request request, WireReader body) =>
        body.NullableArray(t =>
        {
            var name = t.String();
            var partitions = t.Array(static p => p.Int32());
            foreach (var partition in partitions)
                request.Log.Name(name, partition);
            t.Tags();
            return (name, partitions);
        });

    /// <summary>Writes a group's topics and answers with the error that belongs to the group as a whole.</summary>
    private static ErrorCode WriteGroup(Request request, WireWriter w, AskedGroup asked, bool requireStable)
    {
        var error = GroupCheck.OfOffsets(request, asked.Group);
        var group = error == ErrorCode.None ? request.Cluster.Groups.Find(asked.Group) : null;
        var offsets = group?.Offsets() ?? new Dictionary<TopicPartition, CommittedOffset>();
        var unstable = requireStable ? group?.Unstable() : null;
        var topics =
            asked.Topics ?? [.. offsets.Keys.GroupBy(p => p.Topic).Select(t => (t.Key, t.Select(p => p.Partition).Order().ToList()))];
        w.Array(
            error == ErrorCode.None || request.Version < 2 ? topics : [],
            (t, topic) =>
            {
                t.String(topic.Name);
                t.Array(
                    topic.Partitions,
                    (p, index) =>
                    {
                        var partition = new TopicPartition(topic.Name, index);
                        var refused = Request.First(
                            error,
                            request.FailureOf(topic.Name, index),
                            request.DeniedTopic(topic.Name),
                            unstable?.Contains(partition) == true ? ErrorCode.UnstableOffsetCommit : ErrorCode.None
                        );
                        var committed = refused == ErrorCode.None ? offsets.GetValueOrDefault(partition) : null;
                        p.Int32(index);
                        p.Int64(committed?.Offset ?? -1);
                        if (request.Version >= 5)
                            p.Int32(committed?.LeaderEpoch ?? -1);
                        p.String(committed is null ? "" : committed.Metadata);
                        p.Error(refused);
                        p.Tags();
                    }
                );
                t.Tags();
            }
        );
        return error;
    }
}
