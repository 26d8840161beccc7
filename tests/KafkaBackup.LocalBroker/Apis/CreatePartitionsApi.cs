using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class CreatePartitionsApi() : Api<CreatePartitionsApi.Asked>(ApiKey.CreatePartitions, 0, 3, 2)
{
    internal sealed record Asked(List<(string Name, int Count)> Topics, bool ValidateOnly);

    protected override Asked Read(Request request, WireReader body)
    {
        var topics = body.Array(t =>
        {
            var entry = (t.String(), t.Int32());
            request.Log.Name(entry.Item1);
            t.NullableArray(static a =>
            {
                a.Array(static b => b.Int32());
                a.Tags();
                return 0;
            });
            t.Tags();
            return entry;
        });
        body.Int32();
        return new Asked(topics, request.Log.OnlyValidates = body.Bool());
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        reply.Int32(0);
        reply.Array(
            asked.Topics,
            (w, topic) =>
            {
                var (error, message) = Grow(request, topic.Name, topic.Count, asked.ValidateOnly);
                w.String(topic.Name);
                w.Error(error);
                w.String(message);
                w.Tags();
            }
        );
        reply.Tags();
    }

    private static (ErrorCode Error, string? Message) Grow(Request request, string name, int count, bool validateOnly)
    {
        var refused = Request.First(request.FailureOf(name), request.DeniedTopic(name));
        if (refused != ErrorCode.None)
            return (refused, null);
        if (!request.Cluster.Topics.TryGet(name, out var topic))
            return (ErrorCode.UnknownTopicOrPartition, "The topic does not exist.");
        if (count <= topic.Partitions.Count)
            return (
                ErrorCode.InvalidPartitions,
                $"Topic currently has {topic.Partitions.Count} partitions, which is not less than the requested {count}."
            );
        if (!validateOnly)
            request.Cluster.Topics.Grow(topic, count);
        return (request.AnswerFor(name, -1, ErrorCode.None), null);
    }
}
