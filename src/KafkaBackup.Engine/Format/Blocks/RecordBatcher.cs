using System.Buffers;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>
/// Makes batches of single records, for those that have none: records of version 1 that join others of version 2. Offsets, timestamps and
/// every byte stay; a record without a timestamp type gets create time, since batches know no other. Not for several threads.
/// </summary>
/// <param name="fullBytes">A batch is full with so many bytes; a larger record has one of its own.</param>
public sealed class RecordBatcher(BatchCodec codec = BatchCodec.None, int fullBytes = BlockBufferPool.SmallBlock) : IDisposable
{
    private readonly BatchBuilder _builder = new();
    private readonly ArrayBufferWriter<byte> _headers = new();
    private long? _appendTime;
    private long _firstOffset;

    public int Count { get; private set; }

    /// <summary>False: not added, build the batch, clear, and offer the record again.</summary>
    public bool TryAppend(in RecordView record)
    {
        long? appendTime = record.TimestampKind == TimestampKind.LogAppendTime ? record.Timestamp : null;
        if (Count > 0 && (appendTime != _appendTime || _builder.PlainBytes >= fullBytes || record.Offset - _firstOffset >= int.MaxValue))
        {
            return false;
        }

        if (Count == 0)
        {
            (_appendTime, _firstOffset) = (appendTime, record.Offset);
            _builder.Begin(codec, null, appendTime);
        }

        _headers.ResetWrittenCount();
        foreach (ref readonly var header in record.Headers)
        {
            RecordFields.AppendHeader(_headers, header.Name, header.Value, header.ValueIsNull);
        }

        _builder.Append(
            record.Offset,
            record.Timestamp,
            new RecordFields
            {
                Key = record.Key,
                KeyIsNull = record.KeyIsNull,
                Value = record.Value,
                ValueIsNull = record.ValueIsNull,
                HeaderCount = record.Headers.Length,
                RawHeaders = _headers.WrittenSpan,
            }
        );
        Count++;
        return true;
    }

    /// <summary>The batch of what was appended, valid until the next record is.</summary>
    public RecordBatch Build() => RecordBatch.Open(_builder.Build());

    /// <summary>The next record begins a new batch.</summary>
    public void Clear() => Count = 0;

    public void Dispose() => _builder.Dispose();
}
