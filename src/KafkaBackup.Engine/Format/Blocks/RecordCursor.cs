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
    private BatchRecords? _batches;
    private RecordParts _record;
    private BlockStats _stats;

    internal RecordCursor(RecordBlock block)
    {
        _block = block;
        _record.Headers = [];
        if (block.Info.HoldsBatches)
        {
            _batches = block.RentDecoder();
            _batches.Open(block);
        }
        else
        {
            _next = block.Content;
            _end = _next + block.Info.RawLength;
        }
    }

    /// <summary>Valid until the cursor moves.</summary>
    public readonly RecordView Current => _record.View;

    public bool MoveNext()
    {
        if (_batches is not null ? !_batches.Next(ref _record) : _next == _end)
        {
            if (_stats != _block.Info.Stats)
            {
                throw _block.Damaged("its records are not those that its header describes");
            }

            return false;
        }

        if (_batches is null && !Decode())
        {
            throw _block.Damaged($"record {_stats.RecordCount} of it cannot be decoded");
        }

        _stats = _stats.Add(_record.Offset, _record.Timestamp, _record.Payload);
        return true;
    }

    /// <summary>Called by <c>foreach</c>: gives back what batches were decoded with.</summary>
    public void Dispose()
    {
        _batches?.Dispose();
        _batches = null;
    }

    private bool Decode()
    {
        var source = _next;
        var flags = *source++;
        var kind = (TimestampKind)(flags & RecordEncoder.TimestampKindMask);
        if ((flags & ~RecordEncoder.AllFlags) != 0 || kind > TimestampKind.LogAppendTime)
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

        _record.Payload = 0;
        if (
            !TakeBytes(ref source, (flags & RecordEncoder.KeyIsNull) != 0, out _record.Key, out _record.KeyLength)
            || !TakeBytes(ref source, (flags & RecordEncoder.ValueIsNull) != 0, out _record.Value, out _record.ValueLength)
        )
        {
            return false;
        }

        _record.HeaderCount = 0;
        if ((flags & RecordEncoder.HasHeaders) != 0 && !DecodeHeaders(ref source))
        {
            return false;
        }

        _next = source;
        _record.Offset = offset;
        _record.Timestamp = _stats.LastTimestamp + Varint.UnZigZag(timestampDelta);
        _record.TimestampKind = kind;
        _record.LeaderEpoch = -1;
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
            _record.Payload += Math.Max(0, valueLength);
            _record.Headers = _block.HeadersWithRoom(number);
            _record.Headers[number] = new HeaderSlice(name, nameLength, value, valueLength);
        }

        _record.HeaderCount = (int)count;
        return true;
    }

    private bool TakeBytes(ref byte* source, bool isNull, out byte* bytes, out int length)
    {
        bytes = source;
        length = -1;
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
        _record.Payload += length;
        return true;
    }
}
