using KafkaBackup.Engine.Batches;
using static System.Buffers.Binary.BinaryPrimitives;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>The 84 bytes in front of a block, which the index repeats. Layout in FORMAT.md.</summary>
internal static class BlockHeader
{
    public const int Size = 84;

    /// <summary>The most raw bytes that a block may have, room for the header in the same buffer included.</summary>
    public const int MaxRawLength = 0x7F00_0000;

    /// <summary>A longer block holds exactly one record, so that a reader's memory is bounded by the largest record.</summary>
    public const int MaxSharedRawLength = 16 << 20;

    public const int SmallestRecord = 3;

    private const int SmallestBatch = RecordBatch.HeaderLength + 1;

    private const int ChecksumAt = Size - sizeof(uint);

    private static ReadOnlySpan<byte> OfRecords => "KBLK"u8;

    private static ReadOnlySpan<byte> OfBatches => "KBLB"u8;

    public static bool Begins(ReadOnlySpan<byte> bytes) => bytes.StartsWith(OfRecords) || bytes.StartsWith(OfBatches);

    /// <summary>Writes the header of a block at the place that it names.</summary>
    public static void Write(Span<byte> target, in BlockInfo block)
    {
        (block.HoldsBatches ? OfBatches : OfRecords).CopyTo(target);
        WriteUInt32LittleEndian(target[4..], CodecCode.Of(block.Codec));
        WriteInt32LittleEndian(target[8..], block.StoredLength);
        WriteInt32LittleEndian(target[12..], block.RawLength);
        WriteInt32LittleEndian(target[16..], (int)block.Stats.RecordCount);
        WriteInt32LittleEndian(target[20..], (int)block.Stats.ZeroTimestamps);
        WriteInt32LittleEndian(target[24..], block.Stats.LargestRecord);
        WriteUInt32LittleEndian(target[28..], block.Checksum);
        WriteInt64LittleEndian(target[32..], block.Stats.PayloadBytes);
        WriteInt64LittleEndian(target[40..], block.Stats.FirstOffset);
        WriteInt64LittleEndian(target[48..], block.Stats.LastOffset);
        WriteInt64LittleEndian(target[56..], block.Stats.MinTimestamp);
        WriteInt64LittleEndian(target[64..], block.Stats.MaxTimestamp);
        WriteInt64LittleEndian(target[72..], block.Stats.LastTimestamp);
        WriteUInt32LittleEndian(target[ChecksumAt..], ChecksumOf(target, block.FileOffset));
    }

    /// <summary>Null when the header is sound; else what is wrong with it. A sound one has sizes that a reader may trust.</summary>
    public static string? TryRead(ReadOnlySpan<byte> source, long fileOffset, out BlockInfo block)
    {
        block = default;
        if (!Begins(source))
        {
            return "there is no block where one should start";
        }

        if (ReadUInt32LittleEndian(source[ChecksumAt..]) != ChecksumOf(source, fileOffset))
        {
            return "the block header's checksum does not match";
        }

        var code = ReadUInt32LittleEndian(source[4..]);
        block = new BlockInfo
        {
            FileOffset = fileOffset,
            HoldsBatches = source.StartsWith(OfBatches),
            Codec = CodecCode.KindOf(code) ?? CompressionKind.None,
            StoredLength = ReadInt32LittleEndian(source[8..]),
            RawLength = ReadInt32LittleEndian(source[12..]),
            Checksum = ReadUInt32LittleEndian(source[28..]),
            Stats = new BlockStats
            {
                RecordCount = ReadInt32LittleEndian(source[16..]),
                ZeroTimestamps = ReadInt32LittleEndian(source[20..]),
                LargestRecord = ReadInt32LittleEndian(source[24..]),
                PayloadBytes = ReadInt64LittleEndian(source[32..]),
                FirstOffset = ReadInt64LittleEndian(source[40..]),
                LastOffset = ReadInt64LittleEndian(source[48..]),
                MinTimestamp = ReadInt64LittleEndian(source[56..]),
                MaxTimestamp = ReadInt64LittleEndian(source[64..]),
                LastTimestamp = ReadInt64LittleEndian(source[72..]),
            },
        };
        return CodecCode.KindOf(code) is null ? $"the block's compression {code} is unknown" : Contradiction(block);
    }

    /// <summary>
    /// Over the block's place too: a block that lies elsewhere, such as one inside a record's value, is none. A search for whole blocks in
    /// a damaged file depends on it.
    /// </summary>
    private static uint ChecksumOf(ReadOnlySpan<byte> header, long fileOffset)
    {
        Span<byte> place = stackalloc byte[sizeof(long)];
        WriteInt64LittleEndian(place, fileOffset);
        return Crc32C.Append(Crc32C.Compute(place), header[..ChecksumAt]);
    }

    private static string? Contradiction(in BlockInfo block)
    {
        var stats = block.Stats;
        var sizesFit =
            block.RawLength >= (block.HoldsBatches ? SmallestBatch : SmallestRecord)
            && block.RawLength <= MaxRawLength
            && block.StoredLength > 0
            && (block.Codec == CompressionKind.None ? block.StoredLength == block.RawLength : block.StoredLength < block.RawLength)
            && block.RawLength <= (long)block.StoredLength * CodecCode.BestRatio(block.Codec);
        if (!sizesFit)
        {
            return "the block header's sizes are impossible";
        }

        var countsFit =
            stats.RecordCount >= 1
            && (block.HoldsBatches || RecordsFit(block))
            && stats.ZeroTimestamps >= 0
            && stats.ZeroTimestamps <= stats.RecordCount
            && stats.LargestRecord >= 0
            && stats.LargestRecord <= stats.PayloadBytes;
        var rangesFit =
            stats.FirstOffset >= 0
            && (ulong)(stats.LastOffset - stats.FirstOffset) >= (ulong)(stats.RecordCount - 1)
            && stats.LastOffset >= stats.FirstOffset
            && stats.MinTimestamp <= stats.LastTimestamp
            && stats.LastTimestamp <= stats.MaxTimestamp;
        return countsFit && rangesFit ? null : "the block header contradicts itself";
    }

    /// <summary>Those of a batch may be compressed in it, so its length limits neither their number nor their size.</summary>
    private static bool RecordsFit(in BlockInfo block) =>
        block.Stats.RecordCount <= block.RawLength / SmallestRecord
        && (block.Stats.RecordCount == 1 || block.RawLength <= MaxSharedRawLength)
        && block.Stats.PayloadBytes <= block.RawLength;
}
