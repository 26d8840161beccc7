using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>A record's bytes inside a block (FORMAT.md, "Records"). No managed memory; the caller has made sure of the room.</summary>
internal static unsafe class RecordEncoder
{
    public const byte TimestampKindMask = 0b0000_0011;
    public const byte KeyIsNull = 0b0000_0100;
    public const byte ValueIsNull = 0b0000_1000;
    public const byte HasHeaders = 0b0001_0000;
    public const byte AllFlags = TimestampKindMask | KeyIsNull | ValueIsNull | HasHeaders;

    // Flags, two deltas, the lengths of key and value (int: five bytes), the number of headers; and a header's two lengths.
    private const int FixedRoom = 1 + (2 * Varint.MaxLength) + (3 * 5);
    private const int HeaderRoom = 2 * 5;

    /// <summary>Bytes of key, value and headers, which may be more than an int holds.</summary>
    public static long PayloadBytes(in RecordView record)
    {
        var size = (long)record.Key.Length + record.Value.Length;
        foreach (ref readonly var header in record.Headers)
        {
            size += header.NameLength + (long)Math.Max(0, header.ValueLength);
        }

        return size;
    }

    /// <summary>Room that is enough for the record, a little more than it will take.</summary>
    public static long RoomFor(in RecordView record, long payloadBytes) =>
        FixedRoom + payloadBytes + ((long)HeaderRoom * record.Headers.Length);

    /// <summary>Deltas wrap around: any two longs have one.</summary>
    public static byte* Write(byte* target, in RecordView record, long previousOffset, long previousTimestamp)
    {
        var flags = (byte)record.TimestampKind;
        if (flags > (byte)TimestampKind.LogAppendTime)
        {
            throw new ArgumentException($"Timestamp kind {flags} is unknown.", nameof(record));
        }

        flags |= record.KeyIsNull ? KeyIsNull : (byte)0;
        flags |= record.ValueIsNull ? ValueIsNull : (byte)0;
        flags |= record.Headers.Length > 0 ? HasHeaders : (byte)0;
        *target++ = flags;
        target = Varint.Write(target, (ulong)(record.Offset - previousOffset));
        target = Varint.Write(target, Varint.ZigZag(record.Timestamp - previousTimestamp));
        if (!record.KeyIsNull)
        {
            target = WriteBytes(target, record.Key);
        }

        if (!record.ValueIsNull)
        {
            target = WriteBytes(target, record.Value);
        }

        return record.Headers.Length > 0 ? WriteHeaders(target, record.Headers) : target;
    }

    private static byte* WriteHeaders(byte* target, ReadOnlySpan<HeaderSlice> headers)
    {
        target = Varint.Write(target, (uint)headers.Length);
        foreach (ref readonly var header in headers)
        {
            target = WriteBytes(target, header.Name);
            if (header.ValueIsNull)
            {
                *target++ = 0;
                continue;
            }

            target = Varint.Write(target, (ulong)header.ValueLength + 1);
            header.Value.CopyTo(new Span<byte>(target, header.ValueLength));
            target += header.ValueLength;
        }

        return target;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* WriteBytes(byte* target, ReadOnlySpan<byte> bytes)
    {
        target = Varint.Write(target, (uint)bytes.Length);
        bytes.CopyTo(new Span<byte>(target, bytes.Length));
        return target + bytes.Length;
    }
}
