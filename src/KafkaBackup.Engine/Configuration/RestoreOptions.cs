namespace KafkaBackup.Engine.Configuration;

/// <summary>A restore as it will be done; see <see cref="BackupOptions"/>.</summary>
public sealed record RestoreOptions
{
    /// <summary>Null only when <see cref="Offline"/>.</summary>
    public required ClusterSettings? Target { get; init; }

    public required StoreSettings Store { get; init; }

    public required string BackupId { get; init; }

    /// <summary>Over source names.</summary>
    public required TopicSelection Topics { get; init; }

    /// <summary>Null for all partitions; never empty.</summary>
    public IReadOnlyList<int>? SourcePartitions { get; init; }

    /// <summary>Source name to target name; a topic that is not in here keeps its name.</summary>
    public IReadOnlyDictionary<string, string> TopicMapping { get; init; } = new Dictionary<string, string>();

    /// <summary>Source partition to target partition; one that is not in here keeps its number.</summary>
    public IReadOnlyDictionary<int, int> PartitionMapping { get; init; } = new Dictionary<int, int>();

    public TimeWindow Window { get; init; }

    public OffsetStrategy OffsetStrategy { get; init; } = OffsetStrategy.Skip;

    /// <summary>True as well when the strategy is header-based (rule E1).</summary>
    public bool IncludeOriginalOffsetHeader { get; init; }

    public bool ResetConsumerOffsets { get; init; }

    /// <summary>Groups of the backup to reset, by name or pattern; only with <see cref="ResetConsumerOffsets"/>.</summary>
    public IReadOnlyList<string> ConsumerGroups { get; init; } = [];

    public bool AllConsumerGroups { get; init; }

    public string? OffsetReportPath { get; init; }

    public string? CheckpointPath { get; init; }

    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(60);

    public int MaxConcurrentPartitions { get; init; } = 4;

    public int ProduceBatchSize { get; init; } = 1000;

    /// <summary>Batches of the backup with more records are not sent as they are: the batch size that was asked for; null for any.</summary>
    public int? MostKeptRecords { get; init; }

    public long? RecordsPerSecond { get; init; }

    public long? BytesPerSecond { get; init; }

    public bool CreateTopics { get; init; } = true;

    /// <summary>Null for the source's factor, -1 for the target brokers' default.</summary>
    public int? DefaultReplicationFactor { get; init; }

    public TopicConfigOverrides TopicConfigOverrides { get; init; } = TopicConfigOverrides.None;

    public bool AllowMerge { get; init; }

    public bool PurgeTopics { get; init; }

    public DeliveryMode Delivery { get; init; } = DeliveryMode.Idempotent;

    public TimeSpan ResumeQuiet { get; init; } = TimeSpan.FromSeconds(10);

    public bool Force { get; init; }

    public bool DryRun { get; init; }

    public HealthSettings Health { get; init; } = new();

    public bool Deep { get; init; }

    public bool Offline { get; init; }

    /// <summary>What must be the same for a restore to be resumed (rule E3).</summary>
    public RestoreFingerprint Fingerprint => RestoreFingerprint.Of(this);
}
