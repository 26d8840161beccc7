using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>
/// Decodes the records that count of a block of batches, one by one, decompressing as it goes. Records outside of the window are passed
/// without being held. One thread at a time; dispose ends a walk and keeps the codecs' memory for the next.
/// </summary>
internal sealed unsafe class BatchRecords(BlockBufferPool? pool) : IDisposable
{
    /// <summary>Attributes and the two deltas of a record at their longest.</summary>
    private const int Prologue = 1 + (2 * Varint.MaxLength);

    private readonly RecordWindow _window = new();
    private RecordBlock _block = null!;
    private BatchSequence _batches;
    private RecordBatch _batch;
    private bool _isCompressed;
    private long _first;
    private long _last;
    private long _baseOffset;
    private long _baseTimestamp;
    private long? _appendTime;
    private int _leaderEpoch;
    private int _lastDelta;
    private int _left;
    private int _delta;
    private long _counted;

    // What the window holds, and how far into it we are: asked of it once for many records.
    private byte* _start;
    private byte* _at;
    private byte* _end;

    /// <summary>
    /// What a record of a compressed batch may take, so that a small file cannot ask for much memory; FORMAT.md says why it is enough.
    /// </summary>
    public static long LongestRecord(long largestPayload) => Math.Min(RecordWindow.LargestRecord, (16L << 20) + (4 * largestPayload));

    public void Open(RecordBlock block)
    {
        _block = block;
        _batches = block.Batches.GetEnumerator();
        (_first, _last) = (block.Info.Stats.FirstOffset, block.Info.Stats.LastOffset);
        (_left, _counted) = (0, 1);
        _start = _at = _end = null;
    }

    /// <summary>False behind the last record.</summary>
    /// <exception cref="Segments.SegmentDamagedException">What is not as a writer has left it.</exception>
    public bool Next(ref RecordParts record)
    {
        while (true)
        {
            if (_left == 0)
            {
                if (!NextBatch())
                {
                    return false;
                }
            }
            else if (Take(ref record))
            {
                return true;
            }
        }
    }

    public void Dispose()
    {
        _window.Close();
        _block = null!;
        _batches = default;
        _batch = default;
        if (pool is null)
        {
            _window.Dispose();
        }
        else
        {
            pool.Return(this);
        }
    }

    /// <summary>Frees what is kept between walks.</summary>
    public void Free() => _window.Dispose();

    private bool NextBatch()
    {
        if (_start is not null && (_at != _end || Have(1)))
        {
            throw Damaged("bytes follow its last record");
        }

        if (_counted == 0)
        {
            throw Damaged("no record of it counts");
        }

        if (!_batches.MoveNext())
        {
            return false;
        }

        _batch = _batches.Current.Batch;
        _isCompressed = _batch.Codec != BatchCodec.None;
        _baseOffset = _batch.BaseOffset;
        _baseTimestamp = _batch.BaseTimestamp;
        _appendTime = _batch.IsLogAppendTime ? _batch.MaxTimestamp : null;
        _leaderEpoch = _batch.LeaderEpoch;
        _lastDelta = _batch.LastOffsetDelta;
        (_left, _delta, _counted) = (_batch.RecordCount, -1, 0);
        try
        {
            _window.Open(_batch);
        }
        catch (BatchDamagedException damaged)
        {
            throw Damaged(damaged.Reason);
        }

        Load();
        return true;
    }

    /// <summary>The next record; false when it does not count.</summary>
    private bool Take(ref RecordParts record)
    {
        if (_end - _at < Varint.MaxLength)
        {
            Have(Varint.MaxLength);
        }

        var at = ReadNumber(_at, _end, out var length);
        if (at is null || length < 0)
        {
            throw Undecodable();
        }

        _at = at;
        if (_end - _at < length && !Have(Math.Min(length, Prologue)))
        {
            throw Undecodable();
        }

        var end = _end - _at < length ? _end : _at + length;
        at = ReadPrologue(end, ref record);
        if (at is null)
        {
            throw Undecodable();
        }

        _left--;
        if (record.Offset < _first || record.Offset > _last)
        {
            Skip(length);
            return false;
        }

        if (_end - _at < length)
        {
            if (_isCompressed && length > LongestRecord(_block.Info.Stats.LargestRecord))
            {
                throw Damaged($"a record claims {length:N0} bytes, more than its block says");
            }

            var done = at - _at;
            if (!Have(length))
            {
                throw Undecodable();
            }

            at = _at + done;
        }

        end = _at + length;
        if (ReadRest(at, end, ref record) != end)
        {
            throw Undecodable();
        }

        _at = end;
        _counted++;
        return true;
    }

