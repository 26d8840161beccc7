using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>What partitions know of their producers: the last sequence above all (Kafka 2.8 and later).</summary>
internal sealed class DescribeProducersRequest(IReadOnlyCollection<TopicEntries<int>> topics) : WireRequest<DescribeProducersResponse>
{
    public static readonly WireApi Definition = new(ApiKey.DescribeProducers, 0, 0, 0, WireApi.Never);

    public override WireApi Api => Definition;

    public override void Write(WireWriter writer)
    {
        TopicEntries.Write(writer, topics, static (w, partition) => w.Int32(partition));
        writer.Tags();
    }

    public override DescribeProducersResponse Read(ref WireReader reader)
    {
        var throttle = reader.Milliseconds("throttle_time_ms");
        var topics = TopicEntries.Read(
            ref reader,
            9,
            (ref WireReader r) =>
            {
                var index = r.Int32("partition_index");
                var error = r.Error();
                var message = r.NullableString("error_message");
                var producers = r.Array("active_producers", 37, ReadProducer);
                r.SkipTags();
                return new PartitionProducers(index, error, message, producers);
            }
        );
        reader.SkipTags();
        return new DescribeProducersResponse(throttle, topics);
    }

    private static ActiveProducer ReadProducer(ref WireReader reader)
    {
        var producer = new ActiveProducer(
            reader.Int64("producer_id"),
            reader.Int32("producer_epoch"),
            reader.Int32("last_sequence"),
            reader.Int64("last_timestamp"),
            reader.Int32("coordinator_epoch"),
            reader.Int64("current_txn_start_offset")
        );
        reader.SkipTags();
        return producer;
    }
}

internal sealed record DescribeProducersResponse(TimeSpan ThrottleTime, IReadOnlyList<TopicEntries<PartitionProducers>> Topics)
    : IWireAnswer;

internal readonly record struct PartitionProducers(
    int Partition,
    WireErrorCode Error,
    string? Message,
    IReadOnlyList<ActiveProducer> Producers
);

internal readonly record struct ActiveProducer(
    long ProducerId,
    int Epoch,
    int LastSequence,
    long LastTimestamp,
    int CoordinatorEpoch,
    long TransactionStart
);
