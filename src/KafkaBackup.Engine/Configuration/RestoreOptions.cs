namespace KafkaBackup.Engine.Configuration;

/// <summary>A restore as it will be done; see <see cref="BackupOptions"/>.</summary>
public sealed partial record RestoreOptions
{
    /// <summary>Null only when <see cref="Offline"/>.</summary>
    public required ClusterSettings? Target { get; init; }

    public required StoreSettings Store { get; init; }

    public required string BackupId { get; init; }

    /// <summary>Over source names.</summary>
    public required TopicSelection Topics { get; init; }

    public TimeWindow Window { get; init; }

    /// <summary>
    /// Batches of the backup with more records are not sent as they are: the batch size that was asked for; null for any.
    /// </summary>
    public int? MostKeptRecords { get; init; }

    public TopicConfigOverrides TopicConfigOverrides { get; init; } = TopicConfigOverrides.None;

    public HealthSettings Health { get; init; } = new();

    public bool Deep { get; init; }

    public bool Offline { get; init; }

    /// <summary>What must be the same for a restore to be resumed (rule E3).</summary>
    public RestoreFingerprint Fingerprint => RestoreFingerprint.Of(this);
}
