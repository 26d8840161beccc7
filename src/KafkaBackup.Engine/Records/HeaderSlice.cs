namespace KafkaBackup.Engine.Records;

/// <summary>
/// One header, by address: records come from native memory or from pinned buffers, and a span cannot be stored in an array. Lives as long
/// as the <see cref="RecordView"/> it belongs to.
/// </summary>
public readonly unsafe struct HeaderSlice(byte* name, int nameLength, byte* value, int valueLength)
{
    public byte* NamePointer => name;

    public int NameLength => nameLength;

    public byte* ValuePointer => value;

    /// <summary>-1 for a null value.</summary>
    public int ValueLength => valueLength;

    public ReadOnlySpan<byte> Name => new(name, nameLength);

    public bool ValueIsNull => valueLength < 0;

    public ReadOnlySpan<byte> Value => valueLength > 0 ? new(value, valueLength) : default;
}
