using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>
/// Appends one record batch to each of some partitions. The batches are sent from where they are and must not change until the answer is
/// there.
/// </summary>
internal sealed class ProduceRequest : WireRequest<ProduceResponse>
{
    public static readonly WireApi Definition = new(ApiKey.Produce, 3, 11, 9, 6);

    public string? TransactionalId { get; init; }

    /// <summary>-1 for all in-sync replicas, 1 for the leader. 0 is not offered: it has no answer.</summary>
    public short Acks { get; init; } = -1;

    /// <summary>How long the leader may wait for its followers.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>How long to wait for the answer on top of that; null for what the connection's options say.</summary>
    public TimeSpan? Margin { get; init; }

    public required IReadOnlyCollection<TopicEntries<ProducePartition>> Topics { get; init; }

    public override WireApi Api => Definition;

    public override TimeSpan BrokerWaits => Timeout;

    public override TimeSpan? AnswerWithin => Margin;

    public override void Write(WireWriter writer)
    {
        if (Acks == 0)
        {
            throw new InvalidOperationException("A produce request without acknowledgement has no answer to wait for.");
        }

        writer.String(TransactionalId);
        writer.Int16(Acks);
        writer.Milliseconds(Timeout);
        TopicEntries.Write(
            writer,
            Topics,
            static (w, partition) =>
            {
                w.Int32(partition.Index);
                w.Records(partition.Head, partition.Rest);
                w.Tags();
            }
        );
        writer.Tags();
    }

    public override ProduceResponse Read(ref WireReader reader)
    {
        var topics = TopicEntries.Read(ref reader, 22, ReadPartition);
        var throttle = reader.Milliseconds("throttle_time_ms");
        FetchEndpoint[] endpoints = [];
        var left = reader.TagCount();
        while (reader.NextTag(ref left, out var tag, out var end))
        {
            if (tag == 0 && reader.Version >= 10)
            {
                endpoints = NodeEndpoints.Read(ref reader);
            }

            reader.EndTag(end);
        }

        return new ProduceResponse(throttle, topics, endpoints);
    }

    private static ProducedPartition ReadPartition(ref WireReader reader)
    {
        var version = reader.Version;
        var index = reader.Int32("index");
        var error = reader.Error();
        var baseOffset = reader.Int64("base_offset");
        var appendTime = reader.Int64("log_append_time_ms");
        var logStart = version >= 5 ? reader.Int64("log_start_offset") : -1;
        ProduceRecordError[] records = [];
        string? message = null;
        if (version >= 8)
        {
            records = reader.Array(
                "record_errors",
                5,
                (ref WireReader r) =>
                {
                    var refused = new ProduceRecordError(r.Int32("batch_index"), r.NullableString("batch_index_error_message"));
                    r.SkipTags();
                    return refused;
                }
            );
            message = reader.NullableString("error_message");
        }

        LeaderEpoch? leader = null;
        var left = reader.TagCount();
        while (reader.NextTag(ref left, out var tag, out var end))
        {
            if (tag == 0 && version >= 10)
            {
                leader = LeaderEpoch.Read(ref reader);
            }

            reader.EndTag(end);
        }

        return new ProducedPartition(index, error, baseOffset, appendTime, logStart, records, message, leader);
    }
}

/// <summary>
/// One batch in two pieces: its header, and the records part that stays as it was. <see cref="Rest"/> may be empty and <see cref="Head"/>
/// the whole batch.
/// </summary>
internal readonly record struct ProducePartition(int Index, ReadOnlyMemory<byte> Head, ReadOnlyMemory<byte> Rest);

internal sealed record ProduceResponse(
    TimeSpan ThrottleTime,
    IReadOnlyList<TopicEntries<ProducedPartition>> Topics,
    IReadOnlyList<FetchEndpoint> Endpoints
) : IWireAnswer;

/// <param name="BaseOffset">Where the batch begins; -1 with an error.</param>
/// <param name="LogAppendTime">-1 unless the topic stamps records itself.</param>
/// <param name="RecordErrors">The records that were refused, by their place in the batch (Kafka 2.4 and later).</param>
internal readonly record struct ProducedPartition(
    int Index,
    WireErrorCode Error,
    long BaseOffset,
    long LogAppendTime,
    long LogStart,
    IReadOnlyList<ProduceRecordError> RecordErrors,
    string? Message,
    LeaderEpoch? Leader
);

internal readonly record struct ProduceRecordError(int Record, string? Message);
