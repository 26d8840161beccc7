using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class OffsetDeleteApi() : Api<OffsetDeleteApi.Asked>(ApiKey.OffsetDelete, 0, 0, Never)
{
    internal sealed record Asked(string Group, List<(string Name, List<(int Index, int Unused)> Partitions)> Topics);

    protected override Asked Read(Request request, WireReader body)
    {
        var group = body.String();
        request.Log.Resource = group;
        return new Asked(
            group,
            body.Array(t =>
            {
                var name = t.String();
                var partitions = t.Array(p =>
                {
                    var index = p.Int32();
                    request.Log.Name(name, index);
                    return (index, 0);
                });
                return (name, partitions);
            })
        );
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        var error = GroupCheck.Of(request, asked.Group);
        var group = request.Cluster.Groups.Find(asked.Group);
        if (error == ErrorCode.None && group is null)
            error = ErrorCode.GroupIdNotFound;
        reply.Error(error);
        reply.Int32(0);
        OffsetAnswers.Write(
            reply,
            error == ErrorCode.None ? asked.Topics : [],
            (topic, index, _) =>
            {
                var refused = Request.First(request.FailureOf(topic, index), request.DeniedTopic(topic), group!.CheckDelete(topic));
                if (refused != ErrorCode.None)
                    return refused;
                group.Delete(new TopicPartition(topic, index));
                return request.AnswerFor(topic, index, ErrorCode.None);
            }
        );
    }
}
