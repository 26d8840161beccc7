using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class OffsetForLeaderEpochApi()
    : Api<List<(string Name, List<(int Index, int Current, int Epoch)> Partitions)>>(ApiKey.OffsetForLeaderEpoch, 2, 4, 4)
{
    protected override List<(string Name, List<(int Index, int Current, int Epoch)> Partitions)> Read(Request request, WireReader body)
    {
        if (request.Version >= 3)
            body.Int32();
        return body.Array(t =>
        {
            var name = t.String();
            var partitions = t.Array(p =>
            {
                var entry = (p.Int32(), p.Int32(), p.Int32());
                request.Log.Name(name, entry.Item1);
                p.Tags();
                return entry;
            });
            t.Tags();
            return (name, partitions);
        });
    }

    protected override void Answer(
        Request request,
        List<(string Name, List<(int Index, int Current, int Epoch)> Partitions)> asked,
        WireWriter reply
    )
    {
        reply.Int32(0);
        reply.Array(
            asked,
            (w, topic) =>
            {
                w.String(topic.Name);
                w.Array(
                    topic.Partitions,
                    (p, part) =>
                    {
                        var partition = request.Cluster.Topics.Find(topic.Name, part.Index);
                        var error = Request.First(
                            request.FailureOf(topic.Name, part.Index),
                            request.DeniedTopic(topic.Name),
                            partition is null
                                ? ErrorCode.UnknownTopicOrPartition
                                : Leadership.Check(partition, request.Broker, part.Current)
                        );
                        var (epoch, end) = error == ErrorCode.None ? partition!.Log.EpochEnd(part.Epoch) : (-1, -1);
                        p.Error(error);
                        p.Int32(part.Index);
                        p.Int32(epoch);
                        p.Int64(end);
                        p.Tags();
                    }
                );
                w.Tags();
            }
        );
        reply.Tags();
    }
}
