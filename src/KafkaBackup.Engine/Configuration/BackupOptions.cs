using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Configuration;

/// <summary>
/// A backup as it will be done: file and parameters laid over each other, every default applied, everything checked that needs no cluster
/// and no store.
/// </summary>
public sealed record BackupOptions
{
    public required ClusterSettings Source { get; init; }

    public required StoreSettings Store { get; init; }

    public required string BackupId { get; init; }

    public required TopicSelection Topics { get; init; }

    public CompressionKind Compression { get; init; } = CompressionKind.Zstd;

    /// <summary>1 to 22 for zstd, 1 to 9 for gzip, 0 without compression.</summary>
    public int CompressionLevel { get; init; } = CompressionLevels.Default(CompressionKind.Zstd);

    public long SegmentMaxBytes { get; init; } = 134_217_728;

    public TimeSpan SegmentMaxInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Null for no limit by count.</summary>
    public long? SegmentMaxRecords { get; init; }

    public StartOffsets StartOffset { get; init; } = StartOffsets.Earliest;

    public bool Continuous { get; init; }

    /// <summary>Ends a continuous backup after this time; null otherwise.</summary>
    public TimeSpan? Duration { get; init; }

    public int MaxConcurrentPartitions { get; init; } = 4;

    /// <summary>Continuous mode: how often to look for new topics and partitions, and for new data where there was none.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    public bool IncludeOffsetHeaders { get; init; }

    public string? SourceClusterId { get; init; }

    public bool ConsumerGroupSnapshot { get; init; } = true;

    public IsolationLevel IsolationLevel { get; init; } = IsolationLevel.ReadCommitted;

    /// <summary>The instant at which all partitions are cut (rule B9); "now" is for the backup to fix when it captures the ends.</summary>
    public TimePoint? ConsistentAt { get; init; }

    public long? RecordsPerSecond { get; init; }

    public long? BytesPerSecond { get; init; }

    public MissingTopicAction OnMissingTopic { get; init; } = MissingTopicAction.Fail;

    public HealthSettings Health { get; init; } = new();
}
