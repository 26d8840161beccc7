using KafkaBackup.LocalBroker.Groups;
using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class OffsetCommitApi() : Api<OffsetCommitApi.Asked>(ApiKey.OffsetCommit, 1, 8, 8)
{
    internal sealed record Asked(
        string Group,
        int Generation,
        string MemberId,
        string? InstanceId,
        List<(string Name, List<(int Index, CommittedOffset Offset)> Partitions)> Topics
    );

    protected override Asked Read(Request request, WireReader body)
    {
        var version = request.Version;
        var group = body.String();
        request.Log.Resource = group;
        var generation = body.Int32();
        var memberId = body.String();
        var instanceId = version >= 7 ? body.NullableString() : null;
        if (version is >= 2 and <= 4)
            body.Int64();
        var topics = body.Array(t =>
        {
            var name = t.String();
            var partitions = t.Array(p =>
            {
                var index = p.Int32();
                request.Log.Name(name, index);
                var offset = p.Int64();
                var epoch = version >= 6 ? p.Int32() : -1;
                if (version == 1)
                    p.Int64();
                var committed = new CommittedOffset(offset, epoch, p.NullableString());
                p.Tags();
                return (index, committed);
            });
            t.Tags();
            return (name, partitions);
        });
        return new Asked(group, generation, memberId, instanceId, topics);
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        var error = GroupCheck.OfOffsets(request, asked.Group);
        Group? group = null;
        if (error == ErrorCode.None)
        {
            group = asked.Generation < 0 ? request.Cluster.Groups.Enter(asked.Group) : request.Cluster.Groups.Find(asked.Group);
            error =
                group?.CheckCommit(asked.MemberId, asked.InstanceId, asked.Generation, transactional: false) ?? ErrorCode.IllegalGeneration;
        }

        if (request.Version >= 3)
            reply.Int32(0);
        OffsetAnswers.Write(
            reply,
            asked.Topics,
            (topic, index, offset) => error != ErrorCode.None ? error : OffsetAnswers.Keep(request, topic, index, offset, group!.Commit)
        );
        reply.Tags();
    }
}

/// <summary>What plain and transactional commits share: the checks of each partition, and the shape of the answer.</summary>
internal static class OffsetAnswers
{
    public static ErrorCode Keep(
        Request request,
        string topic,
        int index,
        CommittedOffset offset,
        Action<TopicPartition, CommittedOffset> keep
    )
    {
        var refused = Request.First(
            request.FailureOf(topic, index),
            request.DeniedTopic(topic),
            offset.Metadata?.Length > Group.MaxMetadata ? ErrorCode.OffsetMetadataTooLarge : ErrorCode.None,
            request.Cluster.Topics.Find(topic, index) is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.None
        );
        if (refused != ErrorCode.None)
            return refused;
        keep(new TopicPartition(topic, index), offset);
        return request.AnswerFor(topic, index, ErrorCode.None);
    }

    public static void Write<T>(
        WireWriter reply,
        List<(string Name, List<(int Index, T Value)> Partitions)> topics,
        Func<string, int, T, ErrorCode> decide
    ) =>
        reply.Array(
            topics,
            (w, topic) =>
            {
                w.String(topic.Name);
                w.Array(
                    topic.Partitions,
                    (p, partition) =>
                    {
                        p.Int32(partition.Index);
                        p.Error(decide(topic.Name, partition.Index, partition.Value));
                        p.Tags();
                    }
                );
                w.Tags();
            }
        );
}
