using System.Buffers.Binary;
using System.Buffers.Text;
using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Records;

/// <summary>The headers in which a restored record says where it came from (rule E1), as readers see them.</summary>
public static class OriginalOffset
{
    /// <summary>Text, or the Rust tool's eight bytes little-endian; eight ASCII digits are text. Null when it is neither.</summary>
    public static long? Parse(ReadOnlySpan<byte> value)
    {
        if (value.Length > 0 && Utf8Parser.TryParse(value, out long number, out var used) && used == value.Length)
        {
            return number;
        }

        return value.Length == sizeof(long) ? BinaryPrimitives.ReadInt64LittleEndian(value) : null;
    }

    /// <summary>The original offset that the newest restore has put down; null when there is none, or none that can be read.</summary>
    public static long? Of(in RecordView record) => Number(record.Headers, HeaderNames.OriginalOffsetBytes);

    /// <summary>The original timestamp, likewise.</summary>
    public static long? TimestampOf(in RecordView record) => Number(record.Headers, HeaderNames.OriginalTimestampBytes);

    /// <summary>The header of that name that the n-th newest restore has added, 1 for the newest; -1 when there are not so many.</summary>
    public static int IndexOf(ReadOnlySpan<HeaderSlice> headers, ReadOnlySpan<byte> name, int nthNewest)
    {
        for (var i = headers.Length - 1; i >= 0; i--)
        {
            if (headers[i].Name.SequenceEqual(name) && --nthNewest == 0)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>The number in the n-th newest header of that name.</summary>
    public static long? Number(ReadOnlySpan<HeaderSlice> headers, ReadOnlySpan<byte> name, int nthNewest = 1) =>
        IndexOf(headers, name, nthNewest) is >= 0 and var index ? Parse(headers[index].Value) : null;

    /// <summary>How many restores the record has been through that left their header.</summary>
    public static int Count(ReadOnlySpan<HeaderSlice> headers)
    {
        var count = 0;
        foreach (ref readonly var header in headers)
        {
            count += header.Name.SequenceEqual(HeaderNames.OriginalOffsetBytes) ? 1 : 0;
        }

        return count;
    }
}
