namespace KafkaBackup;

/// <summary>
/// One record, for people. Key and Value are text where they are UTF-8, else byte arrays; null stays null, empty stays empty.
/// </summary>
public sealed record RecordInfo
{
    public required string Topic { get; init; }
    public required int Partition { get; init; }
    public required long Offset { get; init; }
    public required long TimestampMs { get; init; }
    public DateTimeOffset? Timestamp => KafkaTime.ToDateTimeOffset(TimestampMs);
    public required TimestampKind TimestampType { get; init; }
    public required object? Key { get; init; }
    public required object? Value { get; init; }
    public required ItemList<RecordHeader> Headers { get; init; }
}

public sealed record RecordHeader(string Key, object? Value)
{
    public override string ToString() =>
        Value switch
        {
            null => $"{Key}=(null)",
            byte[] bytes => $"{Key}=0x{Convert.ToHexString(bytes)}",
            _ => $"{Key}={Value}",
        };
}
