namespace KafkaBackup.Engine.Format.Foreign;

/// <summary>
/// One raw LZ4 block, decoded piece by piece so that a block of any size takes 64 KiB: matches reach no further back. Every distance is
/// checked against what has been written; damage is an InvalidDataException. Ours, because K4os.Compression.LZ4 decodes a raw block only as
/// a whole, in memory.
/// </summary>
internal sealed class Lz4Decoder
{
    private const int HistorySize = 1 << 16;
    private const int ShortestMatch = 4;
    private readonly byte[] _history = new byte[HistorySize];
    private Step _step = Step.Token;
    private long _written;
    private int _token;
    private long _pending;
    private int _distance;

    private enum Step
    {
        Token,
        LiteralLength,
        Literals,
        DistanceLow,
        DistanceHigh,
        MatchLength,
        Match,
    }

    /// <summary>True where a block may end: behind the literals of its last sequence, which has no match.</summary>
    public bool MayEnd => _step == Step.DistanceLow && _written > 0;

    /// <summary>Decodes until the source is used up or the target is full.</summary>
    public void Decode(ReadOnlySpan<byte> source, Span<byte> target, out int consumed, out int written)
    {
        var from = 0;
        var to = 0;
        while (Advance(source, ref from, target, ref to)) { }

        consumed = from;
        written = to;
    }

    /// <summary>One step; false when there is nothing more to take it with.</summary>
    private bool Advance(ReadOnlySpan<byte> source, ref int from, Span<byte> target, ref int to)
    {
        switch (_step)
        {
            case Step.Literals:
                return CopyLiterals(source, ref from, target, ref to);
            case Step.Match:
                return CopyMatch(target, ref to);
            default:
                if (from == source.Length)
                {
                    return false;
                }

                TakeByte(source[from++]);
                return true;
        }
    }

    private void TakeByte(byte next)
    {
        switch (_step)
        {
            case Step.Token:
                _token = next;
                _pending = next >> 4;
                _step = _pending == 15 ? Step.LiteralLength : Step.Literals;
                break;
            case Step.LiteralLength:
                _pending += next;
                _step = next == 255 ? Step.LiteralLength : Step.Literals;
                break;
            case Step.DistanceLow:
                _distance = next;
                _step = Step.DistanceHigh;
                break;
            case Step.DistanceHigh:
                _distance |= next << 8;
                if (_distance == 0 || _distance > _written)
                {
                    throw new InvalidDataException("a match points before the block's start");
                }

                _pending = (_token & 15) + ShortestMatch;
                _step = (_token & 15) == 15 ? Step.MatchLength : Step.Match;
                break;
            case Step.MatchLength:
                _pending += next;
                _step = next == 255 ? Step.MatchLength : Step.Match;
                break;
        }
    }

    private bool CopyLiterals(ReadOnlySpan<byte> source, ref int from, Span<byte> target, ref int to)
    {
        var count = (int)Math.Min(_pending, Math.Min(source.Length - from, target.Length - to));
        var literals = source.Slice(from, count);
        literals.CopyTo(target[to..]);
        Remember(literals);
        from += count;
        to += count;
        _pending -= count;
        if (_pending > 0)
        {
            return count > 0;
        }

        _step = Step.DistanceLow;
        return true;
    }

    private bool CopyMatch(Span<byte> target, ref int to)
    {
        var count = (int)Math.Min(_pending, target.Length - to);
        for (var number = 0; number < count; number++)
        {
            // Byte by byte: a match may overlap what it makes.
            var next = _history[(_written - _distance) & (HistorySize - 1)];
            target[to++] = next;
            _history[_written++ & (HistorySize - 1)] = next;
        }

        _pending -= count;
        if (_pending > 0)
        {
            return count > 0;
        }

        _step = Step.Token;
        return true;
    }

    private void Remember(ReadOnlySpan<byte> bytes)
    {
        var place = (int)(_written & (HistorySize - 1));
        _written += bytes.Length;
        if (bytes.Length >= HistorySize)
        {
            // Only the last 64 KiB can be pointed at; they go to where their positions fall.
            bytes = bytes[^HistorySize..];
            place = (int)(_written & (HistorySize - 1));
        }

        var first = Math.Min(bytes.Length, HistorySize - place);
        bytes[..first].CopyTo(_history.AsSpan(place));
        bytes[first..].CopyTo(_history);
    }
}
