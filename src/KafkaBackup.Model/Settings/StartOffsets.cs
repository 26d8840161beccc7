namespace KafkaBackup;

/// <summary>
/// Where a new backup of a partition begins: the log's start (default), its end, or given offsets by topic and partition.
/// </summary>
public sealed record StartOffsets
{
    public static StartOffsets Earliest { get; } = new();
    public static StartOffsets Latest { get; } = new() { FromLatest = true };

    public bool FromLatest { get; init; }

    public IReadOnlyDictionary<TopicPartition, long> Offsets { get; init; } = new Dictionary<TopicPartition, long>();
}
