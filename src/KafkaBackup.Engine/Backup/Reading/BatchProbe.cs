using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Looks into a batch for single records: at its edges, where only some of its offsets count, and for one that is to be met again. All
/// other batches pass without being decoded here. Not for several threads.
/// </summary>
internal sealed unsafe class BatchProbe : IDisposable
{
    private readonly BatchCursor _cursor = new();
    private readonly OffsetHeaders _headers = new();
    private HeaderSlice[] _slices = new HeaderSlice[16];

    /// <summary>How many records a batch has from one offset to below another.</summary>
    /// <param name="latest">Only those stamped at or before it.</param>
    /// <exception cref="BatchDamagedException">It does not decode.</exception>
    public int Count(in RecordBatch batch, long from, long to, long latest = long.MaxValue)
    {
        var isWhole = from <= batch.BaseOffset && to >= batch.NextOffset;
        if (latest == long.MaxValue && (isWhole || !batch.HasHoles))
        {
            return isWhole ? batch.RecordCount : (int)(Math.Min(to, batch.NextOffset) - Math.Max(from, batch.BaseOffset));
        }

        var count = 0;
        _cursor.Open(batch);
        while (_cursor.MoveNext())
        {
            count += _cursor.Offset >= from && _cursor.Offset < to && _cursor.Timestamp <= latest ? 1 : 0;
        }

        return count;
    }

    /// <summary>Null when the batch has none at this offset.</summary>
    /// <exception cref="BatchDamagedException">It does not decode.</exception>
    public ProbedRecord? Find(in RecordBatch batch, long offset)
    {
        if (offset < batch.BaseOffset || offset > batch.LastOffset)
        {
            return null;
        }

        _cursor.Open(batch);
        while (_cursor.MoveNext())
        {
            if (_cursor.Offset == offset)
            {
                return Show(batch);
            }
        }

        return null;
    }

    public void Dispose()
    {
        _cursor.Dispose();
        _headers.Dispose();
    }

    private ProbedRecord Show(in RecordBatch batch)
    {
        fixed (byte* start = _cursor.RawHeaders)
        {
            var count = 0;
            for (var headers = _cursor.Headers; headers.MoveNext(); count++)
            {
                if (count == _slices.Length)
                {
                    Array.Resize(ref _slices, 2 * count);
                }

                _slices[count] = Slice(headers);
            }

            return ProbedRecord.Of(
                new RecordView
                {
                    Offset = _cursor.Offset,
                    Timestamp = _cursor.Timestamp,
                    TimestampKind = batch.IsLogAppendTime ? TimestampKind.LogAppendTime : TimestampKind.CreateTime,
                    Key = _cursor.Key,
                    KeyIsNull = _cursor.KeyIsNull,
                    Value = _cursor.Value,
                    ValueIsNull = _cursor.ValueIsNull,
                    Headers = _slices.AsSpan(0, count),
                    LeaderEpoch = batch.LeaderEpoch,
                },
                _headers
            );
        }
    }

    /// <summary>While the bytes that the header lies in are pinned.</summary>
    private static HeaderSlice Slice(in RecordHeaders header)
    {
        fixed (
            byte* name = header.Name,
                value = header.Value
        )
        {
            return new HeaderSlice(name, header.Name.Length, value, header.ValueIsNull ? -1 : header.Value.Length);
        }
    }
}
