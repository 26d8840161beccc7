using KafkaBackup.LocalBroker.Log;
using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class ListOffsetsApi() : Api<ListOffsetsApi.Asked>(ApiKey.ListOffsets, 1, 7, 6)
{
    private const long Latest = -1;
    private const long Earliest = -2;
    private const long MaxTimestamp = -3;

    internal sealed record Asked(bool Committed, List<(string Name, List<(int Index, int Epoch, long Timestamp)> Partitions)> Topics);

    protected override Asked Read(Request request, WireReader body)
    {
        body.Int32(); // replica id: there are no followers
        var committed = request.Version >= 2 && body.Int8() == 1;
        return new Asked(
            committed,
            body.Array(t =>
            {
                var name = t.String();
                var partitions = t.Array(p =>
                {
                    var index = p.Int32();
                    request.Log.Name(name, index);
                    var epoch = request.Version >= 4 ? p.Int32() : -1;
                    var timestamp = p.Int64();
                    p.Tags();
                    return (index, epoch, timestamp);
                });
                t.Tags();
                return (name, partitions);
            })
        );
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        if (request.Version >= 2)
            reply.Int32(0);
        reply.Array(
            asked.Topics,
            (w, topic) =>
            {
                w.String(topic.Name);
                w.Array(
                    topic.Partitions,
                    (p, partition) =>
                    {
                        var (error, found) = Find(
                            request,
                            topic.Name,
                            partition.Index,
                            partition.Epoch,
                            partition.Timestamp,
                            asked.Committed
                        );
                        p.Int32(partition.Index);
                        p.Error(error);
                        p.Int64(found.Timestamp);
                        p.Int64(found.Offset);
                        if (request.Version >= 4)
                            p.Int32(found.LeaderEpoch);
                        p.Tags();
                    }
                );
                w.Tags();
            }
        );
        reply.Tags();
    }

    private static (ErrorCode Error, TimedOffset Found) Find(
        Request request,
        string topic,
        int index,
        int epoch,
        long timestamp,
        bool committed
    )
    {
        var nothing = new TimedOffset(-1, -1, -1);
        var refused = Request.First(request.FailureOf(topic, index), request.DeniedTopic(topic));
        if (refused != ErrorCode.None)
            return (refused, nothing);
        if (request.Cluster.KnowsNoTopics || request.Cluster.Topics.Find(topic, index) is not { } partition)
            return (ErrorCode.UnknownTopicOrPartition, nothing);
        var leadership = Leadership.Check(partition, request.Broker, epoch);
        if (leadership != ErrorCode.None)
            return (leadership, nothing);
        var log = partition.Log;
        var error = request.AnswerFor(topic, index, ErrorCode.None);
        return (
            error,
            timestamp switch
            {
                Latest => At(committed ? log.LastStableOffset : log.LogEnd, log.LeaderEpoch),
                Earliest => At(log.LogStart, log.EpochAt(log.LogStart)),
                MaxTimestamp => log.FindMaxTimestamp() ?? nothing,
                _ => log.FindByTime(timestamp, committed) ?? nothing,
            }
        );
    }

    private static TimedOffset At(long offset, int epoch) => new(offset, -1, epoch);
}
