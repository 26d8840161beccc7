namespace KafkaBackup.Engine.Batches;

/// <summary>What must hold inside a batch, for those who pass its records and those who hand them out alike.</summary>
internal static class RecordRules
{
    /// <summary>Length, attributes, two deltas, key, value and number of headers: a byte each at least.</summary>
    private const int SmallestRecord = 7;

    /// <exception cref="BatchDamagedException">Numbers in the header that contradict each other or the batch's size.</exception>
    public static void CheckHeader(in RecordBatch batch)
    {
        if (batch.BaseOffset < 0 || batch.LastOffsetDelta < 0 || batch.BaseOffset > long.MaxValue - batch.LastOffsetDelta - 1)
        {
            throw new BatchDamagedException($"its offsets are {batch.BaseOffset:N0} and {batch.LastOffsetDelta:N0} more", 0);
        }

        if (batch.RecordCount < 0 || batch.RecordCount > batch.LastOffsetDelta + 1L)
        {
            throw new BatchDamagedException(
                $"it claims {batch.RecordCount:N0} records within {batch.LastOffsetDelta + 1L:N0} offsets",
                RecordBatch.RecordCountPlace
            );
        }

        if (batch.Codec == BatchCodec.None && batch.RecordCount > (batch.Length - RecordBatch.HeaderLength) / SmallestRecord)
        {
            throw new BatchDamagedException(
                $"it claims {batch.RecordCount:N0} records in {batch.Length:N0} bytes",
                RecordBatch.RecordCountPlace
            );
        }
    }

    /// <summary>Offsets go up, and end where the header says at the latest. Compaction leaves holes between them.</summary>
    public static void CheckDelta(int delta, int previous, int last, long place)
    {
        if (delta <= previous || delta > last)
        {
            throw new BatchDamagedException($"an offset delta of {delta:N0} follows {previous:N0}, and the last is {last:N0}", place);
        }
    }

    public static void CheckFieldLength(int length, bool mayBeNull, long left, long place)
    {
        if (length < (mayBeNull ? -1 : 0) || length > left)
        {
            throw new BatchDamagedException($"a field claims {length:N0} bytes, and its record has {left:N0} left", place);
        }
    }

    /// <summary>A header takes two bytes at least.</summary>
    public static void CheckHeaderCount(int count, long left, long place)
    {
        if (count < 0 || count > left / 2)
        {
            throw new BatchDamagedException($"a record claims {count:N0} headers in {left:N0} bytes", place);
        }
    }
}
