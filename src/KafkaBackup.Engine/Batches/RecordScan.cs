using System.Runtime.CompilerServices;

namespace KafkaBackup.Engine.Batches;

/// <summary>Reads Kafka's variable-length numbers from a window, and asks the window for more where its bytes end.</summary>
internal ref struct RecordScan(RecordWindow window)
{
    private readonly RecordWindow _window = window;
    private ReadOnlySpan<byte> _bytes = window.Bytes;
    private int _at;

    /// <summary>The place in the decompressed records.</summary>
    public readonly long Position => _window.Position + _at;

    public readonly bool AtEnd => _at == _bytes.Length && !MoreComes();

    public byte Byte()
    {
        if (_at == _bytes.Length)
        {
            Refill(1);
        }

        return _at < _bytes.Length ? _bytes[_at++] : throw Ended();
    }

    /// <summary>A signed 32-bit number in zigzag form.</summary>
    public int Int32()
    {
        var value = Int64();
        return value is >= int.MinValue and <= int.MaxValue
            ? (int)value
            : throw new BatchDamagedException($"a length or delta of {value:N0} in its decompressed records", Position);
    }

    /// <summary>A signed 64-bit number in zigzag form.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Int64()
    {
        // Most take one or two bytes.
        if (_bytes.Length - _at >= 2)
        {
            uint bits = _bytes[_at];
            if (bits < 0x80)
            {
                _at++;
                return (int)(bits >> 1) ^ -(int)(bits & 1);
            }

            uint second = _bytes[_at + 1];
            if (second < 0x80)
            {
                _at += 2;
                bits = (bits & 0x7F) | (second << 7);
                return (int)(bits >> 1) ^ -(int)(bits & 1);
            }
        }

        return LongInt64();
    }

    /// <summary>Passes bytes without holding them.</summary>
    public void Skip(int count)
    {
        while (count > _bytes.Length - _at)
        {
            count -= _bytes.Length - _at;
            _at = _bytes.Length;
            Refill(1);
            if (_bytes.Length == 0)
            {
                throw Ended();
            }
        }

        _at += count;
    }

    /// <summary>Leaves the window where this scan has come to.</summary>
    public void Close()
    {
        _window.Advance(_at);
        _bytes = _window.Bytes;
        _at = 0;
    }

    private long LongInt64()
    {
        if (_bytes.Length - _at < KafkaVarint.MaxLength)
        {
            Refill(KafkaVarint.MaxLength);
        }

        return KafkaVarint.TryRead(_bytes, ref _at, out var value)
            ? value
            : throw new BatchDamagedException("a number in its decompressed records does not end", Position);
    }

    private void Refill(int count)
    {
        _window.Advance(_at);
        _window.Require(count);
        _bytes = _window.Bytes;
        _at = 0;
    }

    private readonly bool MoreComes()
    {
        _window.Advance(_at);
        var more = _window.Require(1);
        _window.Advance(-_at);
        return more;
    }

    private readonly BatchDamagedException Ended() => new("its decompressed records end in the middle of a record", Position);
}
