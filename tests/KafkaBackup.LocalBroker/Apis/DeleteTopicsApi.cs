using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class DeleteTopicsApi() : Api<List<(string? Name, Guid Id)>>(ApiKey.DeleteTopics, 1, 6, 4)
{
    protected override List<(string? Name, Guid Id)> Read(Request request, WireReader body)
    {
        var topics =
            request.Version >= 6
                ? body.Array(static t =>
                {
                    var entry = (t.NullableString(), t.Uuid());
                    t.Tags();
                    return entry;
                })
                : body.Array(static t => ((string?)t.String(), Guid.Empty));
        var named = topics.ConvertAll(t => (t.Item1 ?? request.Cluster.Topics.ById(t.Item2)?.Name, t.Item2));
        foreach (var (name, _) in named)
            request.Log.Name(name ?? "");
        return named;
    }

    protected override void Answer(Request request, List<(string? Name, Guid Id)> asked, WireWriter reply)
    {
        reply.Int32(0);
        reply.Array(
            asked,
            (w, topic) =>
            {
                var error = Delete(request, topic.Name);
                w.String(topic.Name);
                if (request.Version >= 6)
                    w.Uuid(topic.Id);
                w.Error(error);
                if (request.Version >= 5)
                    w.String(null);
                w.Tags();
            }
        );
        reply.Tags();
    }

    private static ErrorCode Delete(Request request, string? name)
    {
        if (name is null)
            return ErrorCode.UnknownTopicId;
        var refused = Request.First(request.FailureOf(name), request.DeniedTopic(name));
        if (refused != ErrorCode.None)
            return refused;
        return request.Cluster.Forget(name) ? request.AnswerFor(name, -1, ErrorCode.None) : ErrorCode.UnknownTopicOrPartition;
    }
}
