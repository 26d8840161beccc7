using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>Moves the log start of partitions.</summary>
internal sealed class DeleteRecordsRequest(IReadOnlyCollection<TopicEntries<DeleteBefore>> topics, TimeSpan timeout)
    : WireRequest<DeleteRecordsResponse>
{
    public static readonly WireApi Definition = new(ApiKey.DeleteRecords, 0, 2, 2, 1);

    public override WireApi Api => Definition;

    public override TimeSpan BrokerWaits => timeout;

    public override void Write(WireWriter writer)
    {
        TopicEntries.Write(
            writer,
            topics,
            static (w, partition) =>
            {
                w.Int32(partition.Partition);
                w.Int64(partition.Offset);
                w.Tags();
            }
        );
        writer.Milliseconds(timeout);
        writer.Tags();
    }

    public override DeleteRecordsResponse Read(ref WireReader reader)
    {
        var throttle = reader.Milliseconds("throttle_time_ms");
        var topics = TopicEntries.Read(
            ref reader,
            14,
            (ref WireReader r) =>
            {
                var deleted = new DeletedRecords(r.Int32("partition_index"), r.Int64("low_watermark"), r.Error());
                r.SkipTags();
                return deleted;
            }
        );
        reader.SkipTags();
        return new DeleteRecordsResponse(throttle, topics);
    }
}

/// <param name="Offset">Everything below goes; -1 for everything up to the high watermark.</param>
internal readonly record struct DeleteBefore(int Partition, long Offset);

internal sealed record DeleteRecordsResponse(TimeSpan ThrottleTime, IReadOnlyList<TopicEntries<DeletedRecords>> Topics) : IWireAnswer;

internal readonly record struct DeletedRecords(int Partition, long LowWatermark, WireErrorCode Error);
