namespace KafkaBackup.Engine.Batches;

/// <summary>
/// The headers of one record, one after the other. Names are bytes: they need not be text, and may hold a zero byte.
/// </summary>
public ref struct RecordHeaders
{
    private readonly ReadOnlySpan<byte> _bytes;
    private int _left;
    private int _place;

    internal RecordHeaders(ReadOnlySpan<byte> bytes, int count)
    {
        _bytes = bytes;
        _left = count;
    }

    public ReadOnlySpan<byte> Name { get; private set; }

    public bool ValueIsNull { get; private set; }

    /// <summary>Empty for null.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    public bool MoveNext()
    {
        if (_left == 0)
        {
            return false;
        }

        _left--;
        var fields = new FieldReader(_bytes, 0);
        fields.Skip(_place);
        var name = fields.Field(mayBeNull: false);
        var value = fields.Field(mayBeNull: true);
        Name = _bytes.Slice(name.Place, name.Length);
        ValueIsNull = value.Length < 0;
        Value = value.Length <= 0 ? default : _bytes.Slice(value.Place, value.Length);
        _place = fields.Place;
        return true;
    }
}
