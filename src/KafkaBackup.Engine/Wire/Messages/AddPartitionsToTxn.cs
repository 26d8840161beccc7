using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>Tells the coordinator which partitions a transaction is going to write. Later versions are for brokers only.</summary>
internal sealed class AddPartitionsToTxnRequest(TransactionalProducer producer, IReadOnlyCollection<TopicEntries<int>> topics)
    : WireRequest<PartitionErrorsResponse>
{
    public static readonly WireApi Definition = new(ApiKey.AddPartitionsToTxn, 0, 3, 3, 1);

    public override WireApi Api => Definition;

    public override void Write(WireWriter writer)
    {
        producer.Write(writer);
        TopicEntries.Write(writer, topics, static (w, partition) => w.Int32(partition));
        writer.Tags();
    }

    public override PartitionErrorsResponse Read(ref WireReader reader) => PartitionErrorsResponse.Read(ref reader);
}

/// <summary>Who writes in a transaction: the transactional id with the producer that it has now.</summary>
internal readonly record struct TransactionalProducer(string TransactionalId, long ProducerId, short ProducerEpoch)
{
    public void Write(WireWriter writer)
    {
        writer.String(TransactionalId);
        writer.Int64(ProducerId);
        writer.Int16(ProducerEpoch);
    }
}

/// <summary>An error for each partition: what AddPartitionsToTxn and TxnOffsetCommit answer.</summary>
internal sealed record PartitionErrorsResponse(TimeSpan ThrottleTime, IReadOnlyList<TopicEntries<PartitionError>> Topics) : IWireAnswer
{
    public static PartitionErrorsResponse Read(ref WireReader reader)
    {
        var throttle = reader.Milliseconds("throttle_time_ms");
        var topics = TopicEntries.Read(
            ref reader,
            6,
            (ref WireReader r) =>
            {
                var error = new PartitionError(r.Int32("partition_index"), r.Error());
                r.SkipTags();
                return error;
            }
        );
        reader.SkipTags();
        return new PartitionErrorsResponse(throttle, topics);
    }
}

internal readonly record struct PartitionError(int Partition, WireErrorCode Error);
