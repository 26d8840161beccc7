using System.Buffers;
using System.Globalization;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Records;
using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Gives records two headers more, behind their own: where it stood in the source and when it was made, as decimal text (rule E1). For
/// backups that other tools restore, which know nothing of the offsets that a segment keeps anyway. What is given lives until the next
/// call.
/// </summary>
internal sealed unsafe class OffsetHeaders : IDisposable
{
    private const int LongestNumber = 20;

    // Pinned, for a slice is made of addresses: both names, then room for both values.
    private readonly byte[] _memory;
    private readonly byte* _start;
    private readonly BatchCursor _cursor = new();
    private readonly BatchBuilder _builder = new();
    private readonly ArrayBufferWriter<byte> _rawHeaders = new();
    private HeaderSlice[] _slices = new HeaderSlice[8];

    public OffsetHeaders()
    {
        _memory = GC.AllocateUninitializedArray<byte>(OffsetName.Length + TimestampName.Length + (2 * LongestNumber), pinned: true);
        OffsetName.CopyTo(_memory);
        TimestampName.CopyTo(_memory.AsSpan(OffsetName.Length));
        _start = (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _memory[0]);
    }

    private static ReadOnlySpan<byte> OffsetName => HeaderNames.OriginalOffsetBytes;

    private static ReadOnlySpan<byte> TimestampName => HeaderNames.OriginalTimestampBytes;

    public RecordView With(in RecordView record)
    {
        var count = record.Headers.Length;
        if (_slices.Length < count + 2)
        {
            _slices = new HeaderSlice[Math.Max(count + 2, _slices.Length * 2)];
        }

        record.Headers.CopyTo(_slices);
        var values = OffsetName.Length + TimestampName.Length;
        _slices[count] = Slice(0, OffsetName.Length, values, record.Offset);
        _slices[count + 1] = Slice(OffsetName.Length, TimestampName.Length, values + LongestNumber, record.Timestamp);
        return new RecordView
        {
            Offset = record.Offset,
            Timestamp = record.Timestamp,
            TimestampKind = record.TimestampKind,
            Key = record.Key,
            KeyIsNull = record.KeyIsNull,
            Value = record.Value,
            ValueIsNull = record.ValueIsNull,
            Headers = _slices.AsSpan(0, count + 2),
            LeaderEpoch = record.LeaderEpoch,
        };
    }

    /// <summary>The batch rebuilt from its records, with the codec that it had; offsets, times and leader epoch are the same.</summary>
    /// <exception cref="BatchDamagedException">It does not decode.</exception>
    public RecordBatch With(in RecordBatch batch)
    {
        _builder.Begin(batch.Codec, appendTime: batch.IsLogAppendTime ? batch.MaxTimestamp : null);
        _cursor.Open(batch);
        while (_cursor.MoveNext())
        {
            _rawHeaders.ResetWrittenCount();
            _rawHeaders.Write(_cursor.RawHeaders);
            AppendHeader(OffsetName, _cursor.Offset);
            AppendHeader(TimestampName, _cursor.Timestamp);
            _builder.Append(
                _cursor.Offset,
                _cursor.Timestamp,
                new RecordFields
                {
                    Key = _cursor.Key,
                    KeyIsNull = _cursor.KeyIsNull,
                    Value = _cursor.Value,
                    ValueIsNull = _cursor.ValueIsNull,
                    HeaderCount = _cursor.HeaderCount + 2,
                    RawHeaders = _rawHeaders.WrittenSpan,
                }
            );
        }

        var built = _builder.Build();
        BatchStamp.SetLeaderEpoch(built.Span, batch.LeaderEpoch);
        return RecordBatch.Open(built);
    }

    public void Dispose()
    {
        _cursor.Dispose();
        _builder.Dispose();
    }

    private void AppendHeader(ReadOnlySpan<byte> name, long number)
    {
        Span<byte> value = stackalloc byte[LongestNumber];
        _ = number.TryFormat(value, out var length, provider: CultureInfo.InvariantCulture);
        RecordFields.AppendHeader(_rawHeaders, name, value[..length]);
    }

    private HeaderSlice Slice(int name, int nameLength, int value, long number)
    {
        _ = number.TryFormat(_memory.AsSpan(value, LongestNumber), out var length, provider: CultureInfo.InvariantCulture);
        return new HeaderSlice(_start + name, nameLength, _start + value, length);
    }
}
