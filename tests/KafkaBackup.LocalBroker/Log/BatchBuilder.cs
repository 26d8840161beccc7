using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using KafkaBackup.LocalBroker.Log.Compression;

namespace KafkaBackup.LocalBroker.Log;

/// <summary>Encodes records into one batch: for seeding topics, control markers and rewritten (compacted) batches.</summary>
internal sealed class BatchBuilder
{
    private readonly ArrayBufferWriter<byte> _records = new();
    private readonly byte[] _varint = new byte[10];
    private readonly ArrayBufferWriter<byte> _record = new();
    private long _baseOffset;
    private long _baseTimestamp;
    private long _maxTimestamp = long.MinValue;
    private long _lastOffset;
    private int _count;

    public int Count => _count;

    /// <summary>A builder that holds the records, numbered from 0.</summary>
    public static BatchBuilder Of(IEnumerable<LocalRecord> records)
    {
        var builder = new BatchBuilder();
        foreach (var record in records)
            builder.Add(
                builder.Count,
                record.Timestamp,
                record.Key,
                record.Key is null,
                record.Value,
                record.Value is null,
                record.Headers
            );
        return builder.Count == 0 ? throw new ArgumentException("There is no record to append.") : builder;
    }

    public void Add(
        long offset,
        long timestamp,
        ReadOnlySpan<byte> key,
        bool nullKey,
        ReadOnlySpan<byte> value,
        bool nullValue,
        IReadOnlyCollection<(string Name, byte[]? Value)> headers,
        long? baseOffset = null
    )
    {
        if (_count++ == 0)
        {
            _baseOffset = baseOffset ?? offset;
            _baseTimestamp = timestamp;
        }

        _lastOffset = offset;
        _maxTimestamp = Math.Max(_maxTimestamp, timestamp);
        _record.ResetWrittenCount();
        _record.Write((ReadOnlySpan<byte>)[0]);
        Varint(_record, timestamp - _baseTimestamp);
        Varint(_record, offset - _baseOffset);
        Bytes(key, nullKey);
        Bytes(value, nullValue);
        Varint(_record, headers.Count);
        foreach (var (name, headerValue) in headers)
        {
            Bytes(Encoding.UTF8.GetBytes(name), isNull: false);
            Bytes(headerValue, headerValue is null);
        }

        Varint(_records, _record.WrittenCount);
        _records.Write(_record.WrittenSpan);
    }

    /// <summary>Takes over a record of another batch, whose base offset may lie before the first record kept.</summary>
    public void Add(in RecordView record, long baseOffset) =>
        Add(
            record.Offset,
            record.Timestamp,
            record.Key.GetValueOrDefault().Span,
            record.Key is null,
            record.Value.GetValueOrDefault().Span,
            record.Value is null,
            [.. record.ReadHeaders()],
            baseOffset
        );

    public long MaxTimestamp => _maxTimestamp;

    /// <summary>A batch as a producer without idempotence sends it, at offset 0 of its own.</summary>
    public byte[] Build(int codec = 0) =>
        Build(
            new BatchHeader(
                _baseOffset,
                0,
                0,
                2,
                0,
                (short)codec,
                (int)(_lastOffset - _baseOffset),
                _baseTimestamp,
                _maxTimestamp,
                -1,
                -1,
                -1,
                _count
            )
        );

    /// <summary>A batch as a transactional producer sends it.</summary>
    public byte[] Build(long producerId, short producerEpoch, int baseSequence)
    {
        const short transactional = 0x10;
        return Build(
            new BatchHeader(
                _baseOffset,
                0,
                0,
                2,
                0,
                transactional,
                (int)(_lastOffset - _baseOffset),
                _baseTimestamp,
                _maxTimestamp,
                producerId,
                producerEpoch,
                baseSequence,
                _count
            )
        );
    }

    /// <summary>A batch with the given head; size, count and checksum are filled in.</summary>
    public byte[] Build(in BatchHeader like)
    {
        var payload = _records.WrittenSpan;
        if (like.Codec != 0)
            payload = Codecs.Compress(like.Codec, payload);
        var batch = new byte[BatchHeader.Length + payload.Length];
        payload.CopyTo(batch.AsSpan(BatchHeader.Length));
        (
            like with
            {
                Size = batch.Length,
                Magic = 2,
                Count = _count,
                BaseTimestamp = _count == 0 ? like.BaseTimestamp : _baseTimestamp,
            }
        ).Write(batch);
        BatchHeader.Seal(batch);
        return batch;
    }

    /// <summary>The record that ends a transaction in a partition.</summary>
    public static byte[] Marker(long producerId, short producerEpoch, bool commit, long timestamp, int coordinatorEpoch)
    {
        Span<byte> key = stackalloc byte[4];
        BinaryPrimitives.WriteInt16BigEndian(key[2..], commit ? (short)1 : (short)0);
        Span<byte> value = stackalloc byte[6];
        BinaryPrimitives.WriteInt32BigEndian(value[2..], coordinatorEpoch);
        var builder = new BatchBuilder();
        builder.Add(0, timestamp, key, false, value, false, []);
        const short transactionalControl = 0x30;
        return builder.Build(
            new BatchHeader(0, 0, 0, 2, 0, transactionalControl, 0, timestamp, timestamp, producerId, producerEpoch, -1, 1)
        );
    }

    private void Bytes(ReadOnlySpan<byte> value, bool isNull)
    {
        Varint(_record, isNull ? -1 : value.Length);
        if (!isNull)
            _record.Write(value);
    }

    private void Varint(ArrayBufferWriter<byte> target, long value)
    {
        var zigzag = (ulong)((value << 1) ^ (value >> 63));
        var length = 0;
        while (zigzag >= 0x80)
        {
            _varint[length++] = (byte)(zigzag | 0x80);
            zigzag >>= 7;
        }

        _varint[length++] = (byte)zigzag;
        target.Write(_varint.AsSpan(0, length));
    }
}
