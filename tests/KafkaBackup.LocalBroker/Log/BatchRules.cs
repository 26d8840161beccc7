namespace KafkaBackup.LocalBroker.Log;

/// <summary>A topic's limits on what may be appended, read from its configuration.</summary>
internal sealed record TopicLimits(
    int MaxMessageBytes, bool LogAppendTime, long TimestampBeforeMax, long TimestampAfterMax, bool Compacted, int MinInSync);

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
                Message: "A produce request carries exactly one whole batch a partition.");
        }

        if (header.Size > limits.MaxMessageBytes)
            return new AppendOutcome(ErrorCode.MessageTooLarge, Message: $"The batch has {header.Size} bytes, the topic takes {limits.MaxMessageBytes}.");
        if (Crc32C.Compute(span[BatchHeader.CrcStart..]) != header.Crc)
            return new AppendOutcome(ErrorCode.CorruptMessage, Message: "The batch's checksum is wrong.");
        if (header.Count <= 0 || header.Count != header.LastOffsetDelta + 1 || header.IsControl)
            return new AppendOutcome(ErrorCode.InvalidRecord, Message: "The batch's counts don't fit, or it is a control batch.");
        if (header.Codec > 4)
            return new AppendOutcome(ErrorCode.UnsupportedCompressionType);
        return CheckTimestamps(batch, header, limits, now) ?? CheckKeys(batch, limits);
    }

    private static AppendOutcome? CheckTimestamps(ReadOnlyMemory<byte> batch, in BatchHeader header, TopicLimits limits, long now)
    {
        if (limits.LogAppendTime)
            return null;
        if (limits.TimestampAfterMax != long.MaxValue && header.MaxTimestamp - now > limits.TimestampAfterMax)
            return Refused(header.MaxTimestamp);
        if (limits.TimestampBeforeMax == long.MaxValue)
            return null;
        foreach (var record in BatchReader.Records(batch))
        {
            if (record.Timestamp >= 0 && now - record.Timestamp > limits.TimestampBeforeMax)
                return Refused(record.Timestamp);
        }

        return null;

        static AppendOutcome Refused(long timestamp) =>
            new(ErrorCode.InvalidTimestamp, Message: $"Timestamp {timestamp} is outside the range the topic accepts.");
    }

    private static AppendOutcome? CheckKeys(ReadOnlyMemory<byte> batch, TopicLimits limits)
    {
        if (limits.Compacted && BatchReader.Records(batch).Any(r => r.Key is null))
            return new AppendOutcome(ErrorCode.InvalidRecord, Message: "Compacted topic cannot accept message without key.");
        return null;
    }
}
