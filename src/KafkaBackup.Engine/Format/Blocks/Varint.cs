namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>
/// Unsigned LEB128, seven bits a byte, low ones first; zigzag puts the sign in the lowest bit. Callers have room for ten bytes.
/// </summary>
internal static unsafe class Varint
{
    public const int MaxLength = 10;

    public static byte* Write(byte* target, ulong value)
    {
        while (value >= 0x80)
        {
            *target++ = (byte)(value | 0x80);
            value >>= 7;
        }

        *target++ = (byte)value;
        return target;
    }

    public static ulong ZigZag(long value) => ((ulong)value << 1) ^ (ulong)(value >> 63);

    public static long UnZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    /// <summary>Null when the bytes end early or hold more than 64 bits; else where the next field starts.</summary>
    public static byte* Read(byte* source, byte* end, out ulong value)
    {
        if (end - source >= 2)
        {
            uint first = source[0];
            if (first < 0x80)
            {
                value = first;
                return source + 1;
            }

            uint second = source[1];
            if (second < 0x80)
            {
                value = (first & 0x7F) | (second << 7);
                return source + 2;
            }
        }

        return ReadLong(source, end, out value);
    }

    private static byte* ReadLong(byte* source, byte* end, out ulong value)
    {
        value = 0;
        for (var shift = 0; shift < 64 && source < end; shift += 7)
        {
            ulong next = *source++;
            if (shift == 63 && next > 1)
            {
                return null;
            }

            value |= (next & 0x7F) << shift;
            if (next < 0x80)
            {
                return source;
            }
        }

        return null;
    }
}
