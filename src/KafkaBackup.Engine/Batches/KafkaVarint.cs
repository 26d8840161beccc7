namespace KafkaBackup.Engine.Batches;

/// <summary>Kafka's variable-length numbers: LEB128, the sign in the lowest bit (zigzag).</summary>
internal static class KafkaVarint
{
    public const int MaxLength = 10;

    /// <summary>False when the bytes end first, or hold more than 64 bits.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, ref int place, out long value)
    {
        var bits = 0UL;
        for (var shift = 0; shift < 64 && place < bytes.Length; shift += 7)
        {
            ulong next = bytes[place++];
            if (shift == 63 && next > 1)
            {
                break;
            }

            bits |= (next & 0x7F) << shift;
            if (next < 0x80)
            {
                value = (long)(bits >> 1) ^ -(long)(bits & 1);
                return true;
            }
        }

        value = 0;
        return false;
    }

    public static int Write(Span<byte> target, long value)
    {
        var bits = ((ulong)value << 1) ^ (ulong)(value >> 63);
        var place = 0;
        for (; bits >= 0x80; bits >>= 7)
        {
            target[place++] = (byte)(bits | 0x80);
        }

        target[place++] = (byte)bits;
        return place;
    }

    public static int Length(long value)
    {
        var bits = ((ulong)value << 1) ^ (ulong)(value >> 63);
        return (System.Numerics.BitOperations.Log2(bits | 1) / 7) + 1;
    }
}
