using System.Buffers.Binary;

namespace KafkaBackup.LocalBroker.Log.Compression;

/// <summary>Snappy blocks, bare (librdkafka) or in the framing of the Java library (a magic, then blocks with lengths).</summary>
internal static class SnappyDecoder
{
    private const int JavaHeaderLength = 16;

    private static ReadOnlySpan<byte> JavaMagic => [0x82, (byte)'S', (byte)'N', (byte)'A', (byte)'P', (byte)'P', (byte)'Y', 0];

    public static byte[] Decode(ReadOnlySpan<byte> data)
    {
        if (!data.StartsWith(JavaMagic))
            return DecodeBlock(data);
        var output = new MemoryStream();
        var rest = data[JavaHeaderLength..];
        while (rest.Length > 0)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(rest);
            output.Write(DecodeBlock(rest.Slice(4, length)));
            rest = rest[(4 + length)..];
        }

        return output.ToArray();
    }

    private static byte[] DecodeBlock(ReadOnlySpan<byte> block)
    {
        var position = 0;
        var output = new byte[Varint(block, ref position)];
        var written = 0;
        while (position < block.Length)
        {
            var tag = block[position++];
            if ((tag & 3) == 0)
            {
                var length = LiteralLength(block, tag >> 2, ref position);
                block.Slice(position, length).CopyTo(output.AsSpan(written));
                position += length;
                written += length;
                continue;
            }

            int distance, count;
            switch (tag & 3)
            {
                case 1:
                    count = 4 + ((tag >> 2) & 7);
                    distance = ((tag >> 5) << 8) | block[position++];
                    break;
                case 2:
                    count = 1 + (tag >> 2);
                    distance = BinaryPrimitives.ReadUInt16LittleEndian(block[position..]);
                    position += 2;
                    break;
                default:
                    count = 1 + (tag >> 2);
                    distance = BinaryPrimitives.ReadInt32LittleEndian(block[position..]);
                    position += 4;
                    break;
            }

            BackReference.Copy(output, ref written, distance, count);
        }

        if (written != output.Length)
            throw new InvalidDataException("a snappy block is shorter than it says");
        return output;
    }

    private static int LiteralLength(ReadOnlySpan<byte> block, int code, ref int position)
    {
        if (code < 60)
            return code + 1;
        var length = 0;
        for (var i = 0; i < code - 59; i++)
            length |= block[position++] << (8 * i);
        return length + 1;
    }

    private static int Varint(ReadOnlySpan<byte> block, ref int position)
    {
        var value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var b = block[position++];
            value |= (b & 0x7f) << shift;
            if ((b & 0x80) == 0)
                return value;
        }
    }
}
