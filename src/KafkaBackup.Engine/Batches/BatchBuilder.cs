using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using KafkaBackup.Engine.Batches.Codecs;

namespace KafkaBackup.Engine.Batches;

/// <summary>
/// Builds batches from records, one after the other: <see cref="Begin"/>, <see cref="Append"/> for each record, <see cref="Build"/>. What
/// it built is valid until the next <see cref="Begin"/>. One builder serves one thread.
/// </summary>
public sealed class BatchBuilder : IDisposable
{
    private readonly ArrayBufferWriter<byte> _records = new();
    private readonly ArrayBufferWriter<byte> _batch = new();
    private readonly RecordCompressor _compressor = new();
    private BatchCodec _codec;
    private int _level;
    private long _baseOffset;
    private long _baseTimestamp;
    private long _maxTimestamp;
    private long _lastOffset;
    private long? _appendTime;

    /// <summary>Records appended since <see cref="Begin"/>.</summary>
    public int Count { get; private set; }

    /// <summary>What the batch takes before compression.</summary>
    public long PlainBytes => RecordBatch.HeaderLength + (long)_records.WrittenCount;

    /// <param name="level">The codec's own; null for its default. Snappy has none.</param>
    /// <param name="appendTime">Marks the batch as stamped by a broker at that time, which is then every record's timestamp.</param>
    public void Begin(BatchCodec codec = BatchCodec.None, int? level = null, long? appendTime = null)
    {
        _records.ResetWrittenCount();
        Count = 0;
        _codec = codec;
        _level = level ?? RecordCompressor.DefaultLevel(codec);
        _appendTime = appendTime;
    }

    /// <summary>Offsets must go up; holes between them are kept.</summary>
    public void Append(long offset, long timestamp, in RecordFields fields)
    {
        timestamp = _appendTime ?? timestamp;
        if (Count == 0)
        {
            (_baseOffset, _baseTimestamp, _maxTimestamp, _lastOffset) = (offset, timestamp, timestamp, offset - 1);
        }

        if (offset <= _lastOffset || offset - _baseOffset > int.MaxValue - 1)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"follows {_lastOffset} in a batch that begins at {_baseOffset}");
        }

        var timestampDelta = unchecked(timestamp - _baseTimestamp);
        var offsetDelta = offset - _baseOffset;
        var body =
            1
            + KafkaVarint.Length(timestampDelta)
            + KafkaVarint.Length(offsetDelta)
            + FieldLength(fields.Key.Length, fields.KeyIsNull)
            + FieldLength(fields.Value.Length, fields.ValueIsNull)
            + KafkaVarint.Length(fields.HeaderCount)
            + fields.RawHeaders.Length;
        var span = _records.GetSpan(checked(body + KafkaVarint.MaxLength));
        var place = KafkaVarint.Write(span, body);
        span[place++] = 0;
        place += KafkaVarint.Write(span[place..], timestampDelta);
        place += KafkaVarint.Write(span[place..], offsetDelta);
        place += WriteField(span[place..], fields.Key, fields.KeyIsNull);
        place += WriteField(span[place..], fields.Value, fields.ValueIsNull);
        place += KafkaVarint.Write(span[place..], fields.HeaderCount);
        fields.RawHeaders.CopyTo(span[place..]);
        _records.Advance(place + fields.RawHeaders.Length);
        _lastOffset = offset;
        _maxTimestamp = Math.Max(_maxTimestamp, timestamp);
        Count++;
    }

    /// <summary>
    /// The whole batch, sealed, with its own offsets and without a producer; <see cref="BatchStamp"/> makes it one's own.
    /// </summary>
    public Memory<byte> Build()
    {
        if (Count == 0)
        {
            throw new InvalidOperationException("A batch needs a record.");
        }

        _batch.ResetWrittenCount();
        _batch.GetSpan(RecordBatch.HeaderLength);
        _batch.Advance(RecordBatch.HeaderLength);
        _compressor.Compress(_codec, _level, _records.WrittenMemory, _batch);
        var batch = MemoryMarshal.AsMemory(_batch.WrittenMemory);
        var header = batch.Span;
        BinaryPrimitives.WriteInt64BigEndian(header, _baseOffset);
        BinaryPrimitives.WriteInt32BigEndian(header[8..], batch.Length - RecordBatch.PrefixLength);
        BatchStamp.SetLeaderEpoch(header, -1);
        header[RecordBatch.MagicPlace] = RecordBatch.CurrentMagic;
        var attributes = (short)((int)_codec | (_appendTime is null ? 0 : RecordBatch.LogAppendTimeBit));
        BinaryPrimitives.WriteInt16BigEndian(header[RecordBatch.AttributesPlace..], attributes);
        BinaryPrimitives.WriteInt32BigEndian(header[RecordBatch.LastOffsetDeltaPlace..], (int)(_lastOffset - _baseOffset));
        BinaryPrimitives.WriteInt64BigEndian(header[RecordBatch.BaseTimestampPlace..], _baseTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(header[RecordBatch.MaxTimestampPlace..], _maxTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(header[RecordBatch.ProducerIdPlace..], -1);
        BinaryPrimitives.WriteInt16BigEndian(header[RecordBatch.ProducerEpochPlace..], -1);
        BinaryPrimitives.WriteInt32BigEndian(header[RecordBatch.BaseSequencePlace..], -1);
        BinaryPrimitives.WriteInt32BigEndian(header[RecordBatch.RecordCountPlace..], Count);
        BatchStamp.Seal(header);
        return batch;
    }

    public void Dispose() => _compressor.Dispose();

    private static int FieldLength(int length, bool isNull) => isNull ? 1 : KafkaVarint.Length(length) + length;

    private static int WriteField(Span<byte> target, ReadOnlySpan<byte> field, bool isNull)
    {
        var place = KafkaVarint.Write(target, isNull ? -1 : field.Length);
        if (isNull)
        {
            return place;
        }

        field.CopyTo(target[place..]);
        return place + field.Length;
    }
}
