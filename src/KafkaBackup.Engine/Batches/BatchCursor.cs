namespace KafkaBackup.Engine.Batches;

/// <summary>
/// Hands out the records of a batch one by one, decompressing as it goes. What it shows is valid until the next <see cref="MoveNext"/> or
/// <see cref="Open"/>. One cursor serves one thread, for any number of batches.
/// </summary>
public sealed class BatchCursor : IDisposable
{
    private readonly RecordWindow _window = new();
    private RecordBatch _batch;
    private int _record;
    private int _delta;
    private int _length;
    private (int Place, int Length) _key;
    private (int Place, int Length) _value;
    private int _headersPlace;

    public long Offset => _batch.BaseOffset + _delta;

    /// <summary>Epoch milliseconds, any value; -1 is none.</summary>
    public long Timestamp { get; private set; }

    public bool KeyIsNull => _key.Length < 0;

    /// <summary>Empty for null.</summary>
    public ReadOnlySpan<byte> Key => Field(_key);

    public bool ValueIsNull => _value.Length < 0;

    /// <summary>Empty for null.</summary>
    public ReadOnlySpan<byte> Value => Field(_value);

    public int HeaderCount { get; private set; }

    /// <summary>The headers in their order, repetitions included.</summary>
    public RecordHeaders Headers => new(RawHeaders, HeaderCount);

    /// <summary>All headers as they stand in the record, behind their count.</summary>
    public ReadOnlySpan<byte> RawHeaders => _window.Bytes[_headersPlace.._length];

    public RecordFields Fields =>
        new()
        {
            Key = Key,
            KeyIsNull = KeyIsNull,
            Value = Value,
            ValueIsNull = ValueIsNull,
            HeaderCount = HeaderCount,
            RawHeaders = RawHeaders,
        };

    /// <exception cref="BatchDamagedException">Numbers in the header that contradict each other, or an unknown codec.</exception>
    public void Open(in RecordBatch batch)
    {
        RecordRules.CheckHeader(batch);
        _window.Open(batch);
        _batch = batch;
        _record = 0;
        _delta = -1;
        _length = 0;
    }

    /// <summary>False behind the last record.</summary>
    /// <exception cref="BatchDamagedException">What does not hold, and where.</exception>
    public bool MoveNext()
    {
        _window.Advance(_length);
        _length = 0;
        if (_record == _batch.RecordCount)
        {
            return !_window.Require(1) ? false : throw new BatchDamagedException("bytes follow its last record", _window.Position);
        }

        var scan = new RecordScan(_window);
        var length = scan.Int32();
        scan.Close();
        if (length < 0 || !_window.Require(length))
        {
            throw new BatchDamagedException($"a record claims {length:N0} bytes, and {_window.Bytes.Length:N0} are left", _window.Position);
        }

        Parse(length);
        _length = length;
        _record++;
        return true;
    }

    public void Dispose() => _window.Dispose();

    private void Parse(int length)
    {
        var fields = new FieldReader(_window.Bytes[..length], _window.Position);
        fields.Skip(1);
        var timestampDelta = fields.Int64();
        Timestamp = _batch.IsLogAppendTime ? _batch.MaxTimestamp : unchecked(_batch.BaseTimestamp + timestampDelta);
        var delta = fields.Int32();
        RecordRules.CheckDelta(delta, _delta, _batch.LastOffsetDelta, _window.Position);
        _delta = delta;
        _key = fields.Field(mayBeNull: true);
        _value = fields.Field(mayBeNull: true);
        HeaderCount = fields.Int32();
        RecordRules.CheckHeaderCount(HeaderCount, length - fields.Place, _window.Position + fields.Place);
        _headersPlace = fields.Place;
        for (var header = 0; header < HeaderCount; header++)
        {
            fields.Field(mayBeNull: false);
            fields.Field(mayBeNull: true);
        }

        if (fields.Place != length)
        {
            throw new BatchDamagedException("a record is longer or shorter than it claims", _window.Position + fields.Place);
        }
    }

    private ReadOnlySpan<byte> Field((int Place, int Length) field) =>
        field.Length <= 0 ? default : _window.Bytes.Slice(field.Place, field.Length);
}
