using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Restore;

/// <summary>A record as it has to look in the target, kept to be held against what is there.</summary>
internal sealed class ExpectedRecord
{
    private readonly byte[]? _key;
    private readonly byte[]? _value;
    private readonly long? _timestamp;
    private readonly List<(byte[] Name, byte[]? Value)> _headers = [];

    /// <param name="record">From the backup.</param>
    /// <param name="extra">What the restore adds.</param>
    /// <param name="withTimestamp">False where the target stamps records itself.</param>
    public ExpectedRecord(in RecordView record, ReadOnlySpan<HeaderSlice> extra, bool withTimestamp)
    {
        _key = record.KeyIsNull ? null : record.Key.ToArray();
        _value = record.ValueIsNull ? null : record.Value.ToArray();
        _timestamp = withTimestamp ? record.Timestamp : null;
        Keep(record.Headers);
        Keep(extra);
    }

    public bool IsIn(in RecordView record)
    {
        if (
            record.KeyIsNull != (_key is null)
            || record.ValueIsNull != (_value is null)
            || (_timestamp is { } time && time != record.Timestamp)
            || !record.Key.SequenceEqual(_key)
            || !record.Value.SequenceEqual(_value)
            || record.Headers.Length != _headers.Count
        )
        {
            return false;
        }

        for (var i = 0; i < _headers.Count; i++)
        {
            ref readonly var header = ref record.Headers[i];
            var (name, value) = _headers[i];
            if (!header.Name.SequenceEqual(name) || header.ValueIsNull != (value is null) || !header.Value.SequenceEqual(value))
            {
                return false;
            }
        }

        return true;
    }

    private void Keep(ReadOnlySpan<HeaderSlice> headers)
    {
        foreach (ref readonly var header in headers)
        {
            _headers.Add((header.Name.ToArray(), header.ValueIsNull ? null : header.Value.ToArray()));
        }
    }
}
