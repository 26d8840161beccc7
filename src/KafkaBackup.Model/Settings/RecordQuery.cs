namespace KafkaBackup;

/// <summary>Which records to show. At most one of First, Last, Offset, the time window and Key is given.</summary>
public sealed record RecordQuery
{
    public IReadOnlyList<string>? Topics { get; init; }
    public IReadOnlyList<string>? ExcludeTopics { get; init; }
    public IReadOnlyList<int>? Partitions { get; init; }
    public long? First { get; init; }
    public long? Last { get; init; }
    public long? Offset { get; init; }
    public long? FromTime { get; init; }
    public long? ToTime { get; init; }
    public byte[]? Key { get; init; }

    /// <summary>Values and keys as bytes even where they are text.</summary>
    public bool AsBytes { get; init; }
}
