namespace KafkaBackup;

/// <summary>
/// Which part of a backup a sampled check reads: turn <paramref name="Turn"/> of <paramref name="Turns"/>; all turns together read
/// everything.
/// </summary>
public readonly record struct Sample(int Turn, int Turns)
{
    public override string ToString() => $"{Turn}/{Turns}";
}

public sealed record CheckSettings
{
    public StoreSettings? Store { get; init; }
    public string? BackupId { get; init; }
    public bool Deep { get; init; }
    public Sample? Sample { get; init; }
}

public sealed record RepairSettings
{
    public StoreSettings? Store { get; init; }
    public string? BackupId { get; init; }
    public bool Force { get; init; }
}

public sealed record RemoveSettings
{
    public StoreSettings? Store { get; init; }
    public string? BackupId { get; init; }

    /// <summary>Remove only segments of runs that ended before this time (epoch ms); null for all.</summary>
    public long? OlderThan { get; init; }

    /// <summary>Remove all but the newest N runs' segments.</summary>
    public int? KeepLast { get; init; }
    public bool Force { get; init; }
}

public sealed record OffsetMappingSettings
{
    public StoreSettings? Store { get; init; }
    public string? BackupId { get; init; }
    public IReadOnlyList<string>? Topics { get; init; }
    public IReadOnlyList<string>? ExcludeTopics { get; init; }
    public IReadOnlyList<int>? Partitions { get; init; }

    /// <summary>A report that a restore wrote; with it no store is needed.</summary>
    public string? OffsetReportPath { get; init; }

    /// <summary>The cluster that holds restored topics, to be scanned for original-offset headers.</summary>
    public ClusterSettings? Scan { get; init; }
    public IReadOnlyDictionary<string, string>? TopicMapping { get; init; }

    /// <summary>A row per group, topic and partition for these groups (patterns).</summary>
    public IReadOnlyList<string>? ConsumerGroups { get; init; }
}

public sealed record ConsumerOffsetRestoreSettings
{
    public ClusterSettings? Target { get; init; }
    public string? OffsetBackupPath { get; init; }
    public bool Force { get; init; }
}

public sealed record MeasureSettings
{
    public ClusterSettings? Cluster { get; init; }
    public IReadOnlyList<string>? Topics { get; init; }
    public IReadOnlyList<string>? ExcludeTopics { get; init; }
    public IReadOnlyList<int>? Partitions { get; init; }
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(5);
}
