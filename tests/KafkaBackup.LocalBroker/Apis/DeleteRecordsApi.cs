using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class DeleteRecordsApi()
    : Api<List<(string Name, List<(int Index, long Offset)> Partitions)>>(ApiKey.DeleteRecords, 0, 2, 2)
{
    private const long ToTheEnd = -1;

    protected override List<(string Name, List<(int Index, long Offset)> Partitions)> Read(Request request, WireReader body) =>
        body.Array(t =>
        {
            var name = t.String();
            var partitions = t.Array(p =>
            {
                var entry = (p.Int32(), p.Int64());
                request.Log.Name(name, entry.Item1);
                p.Tags();
                return entry;
            });
            t.Tags();
            return (name, partitions);
        });

    protected override void Answer(Request request, List<(string Name, List<(int Index, long Offset)> Partitions)> asked, WireWriter reply)
    {
        reply.Int32(0);
        reply.Array(
            asked,
            (w, topic) =>
            {
                w.String(topic.Name);
                w.Array(
                    topic.Partitions,
                    (p, partition) =>
                    {
                        var (error, low) = Delete(request, topic.Name, partition.Index, partition.Offset);
                        p.Int32(partition.Index);
                        p.Int64(low);
                        p.Error(error);
                        p.Tags();
                    }
                );
                w.Tags();
            }
        );
        reply.Tags();
    }

    private static (ErrorCode Error, long LowWatermark) Delete(Request request, string name, int index, long offset)
    {
        var refused = Request.First(request.FailureOf(name, index), request.DeniedTopic(name));
        if (refused != ErrorCode.None)
            return (refused, -1);
        if (!request.Cluster.Topics.TryGet(name, out var topic) || topic.Find(index) is not { } partition)
            return (ErrorCode.UnknownTopicOrPartition, -1);
        if (partition.Leader != request.Broker)
            return (ErrorCode.NotLeaderOrFollower, -1);
        if (!topic.Config["cleanup.policy"].Contains("delete", StringComparison.Ordinal))
            return (ErrorCode.PolicyViolation, -1);
        if (offset < ToTheEnd || !partition.Log.DeleteBefore(offset == ToTheEnd ? partition.Log.LogEnd : offset))
            return (ErrorCode.OffsetOutOfRange, -1);
        return (request.AnswerFor(name, index, ErrorCode.None), partition.Log.LogStart);
    }
}
