using System.Globalization;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Shows a record with two headers more, behind its own: where it stood in the source and when it was made, as decimal text (rule E1). For
/// backups that other tools restore, which know nothing of the offsets that a segment keeps anyway. The record shown lives until the next
/// one.
/// </summary>
internal sealed unsafe class OffsetHeaders
{
    private const int LongestNumber = 20;

    // Pinned, for a slice is made of addresses: both names, then room for both values.
    private readonly byte[] _memory;
    private readonly byte* _start;
    private HeaderSlice[] _slices = new HeaderSlice[8];

    public OffsetHeaders()
    {
        _memory = GC.AllocateUninitializedArray<byte>(OffsetName.Length + TimestampName.Length + (2 * LongestNumber), pinned: true);
        OffsetName.CopyTo(_memory);
        TimestampName.CopyTo(_memory.AsSpan(OffsetName.Length));
        _start = (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _memory[0]);
    }

    private static ReadOnlySpan<byte> OffsetName => "x-original-offset"u8;

    private static ReadOnlySpan<byte> TimestampName => "x-original-timestamp"u8;

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

    private HeaderSlice Slice(int name, int nameLength, int value, long number)
    {
        _ = number.TryFormat(_memory.AsSpan(value, LongestNumber), out var length, provider: CultureInfo.InvariantCulture);
        return new HeaderSlice(_start + name, nameLength, _start + value, length);
    }
}
