using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class DescribeProducersApi() : Api<List<(string Name, List<int> Partitions)>>(ApiKey.DescribeProducers, 0, 0, 0)
{
    protected override List<(string Name, List<int> Partitions)> Read(Request request, WireReader body) =>
        body.Array(t =>
        {
            var name = t.String();
            var partitions = t.Array(static p => p.Int32());
            foreach (var partition in partitions)
                request.Log.Name(name, partition);
            t.Tags();
            return (name, partitions);
        });

    protected override void Answer(Request request, List<(string Name, List<int> Partitions)> asked, WireWriter reply)
    {
        reply.Int32(0);
        reply.Array(
            asked,
            (w, topic) =>
            {
                w.String(topic.Name);
                w.Array(
                    topic.Partitions,
                    (p, index) =>
                    {
                        var partition = request.Cluster.Topics.Find(topic.Name, index);
                        var error = Request.First(
                            request.FailureOf(topic.Name, index),
                            request.DeniedTopic(topic.Name),
                            partition is null ? ErrorCode.UnknownTopicOrPartition : Leadership.Check(partition, request.Broker, -1)
                        );
                        p.Int32(index);
                        p.Error(error);
                        p.String(null);
                        p.Array(
                            error == ErrorCode.None ? partition!.Log.Producers() : [],
                            static (s, producer) =>
                            {
                                s.Int64(producer.ProducerId);
                                s.Int32(producer.Epoch);
                                s.Int32(producer.LastSequence);
                                s.Int64(producer.LastTimestamp);
                                s.Int32(0);
                                s.Int64(producer.OpenSince);
                                s.Tags();
                            }
                        );
                        p.Tags();
                    }
                );
                w.Tags();
            }
        );
        reply.Tags();
    }
}
