using System.Buffers.Binary;

namespace KafkaBackup.LocalBroker.Log.Compression;

/// <summary>LZ4 frames as Kafka clients write them. Checksums are stepped over: the batch has its own.</summary>
internal static class Lz4FrameDecoder
{
    private const uint Magic = 0x184D2204;
    private const int WindowBytes = 64 * 1024;

    public static byte[] Decode(ReadOnlySpan<byte> frame)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(frame) != Magic)
            throw new InvalidDataException("not an LZ4 frame");
        var flags = frame[4];
        var linked = (flags & 0x20) == 0;
        var blockChecksums = (flags & 0x10) != 0;
        var contentSize = (flags & 0x08) != 0;
        var maxBlock = 1 << (8 + (2 * ((frame[5] >> 4) & 7)));
        var position = 6 + (contentSize ? 8 : 0) + 1;

        var output = new byte[Math.Max(frame.Length * 4, maxBlock)];
        var written = 0;
        while (true)
        {
            var head = BinaryPrimitives.ReadUInt32LittleEndian(frame[position..]);
            position += 4;
            if (head == 0)
                break;
            var length = (int)(head & 0x7fffffff);
            var block = frame.Slice(position, length);
            position += length + (blockChecksums ? 4 : 0);
            while (output.Length - written < maxBlock)
                Array.Resize(ref output, output.Length * 2);
            if ((head & 0x80000000) != 0)
            {
                block.CopyTo(output.AsSpan(written));
                written += length;
            }
            else
            {
                DecodeBlock(block, output, ref written, linked ? Math.Max(0, written - WindowBytes) : written);
            }
        }

        return output[..written];
    }

    private static void DecodeBlock(ReadOnlySpan<byte> block, byte[] output, ref int written, int floor)
    {
        var position = 0;
        while (position < block.Length)
        {
            var token = block[position++];
            var literals = ExtendedLength(block, token >> 4, ref position);
            block.Slice(position, literals).CopyTo(output.AsSpan(written));
            position += literals;
            written += literals;
            if (position >= block.Length)
                return;
            var distance = BinaryPrimitives.ReadUInt16LittleEndian(block[position..]);
            position += 2;
            if (written - distance < floor)
                throw new InvalidDataException("an LZ4 match points before its window");
            BackReference.Copy(output, ref written, distance, ExtendedLength(block, token & 15, ref position) + 4);
        }
    }

    private static int ExtendedLength(ReadOnlySpan<byte> block, int length, ref int position)
    {
        if (length < 15)
            return length;
        byte more;
        do
        {
            more = block[position++];
            length += more;
        }
        while (more == 255);
        return length;
    }
}
