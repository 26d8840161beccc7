namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>What the records of a block amount to; a segment's is the sum of its blocks'.</summary>
public readonly record struct BlockStats
{
    public long RecordCount { get; init; }

    /// <summary>Bytes of keys, values and headers.</summary>
    public long PayloadBytes { get; init; }

    public long FirstOffset { get; init; }

    public long LastOffset { get; init; }

    public long MinTimestamp { get; init; }

    public long MaxTimestamp { get; init; }

    /// <summary>The last record's.</summary>
    public long LastTimestamp { get; init; }

    /// <summary>The largest record's payload bytes.</summary>
    public int LargestRecord { get; init; }

    /// <summary>Records stamped 0.</summary>
    public long ZeroTimestamps { get; init; }

    /// <summary>With one record more behind.</summary>
    internal BlockStats Add(long offset, long timestamp, long payloadBytes)
    {
        var first = RecordCount == 0;
        return new BlockStats
        {
            RecordCount = RecordCount + 1,
            PayloadBytes = PayloadBytes + payloadBytes,
            FirstOffset = first ? offset : FirstOffset,
            LastOffset = offset,
            MinTimestamp = first || timestamp < MinTimestamp ? timestamp : MinTimestamp,
            MaxTimestamp = first || timestamp > MaxTimestamp ? timestamp : MaxTimestamp,
            LastTimestamp = timestamp,
            LargestRecord = (int)Math.Max(LargestRecord, Math.Min(payloadBytes, int.MaxValue)),
            ZeroTimestamps = ZeroTimestamps + (timestamp == 0 ? 1 : 0),
        };
    }

    /// <summary>With a block's records behind.</summary>
    internal BlockStats Add(in BlockStats next) =>
        RecordCount == 0
            ? next
            : new BlockStats
            {
                RecordCount = RecordCount + next.RecordCount,
                PayloadBytes = PayloadBytes + next.PayloadBytes,
                FirstOffset = FirstOffset,
                LastOffset = next.LastOffset,
                MinTimestamp = Math.Min(MinTimestamp, next.MinTimestamp),
                MaxTimestamp = Math.Max(MaxTimestamp, next.MaxTimestamp),
                LastTimestamp = next.LastTimestamp,
                LargestRecord = Math.Max(LargestRecord, next.LargestRecord),
                ZeroTimestamps = ZeroTimestamps + next.ZeroTimestamps,
            };
}

/// <summary>A block as its header and the index describe it: enough to decide whether it must be read.</summary>
public readonly record struct BlockInfo
{
    /// <summary>Where its header starts in the file.</summary>
    public long FileOffset { get; init; }

    /// <summary>Record batches (segments of version 2) instead of records.</summary>
    public bool HoldsBatches { get; init; }

    /// <summary>How this block is stored; None also where compressing gained nothing.</summary>
    public CompressionKind Codec { get; init; }

    /// <summary>Bytes behind the header.</summary>
    public int StoredLength { get; init; }

    /// <summary>Bytes after decompression.</summary>
    public int RawLength { get; init; }

    /// <summary>CRC-32C of the stored bytes.</summary>
    public uint Checksum { get; init; }

    public BlockStats Stats { get; init; }

    /// <summary>Header and stored bytes.</summary>
    public long TotalLength => BlockHeader.Size + (long)StoredLength;

    public bool MayHoldOffset(long from, long toExclusive) => Stats.LastOffset >= from && Stats.FirstOffset < toExclusive;
}
