using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using static System.Buffers.Binary.BinaryPrimitives;

namespace KafkaBackup.Engine.Format.Segments;

/// <summary>
/// The end of a segment: the index, which repeats every block's header with its place, and a trailer of fixed size that finds the index
/// from the file's end. Layout in FORMAT.md.
/// </summary>
internal static class SegmentFooter
{
    public const int FixedSize = 8;
    public const int EntrySize = sizeof(long) + BlockHeader.Size;
    public const int TrailerSize = 28;
    private const int TrailerChecksumAt = 16;
    private const int EndMagicAt = 20;

    public static ReadOnlySpan<byte> Magic => "KIDX"u8;

    public static ReadOnlySpan<byte> EndMagic => [(byte)'K', (byte)'B', (byte)'S', (byte)'E', (byte)'N', (byte)'D', 0x0D, 0x0A];

    public static void WriteTrailer(Span<byte> target, long footerOffset, ReadOnlySpan<byte> footer)
    {
        WriteInt64LittleEndian(target, footerOffset);
        WriteInt32LittleEndian(target[8..], footer.Length);
        WriteUInt32LittleEndian(target[12..], Crc32C.Compute(footer));
        WriteUInt32LittleEndian(target[TrailerChecksumAt..], Crc32C.Compute(target[..TrailerChecksumAt]));
        EndMagic.CopyTo(target[EndMagicAt..]);
    }

    /// <summary>Where the footer lies, or null and what is wrong.</summary>
    public static (long Offset, int Length, uint Checksum)? ReadTrailer(
        ReadOnlySpan<byte> trailer,
        long fileLength,
        out DamageKind kind,
        out string problem
    )
    {
        kind = DamageKind.Corrupt;
        problem = "the trailer's checksum does not match";
        var ends = trailer[EndMagicAt..].SequenceEqual(EndMagic);
        var sound = ReadUInt32LittleEndian(trailer[TrailerChecksumAt..]) == Crc32C.Compute(trailer[..TrailerChecksumAt]);
        if (!ends || !sound)
        {
            // One byte changed leaves one of the two standing; with both gone this is not where the writer stopped.
            if (!ends && !sound)
            {
                kind = DamageKind.Truncated;
                problem = "it does not end as a whole segment does";
            }

            return null;
        }

        var offset = ReadInt64LittleEndian(trailer);
        var length = ReadInt32LittleEndian(trailer[8..]);
        if (offset < 0 || length < FixedSize + EntrySize || offset > fileLength || offset + length + TrailerSize != fileLength)
        {
            problem = "the trailer does not fit the file's length";
            return null;
        }

        return (offset, length, ReadUInt32LittleEndian(trailer[12..]));
    }

    /// <summary>The blocks, checked to lie one behind the other without a gap; null and what is wrong with them.</summary>
    public static BlockInfo[]? Read(
        ReadOnlySpan<byte> footer,
        uint checksum,
        long firstBlock,
        long footerOffset,
        bool holdsBatches,
        out string problem
    )
    {
        if (Crc32C.Compute(footer) != checksum)
        {
            problem = "the index's checksum does not match";
            return null;
        }

        problem = "the index contradicts itself";
        var count = (footer.Length - FixedSize) / EntrySize;
        if (!footer.StartsWith(Magic) || ReadInt32LittleEndian(footer[4..]) != count || FixedSize + (count * EntrySize) != footer.Length)
        {
            return null;
        }

        var blocks = new BlockInfo[count];
        var place = firstBlock;
        var lastOffset = -1L;
        for (var index = 0; index < count; index++)
        {
            var entry = EntryAt(footer, index);
            if (
                ReadInt64LittleEndian(entry) != place
                || BlockHeader.TryRead(entry[sizeof(long)..], place, out blocks[index]) is not null
                || blocks[index].HoldsBatches != holdsBatches
                || blocks[index].Stats.FirstOffset <= lastOffset
            )
            {
                return null;
            }

            place += blocks[index].TotalLength;
            lastOffset = blocks[index].Stats.LastOffset;
        }

        return place == footerOffset ? blocks : null;
    }

    /// <summary>The footer that a writer would have written for these blocks.</summary>
    public static byte[] IndexOf(ReadOnlySpan<BlockInfo> blocks)
    {
        var footer = new byte[FixedSize + (blocks.Length * EntrySize)];
        Magic.CopyTo(footer);
        WriteInt32LittleEndian(footer.AsSpan(4), blocks.Length);
        for (var index = 0; index < blocks.Length; index++)
        {
            var entry = footer.AsSpan(FixedSize + (index * EntrySize));
            WriteInt64LittleEndian(entry, blocks[index].FileOffset);
            BlockHeader.Write(entry[sizeof(long)..], blocks[index]);
        }

        return footer;
    }

    public static ReadOnlySpan<byte> EntryAt(ReadOnlySpan<byte> footer, int index) =>
        footer.Slice(FixedSize + (index * EntrySize), EntrySize);
}
