using System.Buffers.Binary;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Segments;

namespace KafkaBackup.Testing.Records;

/// <summary>
/// Makes all checksums of a changed segment right, and index and trailer those of the blocks that it has now: what only the contents can
/// give away is then left.
/// </summary>
public static class SegmentSeal
{
    private const int PrefixSize = 16;
    private const int StoredLengthAt = 8;
    private const int ContentChecksumAt = 28;
    private const int HeaderChecksumAt = BlockHeader.Size - sizeof(uint);

    public static byte[] Seal(byte[] segment)
    {
        ArgumentNullException.ThrowIfNull(segment);
        var file = segment.ToArray();
        if (file.Length < PrefixSize || SegmentHeader.LengthFrom(file) is not { } headerLength || headerLength > file.Length)
        {
            return file;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(
            file.AsSpan(headerLength - sizeof(uint)),
            Crc32C.Compute(file.AsSpan(0, headerLength - sizeof(uint)))
        );
        using var index = new MemoryStream();
        var (place, blocks) = (headerLength, 0);
        Span<byte> at = stackalloc byte[sizeof(long)];
        while (file.Length - place >= BlockHeader.Size && BlockHeader.Begins(file.AsSpan(place)))
        {
            var header = file.AsSpan(place, BlockHeader.Size);
            var stored = BinaryPrimitives.ReadInt32LittleEndian(header[StoredLengthAt..]);
            if (stored < 0 || stored > file.Length - place - BlockHeader.Size)
            {
                break;
            }

            var content = file.AsSpan(place + BlockHeader.Size, stored);
            SealBatches(content);
            BinaryPrimitives.WriteUInt32LittleEndian(header[ContentChecksumAt..], Crc32C.Compute(content));
            BinaryPrimitives.WriteInt64LittleEndian(at, place);
            BinaryPrimitives.WriteUInt32LittleEndian(
                header[HeaderChecksumAt..],
                Crc32C.Append(Crc32C.Compute(at), header[..HeaderChecksumAt])
            );
            index.Write(at);
            index.Write(header);
            place += BlockHeader.Size + stored;
            blocks++;
        }

        var footer = new byte[SegmentFooter.FixedSize + index.Length];
        SegmentFooter.Magic.CopyTo(footer);
        BinaryPrimitives.WriteInt32LittleEndian(footer.AsSpan(sizeof(int)), blocks);
        index.ToArray().CopyTo(footer.AsSpan(SegmentFooter.FixedSize));
        var trailer = new byte[SegmentFooter.TrailerSize];
        SegmentFooter.WriteTrailer(trailer, place, footer);
        return [.. file.AsSpan(0, place), .. footer, .. trailer];
    }

    /// <summary>As far as they are batches, one behind the other and not compressed as a whole.</summary>
    private static void SealBatches(Span<byte> content)
    {
        while (content.Length >= RecordBatch.HeaderLength && content[RecordBatch.MagicPlace] == RecordBatch.CurrentMagic)
        {
            var length = RecordBatch.PrefixLength + (long)BinaryPrimitives.ReadInt32BigEndian(content[8..]);
            if (length < RecordBatch.HeaderLength || length > content.Length)
            {
                return;
            }

            BatchStamp.Seal(content[..(int)length]);
            content = content[(int)length..];
        }
    }
}