    private byte* ReadPrologue(byte* end, ref RecordParts record)
    {
        if (_at == end)
        {
            return null;
        }

        var at = Varint.Read(_at + 1, end, out var timestampDelta);
        if (at is null)
        {
            return null;
        }

        at = ReadNumber(at, end, out var delta);
        if (at is null || delta <= _delta || delta > _lastDelta)
        {
            return null;
        }

        _delta = delta;
        record.Offset = _baseOffset + delta;
        record.Timestamp = _appendTime ?? unchecked(_baseTimestamp + Varint.UnZigZag(timestampDelta));
        record.TimestampKind = _appendTime is null ? TimestampKind.CreateTime : TimestampKind.LogAppendTime;
        record.LeaderEpoch = _leaderEpoch;
        return at;
    }

    private byte* ReadRest(byte* at, byte* end, ref RecordParts record)
    {
        record.Payload = 0;
        at = ReadField(at, end, -1, ref record.Payload, out record.Key, out record.KeyLength);
        if (at is null)
        {
            return null;
        }

        at = ReadField(at, end, -1, ref record.Payload, out record.Value, out record.ValueLength);
        if (at is null)
        {
            return null;
        }

        at = ReadNumber(at, end, out var headers);
        if (at is null || headers < 0 || headers > (end - at) / 2)
        {
            return null;
        }

        record.HeaderCount = headers;
        for (var number = 0; number < headers; number++)
        {
            at = ReadField(at, end, 0, ref record.Payload, out var name, out var nameLength);
            if (at is null)
            {
                return null;
            }

            at = ReadField(at, end, -1, ref record.Payload, out var value, out var valueLength);
            if (at is null)
            {
                return null;
            }

            record.Headers = _block.HeadersWithRoom(number);
            record.Headers[number] = new HeaderSlice(name, nameLength, value, valueLength);
        }

        return at;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* ReadField(byte* at, byte* end, int least, ref long payload, out byte* field, out int length)
    {
        field = ReadNumber(at, end, out length);
        if (field is null || length < least || length > end - field)
        {
            return null;
        }

        var bytes = Math.Max(0, length);
        payload += bytes;
        return field + bytes;
    }

    /// <summary>A zigzag number of 32 bits; null when there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* ReadNumber(byte* at, byte* end, out int number)
    {
        at = Varint.Read(at, end, out var bits);
        var value = Varint.UnZigZag(bits);
        number = (int)value;
        return number == value ? at : null;
    }

    /// <summary>Passes a record without holding it.</summary>
    private void Skip(int length)
    {
        while (_end - _at < length)
        {
            length -= (int)(_end - _at);
            _at = _end;
            if (!Have(1))
            {
                throw Undecodable();
            }
        }

        _at += length;
    }

    /// <summary>Whether the window holds so many bytes more; otherwise it holds all that is left.</summary>
    private bool Have(int count)
    {
        _window.Advance((int)(_at - _start));
        try
        {
            return _window.Require(count);
        }
        catch (BatchDamagedException damaged)
        {
            throw Damaged(damaged.Reason);
        }
        finally
        {
            Load();
        }
    }

    /// <summary>The window's bytes do not move: they are native memory or pinned.</summary>
    private void Load()
    {
        var bytes = _window.Bytes;
        _start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes));
        _at = _start;
        _end = _start + bytes.Length;
    }

    private Segments.SegmentDamagedException Undecodable() => Damaged($"record {_batch.RecordCount - _left} of it cannot be decoded");

    private Segments.SegmentDamagedException Damaged(string problem) =>
        _block.Damaged($"its batch at offset {_batch.BaseOffset} is damaged: {problem}");
}
