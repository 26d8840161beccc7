namespace KafkaBackup.Testing.Records;

/// <summary>Makes raw LZ4 blocks for tests: honest ones with matches, and literals only.</summary>
public static class Lz4Image
{
    private const int ShortestMatch = 4;
    private const int LastLiterals = 5;
    private const int FarthestMatch = 65_535;

    /// <summary>Greedy: takes the last place where the same four bytes stood.</summary>
    public static byte[] Compress(ReadOnlySpan<byte> source)
    {
        var output = new List<byte>();
        var seen = new Dictionary<uint, int>();
        var anchor = 0;
        var at = 0;
        while (at + ShortestMatch + LastLiterals < source.Length)
        {
            var four = BitConverter.ToUInt32(source[at..]);
            var found = seen.TryGetValue(four, out var before) && at - before <= FarthestMatch;
            seen[four] = at;
            if (!found)
            {
                at++;
                continue;
            }

            var length = ShortestMatch;
            while (at + length < source.Length - LastLiterals && source[before + length] == source[at + length])
            {
                length++;
            }

            Sequence(output, source[anchor..at], at - before, length);
            at += length;
            anchor = at;
        }

        Sequence(output, source[anchor..], 0, 0);
        return [.. output];
    }

    public static byte[] Literals(ReadOnlySpan<byte> source)
    {
        var output = new List<byte>();
        Sequence(output, source, 0, 0);
        return [.. output];
    }

    /// <summary>One sequence; without a match when the match length is 0.</summary>
    public static void Sequence(ICollection<byte> output, ReadOnlySpan<byte> literals, int distance, int matchLength)
    {
        ArgumentNullException.ThrowIfNull(output);
        var match = matchLength == 0 ? 0 : matchLength - ShortestMatch;
        output.Add((byte)((Math.Min(literals.Length, 15) << 4) | Math.Min(match, 15)));
        Extend(output, literals.Length);
        foreach (var literal in literals)
        {
            output.Add(literal);
        }

        if (matchLength > 0)
        {
            output.Add((byte)distance);
            output.Add((byte)(distance >> 8));
            Extend(output, match);
        }
    }

    private static void Extend(ICollection<byte> output, int length)
    {
        if (length < 15)
        {
            return;
        }

        for (length -= 15; length >= 255; length -= 255)
        {
            output.Add(255);
        }

        output.Add((byte)length);
    }
}
