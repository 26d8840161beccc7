using KafkaBackup.LocalBroker.Log;
using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Transactions;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

/// <summary>
/// Versions 0 to 2 carry message formats this broker doesn't store and are refused; they are listed all the same, because
/// older librdkafka takes their absence for a broker that can't take compressed records.
/// </summary>
internal sealed class ProduceApi() : Api<ProduceApi.Asked>(ApiKey.Produce, 0, 11, 9)
{
    internal sealed record Asked(
        string? TransactionalId,
        short Acks,
        List<(string Name, List<(int Index, ReadOnlyMemory<byte>? Records)> Partitions)> Topics
    );

    protected override Asked Read(Request request, WireReader body)
    {
        var transactionalId = request.Version >= 3 ? body.NullableString() : null;
        var acks = body.Int16();
        body.Int32(); // the time to wait for replicas: there are none to wait for
        var topics = body.Array(t =>
        {
            var name = t.String();
            var partitions = t.Array(p =>
            {
                var index = p.Int32();
                request.Log.Name(name, index);
                var records = p.NullableBytes();
                p.Tags();
                return (index, records);
            });
            t.Tags();
            return (name, partitions);
        });
        request.Log.Resource = transactionalId;
        return new Asked(transactionalId, acks, topics);
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        var version = request.Version;
        reply.Array(
            asked.Topics,
            (w, topic) =>
            {
                w.String(topic.Name);
                w.Array(
                    topic.Partitions,
                    (p, part) =>
                        WritePartition(p, request, topic.Name, part.Index, Append(request, asked, topic.Name, part.Index, part.Records))
                );
                w.Tags();
            }
        );
        if (version >= 1)
            reply.Int32((int)request.Cluster.ProduceThrottle.TotalMilliseconds);
        reply.Tags();
        request.NoResponse = asked.Acks == 0;
    }

    private static AppendOutcome Append(Request request, Asked asked, string topicName, int index, ReadOnlyMemory<byte>? records)
    {
        var refused = Request.First(request.FailureOf(topicName, index), request.DeniedTopic(topicName));
        if (refused == ErrorCode.None && asked.TransactionalId is { } id)
            refused = request.DeniedTransaction(id);
        if (refused != ErrorCode.None)
            return new AppendOutcome(refused);
        if (asked.Acks is not (0 or 1 or -1))
            return new AppendOutcome(ErrorCode.InvalidRequiredAcks);
        if (!request.Cluster.Topics.TryGet(topicName, out var topic) || topic.Find(index) is not { } partition)
            return new AppendOutcome(ErrorCode.UnknownTopicOrPartition);
        if (partition.Leader != request.Broker)
            return new AppendOutcome(ErrorCode.NotLeaderOrFollower);
        if (asked.Acks == -1 && topic.Config.Limits.MinInSync > topic.ReplicationFactor)
            return new AppendOutcome(ErrorCode.NotEnoughReplicas); // as Kafka before 3.7; here all replicas are in sync
        const short zstdFrom = 7;
        const int zstd = 4;
        if (request.Version < zstdFrom && records is { Length: >= BatchHeader.Length } old && BatchHeader.Read(old.Span).Codec == zstd)
            return new AppendOutcome(ErrorCode.UnsupportedCompressionType);
        if (records is not { Length: > 0 } sent)
            return new AppendOutcome(ErrorCode.InvalidRecord, Message: "There are no records.");

        if (
            request.Cluster.Options.RefusesUnknownProducers
            && sent.Length >= BatchHeader.Length
            && BatchHeader.Read(sent.Span) is { Magic: 2, HasProducer: true, BaseSequence: > 0 } unknown
            && partition.Log.Producers().All(p => p.ProducerId != unknown.ProducerId)
        )
        {
            return new AppendOutcome(ErrorCode.UnknownProducerId);
        }

        // The request's buffer is ours alone, so the batch is placed where it lies.
        var batch = System.Runtime.InteropServices.MemoryMarshal.AsMemory(sent);
        AppendOutcome Store() => partition.Log.Append(batch, topic.Config.Limits, request.Cluster.Now);
        var outcome =
            batch.Length >= BatchHeader.Length && BatchHeader.Read(batch.Span) is { Magic: 2, IsTransactional: true } header
                ? request.Cluster.Transactions.Append(
                    new ProducerIdentity(header.ProducerId, header.ProducerEpoch),
                    new TopicPartition(topicName, index),
                    Store
                )
                : Store();
        return outcome.Error == ErrorCode.None ? outcome with { Error = request.AnswerFor(topicName, index, ErrorCode.None) } : outcome;
    }

    private static void WritePartition(WireWriter w, Request request, string topic, int index, AppendOutcome outcome)
    {
        var version = request.Version;
        var failed = outcome.Error != ErrorCode.None;
        w.Int32(index);
        w.Error(outcome.Error);
        w.Int64(failed ? -1 : outcome.BaseOffset);
        if (version >= 2)
            w.Int64(failed ? -1 : outcome.AppendTime);
        if (version >= 5)
            w.Int64(failed ? -1 : outcome.LogStart);
        if (version >= 8)
        {
            w.Array(Array.Empty<int>(), static (_, _) => { });
            w.String(outcome.Message);
        }

        const short leaderFrom = 10;
        if (version < leaderFrom)
        {
            w.Tags();
            return;
        }

        var partition = outcome.Error == ErrorCode.NotLeaderOrFollower ? request.Cluster.Topics.Find(topic, index) : null;
        w.Tags(
            (
                0,
                partition is not { Leader: >= 0 } led
                    ? null
                    : l =>
                    {
                        l.Int32(led.Leader);
                        l.Int32(led.LeaderEpoch);
                        l.Tags();
                    }
        )
        );
    }
}
