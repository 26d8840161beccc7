using System.Buffers.Binary;
using System.Buffers.Text;

namespace KafkaBackup.Engine.Records;

/// <summary>The headers in which a restored record says where it came from (SEMANTICS E1), as readers see them.</summary>
public static class OriginalOffset
{
    public static ReadOnlySpan<byte> OffsetName => "x-original-offset"u8;

    public static ReadOnlySpan<byte> TimestampName => "x-original-timestamp"u8;

    /// <summary>Text, or the Rust tool's eight bytes little-endian; eight ASCII digits are text. Null when it is neither.</summary>
    public static long? Parse(ReadOnlySpan<byte> value)
    {
        if (value.Length > 0 && Utf8Parser.TryParse(value, out long number, out var used) && used == value.Length)
        {
            return number;
        }

        return value.Length == sizeof(long) ? BinaryPrimitives.ReadInt64LittleEndian(value) : null;
    }

    /// <summary>The last header of that name, which is the newest restore's own; -1 when there is none.</summary>
    public static int LastIndexOf(ReadOnlySpan<HeaderSlice> headers, ReadOnlySpan<byte> name)
    {
        for (var i = headers.Length - 1; i >= 0; i--)
        {
            if (headers[i].Name.SequenceEqual(name))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>How many restores the record has been through that left their header.</summary>
    public static int Count(ReadOnlySpan<HeaderSlice> headers)
    {
        var count = 0;
        foreach (ref readonly var header in headers)
        {
            count += header.Name.SequenceEqual(OffsetName) ? 1 : 0;
        }

        return count;
    }
}
