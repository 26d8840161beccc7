namespace KafkaBackup;

/// <summary>One side of a comparison: topics of a cluster, or of a backup.</summary>
public sealed record CompareSide
{
    public ClusterSettings? Cluster { get; init; }
    public StoreSettings? Store { get; init; }
    public string? BackupId { get; init; }

    public override string ToString() => Cluster is not null ? Cluster.Address : $"{Store?.Path} {BackupId}";
}

public sealed record CompareSettings
{
    public CompareSide? Reference { get; init; }
    public CompareSide? Difference { get; init; }
    public IReadOnlyList<string>? Topics { get; init; }
    public IReadOnlyList<string>? ExcludeTopics { get; init; }

    /// <summary>Names on the difference side, one per reference topic in order; null for the same names.</summary>
    public IReadOnlyList<string>? DifferenceTopics { get; init; }
    public IReadOnlyList<int>? Partitions { get; init; }
    public long? MaxRecords { get; init; }
    public long? FromOffset { get; init; }
    public AlignMode Align { get; init; }
    public bool IgnoreKey { get; init; }
    public bool IgnoreValue { get; init; }
    public bool IgnoreTimestamp { get; init; }

    /// <summary>Globs (or ~regex) over header names to leave out; "*" leaves all of them out.</summary>
    public IReadOnlyList<string>? IgnoreHeaders { get; init; }

    /// <summary>Compare only the biggest common tail.</summary>
    public bool CommonTail { get; init; }
    public IsolationLevel IsolationLevel { get; init; }
}
