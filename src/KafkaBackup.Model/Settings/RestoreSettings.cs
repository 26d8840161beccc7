namespace KafkaBackup;

/// <summary>What a user asks of a restore, or of its dry run; null means "not given" (see <see cref="BackupSettings"/>).</summary>
public sealed record RestoreSettings
{
    public string? ConfigPath { get; init; }
    public ClusterSettings? Target { get; init; }
    public StoreSettings? Store { get; init; }
    public string? BackupId { get; init; }

    /// <summary>Patterns over source names.</summary>
    public IReadOnlyList<string>? Topics { get; init; }
    public IReadOnlyList<string>? ExcludeTopics { get; init; }
    public IReadOnlyList<int>? SourcePartitions { get; init; }
    public IReadOnlyDictionary<string, string>? TopicMapping { get; init; }
    public IReadOnlyDictionary<int, int>? PartitionMapping { get; init; }

    /// <summary>Inclusive, epoch milliseconds.</summary>
    public long? TimeWindowStart { get; init; }

    /// <summary>Inclusive, epoch milliseconds.</summary>
    public long? TimeWindowEnd { get; init; }
    public OffsetStrategy? OffsetStrategy { get; init; }
    public bool? IncludeOriginalOffsetHeader { get; init; }
    public bool? ResetConsumerOffsets { get; init; }
    public IReadOnlyList<string>? ConsumerGroups { get; init; }
    public bool? AllConsumerGroups { get; init; }
    public string? OffsetReportPath { get; init; }
    public string? CheckpointPath { get; init; }
    public TimeSpan? CheckpointInterval { get; init; }
    public int? MaxConcurrentPartitions { get; init; }
    public int? ProduceBatchSize { get; init; }
    public long? RecordsPerSecond { get; init; }
    public long? BytesPerSecond { get; init; }
    public bool? CreateTopics { get; init; }
    public int? DefaultReplicationFactor { get; init; }

    /// <summary>Configs for created topics: by topic, the empty name standing for all of them. Source names.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>>? TopicConfigOverrides { get; init; }
    public bool? AllowMerge { get; init; }
    public bool? PurgeTopics { get; init; }
    public DeliveryMode? Delivery { get; init; }
    public TimeSpan? ResumeQuiet { get; init; }
    public bool? Force { get; init; }
    public bool? DryRun { get; init; }
    public HealthSettings? Health { get; init; }

    /// <summary>Dry run only: read every byte that the restore would read.</summary>
    public bool Deep { get; init; }

    /// <summary>Dry run only: do not contact the target.</summary>
    public bool Offline { get; init; }
}
