namespace KafkaBackup;

/// <summary>
/// What a user asks of a backup, from a file, from parameters, or both: the engine lays these over the file's (<see cref="ConfigPath"/>).
/// Null means "not given", which is what lets a parameter override only when it was bound.
/// </summary>
public sealed record BackupSettings
{
    public string? ConfigPath { get; init; }
    public ClusterSettings? Source { get; init; }
    public StoreSettings? Store { get; init; }
    public string? BackupId { get; init; }
    public IReadOnlyList<string>? Topics { get; init; }
    public IReadOnlyList<string>? ExcludeTopics { get; init; }
    public CompressionKind? Compression { get; init; }
    public int? CompressionLevel { get; init; }
    public long? SegmentMaxBytes { get; init; }
    public TimeSpan? SegmentMaxInterval { get; init; }
    public long? SegmentMaxRecords { get; init; }
    public StartOffsets? StartOffset { get; init; }
    public bool? Continuous { get; init; }

    /// <summary>Ends a continuous backup after this time.</summary>
    public TimeSpan? Duration { get; init; }
    public int? MaxConcurrentPartitions { get; init; }
    public TimeSpan? PollInterval { get; init; }
    public bool? IncludeInternalTopics { get; init; }
    public IReadOnlyList<string>? InternalTopics { get; init; }
    public bool? IncludeOffsetHeaders { get; init; }
    public string? SourceClusterId { get; init; }
    public bool? ConsumerGroupSnapshot { get; init; }
    public IsolationLevel? IsolationLevel { get; init; }
    public TimePoint? ConsistentAt { get; init; }
    public long? RecordsPerSecond { get; init; }
    public long? BytesPerSecond { get; init; }
    public MissingTopicAction? OnMissingTopic { get; init; }
    public HealthSettings? Health { get; init; }
}
