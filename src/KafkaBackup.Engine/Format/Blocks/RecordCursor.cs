using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>
/// Walks a block's records without allocating. Every length is checked against what is left, and at the block's end the records must amount
/// to exactly what its header says.
/// </summary>
public unsafe ref struct RecordCursor
{
    private readonly RecordBlock _block;
    private readonly byte* _end;
    private byte* _next;
    private BlockStats _stats;
    private byte _flags;
    private byte* _key;
    private int _keyLength;
    private byte* _value;
    private int _valueLength;
    private HeaderSlice[] _headers;
    private int _headerCount;
    private long _payload;

    internal RecordCursor(RecordBlock block)
    {
        _block = block;
        _next = block.Content;
        _end = _next + block.Info.RawLength;
        _headers = [];
    }

    /// <summary>Valid until the cursor moves.</summary>
    public readonly RecordView Current =>
        new()
        {
            Offset = _stats.LastOffset,
            Timestamp = _stats.LastTimestamp,
            TimestampKind = (TimestampKind)(_flags & RecordEncoder.TimestampKindMask),
            Key = new ReadOnlySpan<byte>(_key, _keyLength),
            KeyIsNull = (_flags & RecordEncoder.KeyIsNull) != 0,
            Value = new ReadOnlySpan<byte>(_value, _valueLength),
            ValueIsNull = (_flags & RecordEncoder.ValueIsNull) != 0,
            Headers = new ReadOnlySpan<HeaderSlice>(_headers, 0, _headerCount),
            LeaderEpoch = -1,
        };

    public bool MoveNext()
    {
        if (_next == _end)
        {
            if (_stats != _block.Info.Stats)
            {
                throw _block.Damaged("its records are not those that its header describes");
            }

            return false;
        }

        if (!Decode())
        {
            throw _block.Damaged($"record {_stats.RecordCount} of it cannot be decoded");
        }

        return true;
    }

    private bool Decode()
    {
        var source = _next;
        _flags = *source++;
        if ((_flags & ~RecordEncoder.AllFlags) != 0 || (_flags & RecordEncoder.TimestampKindMask) > (byte)TimestampKind.LogAppendTime)
        {
            return false;
        }

        source = Varint.Read(source, _end, out var offsetDelta);
        if (source is null)
        {
            return false;
        }

        source = Varint.Read(source, _end, out var timestampDelta);
        if (source is null)
        {
            return false;
        }

        var offset = _stats.LastOffset + (long)offsetDelta;
        if (offset < 0 || (_stats.RecordCount > 0 && offset <= _stats.LastOffset))
        {
            return false;
        }

        _payload = 0;
        if (
            !TakeBytes(ref source, (_flags & RecordEncoder.KeyIsNull) != 0, out _key, out _keyLength)
            || !TakeBytes(ref source, (_flags & RecordEncoder.ValueIsNull) != 0, out _value, out _valueLength)
        )
        {
            return false;
        }

        _headerCount = 0;
        if ((_flags & RecordEncoder.HasHeaders) != 0 && !DecodeHeaders(ref source))
        {
            return false;
        }

        _next = source;
        _stats = _stats.Add(offset, _stats.LastTimestamp + Varint.UnZigZag(timestampDelta), _payload);
        return true;
    }

    private bool DecodeHeaders(ref byte* source)
    {
        source = Varint.Read(source, _end, out var count);
        if (source is null || count == 0 || count > (ulong)(_end - source) / 2)
        {
            return false;
        }

        for (var number = 0; number < (int)count; number++)
        {
            if (!TakeBytes(ref source, isNull: false, out var name, out var nameLength))
            {
                return false;
            }

            source = Varint.Read(source, _end, out var lengthAndOne);
            if (source is null || lengthAndOne > (ulong)(_end - source) + 1)
            {
                return false;
            }

            var value = source;
            var valueLength = (int)((long)lengthAndOne - 1);
            source += Math.Max(0, valueLength);
            _payload += Math.Max(0, valueLength);
            _headers = _block.HeadersWithRoom(number);
            _headers[number] = new HeaderSlice(name, nameLength, value, valueLength);
        }

        _headerCount = (int)count;
        return true;
    }

    private bool TakeBytes(ref byte* source, bool isNull, out byte* bytes, out int length)
    {
        bytes = source;
        length = 0;
        if (isNull)
        {
            return true;
        }

        source = Varint.Read(source, _end, out var declared);
        if (source is null || declared > (ulong)(_end - source))
        {
            return false;
        }

        bytes = source;
        length = (int)declared;
        source += length;
        _payload += length;
        return true;
    }
}
