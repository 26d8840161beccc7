using KafkaBackup.LocalBroker.Log.Compression;

namespace KafkaBackup.LocalBroker.Log;

/// <summary>A topic's limits on what may be appended, read from its configuration.</summary>
internal sealed record TopicLimits(
    int MaxMessageBytes,
    bool LogAppendTime,
    long TimestampBeforeMax,
    long TimestampAfterMax,
    bool Compacted,
    int MinInSync
);

/// <summary>The checks on a produced batch that need nothing but the batch and the topic's limits.</summary>
internal static class BatchRules
{
    public static AppendOutcome? Check(ReadOnlyMemory<byte> batch, TopicLimits limits, long now)
    {
        var span = batch.Span;
        if (span.Length < 17)
            return new AppendOutcome(ErrorCode.CorruptMessage, Message: "The records are shorter than a batch header.");
        if (span[16] < 2)
            return new AppendOutcome(ErrorCode.UnsupportedForMessageFormat, Message: "Only record batches of format 2 are stored.");
        if (span.Length < BatchHeader.Length)
            return new AppendOutcome(ErrorCode.CorruptMessage, Message: "The records are shorter than a batch header.");
        var header = BatchHeader.Read(span);
        if (header.Size != span.Length)
        {
            return new AppendOutcome(
                header.Size > span.Length ? ErrorCode.CorruptMessage : ErrorCode.InvalidRecord,
                Message: "A produce request carries exactly one whole batch a partition."
            );
        }

        if (header.Size > limits.MaxMessageBytes)
            return new AppendOutcome(
                ErrorCode.MessageTooLarge,
                Message: $"The batch has {header.Size} bytes, the topic takes {limits.MaxMessageBytes}."
            );
        if (Crc32C.Compute(span[BatchHeader.CrcStart..]) != header.Crc)
            return new AppendOutcome(ErrorCode.CorruptMessage, Message: "The batch's checksum is wrong.");
        if (header.Count <= 0 || header.Count != header.LastOffsetDelta + 1 || header.IsControl)
            return new AppendOutcome(ErrorCode.InvalidRecord, Message: "The batch's counts don't fit, or it is a control batch.");
        if (header.HasProducer && header.BaseSequence < 0)
            return new AppendOutcome(
                ErrorCode.InvalidRecord,
                Message: $"Invalid sequence number {header.BaseSequence} in a batch with a producer id."
            );
        if (header.Codec > 4)
            return new AppendOutcome(ErrorCode.UnsupportedCompressionType);
        if (header.IsLogAppendTime)
            return new AppendOutcome(
                ErrorCode.InvalidTimestamp,
                Message: "Invalid timestamp type: a producer should not set it to LogAppendTime."
            );
        return CheckRecords(batch, limits, now);
    }

    /// <summary>
    /// Every record is walked, as a broker does: it decodes, there are as many as the head says, and topic and times take it.
    /// </summary>
    private static AppendOutcome? CheckRecords(ReadOnlyMemory<byte> batch, TopicLimits limits, long now)
    {
        var header = BatchHeader.Read(batch.Span);
        try
        {
            var records = batch.Span[BatchHeader.Length..];
            var walk = RecordWalk.Over(header.Codec == 0 ? records : Codecs.Decompress(header.Codec, records), header);
            if (limits.Compacted && walk.LacksKey)
                return new AppendOutcome(ErrorCode.InvalidRecord, Message: "Compacted topic cannot accept message without key.");
            if (limits.LogAppendTime)
                return null;
            if (limits.TimestampBeforeMax != long.MaxValue && walk.Smallest is { } smallest && now - smallest > limits.TimestampBeforeMax)
                return OutOfRange(smallest);
            return limits.TimestampAfterMax != long.MaxValue && walk.Largest is { } largest && largest - now > limits.TimestampAfterMax
                ? OutOfRange(largest)
                : null;
        }
        catch (Exception damaged)
            when (damaged
                    is InvalidDataException
                        or ArgumentException
                        or OverflowException
                        or EndOfStreamException
                        or IndexOutOfRangeException
            )
        {
            return new AppendOutcome(ErrorCode.InvalidRecord, Message: $"The batch's records cannot be read: {damaged.Message}");
        }

        static AppendOutcome OutOfRange(long timestamp) =>
            new(ErrorCode.InvalidTimestamp, Message: $"Timestamp {timestamp} is outside the range the topic accepts.");
    }
}
