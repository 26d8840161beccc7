namespace KafkaBackup;

/// <summary>What a check of a backup's integrity found.</summary>
public sealed record BackupReport
{
    public required ReportStatus Status { get; init; }
    public required string BackupId { get; init; }
    public required string Path { get; init; }
    public required IReadOnlyDictionary<string, string> StorageOption
    {
        get;
        init => field = ItemDictionary.From(value);
    }
    public required bool Deep { get; init; }
    public string? Sample { get; init; }
    public required int SegmentCount { get; init; }
    public required int SegmentsChecked { get; init; }
    public required long RecordCount { get; init; }
    public required long RecordsChecked { get; init; }
    public required long BytesRead { get; init; }
    public required ItemList<Finding> Findings { get; init; }

    /// <summary>What was looked at only from outside; null when every byte was read.</summary>
    public string? NotChecked { get; init; }
    public required TimeSpan Duration { get; init; }
}

/// <summary>What a repair did, or would do.</summary>
public sealed record RepairResult
{
    public required string BackupId { get; init; }
    public required string Path { get; init; }
    public required IReadOnlyDictionary<string, string> StorageOption
    {
        get;
        init => field = ItemDictionary.From(value);
    }
    public required ItemList<string> Actions { get; init; }
    public required ItemList<Finding> Findings { get; init; }
    public required bool Applied { get; init; }
}

/// <summary>What a removal did, or would do.</summary>
public sealed record RemovalResult
{
    public required string BackupId { get; init; }
    public required string Path { get; init; }
    public required IReadOnlyDictionary<string, string> StorageOption
    {
        get;
        init => field = ItemDictionary.From(value);
    }
    public required int ObjectsRemoved { get; init; }

    /// <summary>How many of the objects no manifest named: left by a run or a removal that died.</summary>
    public int LeftoversRemoved { get; init; }

    /// <summary>How many runs lose all that they stored; 0 when the whole backup goes.</summary>
    public int RunsRemoved { get; init; }
    public required long BytesFreed { get; init; }
    public required bool WholeBackup { get; init; }
    public required bool Applied { get; init; }
}

/// <summary>One partition's consumer-group offset, put back.</summary>
public sealed record ConsumerOffsetRestoreResult(
    string Group,
    string Topic,
    int Partition,
    long? OldOffset,
    long? NewOffset,
    string Metadata
);

/// <summary>How a live topic stands and grows. Partition is null in a summary row.</summary>
public sealed record TopicMeasure
{
    public required string Topic { get; init; }
    public int? Partition { get; init; }
    public long? FirstOffset { get; init; }
    public long? EndOffset { get; init; }
    public required long RecordCount { get; init; }
    public required double RecordsPerSecond { get; init; }
    public long? HeadTimeMs { get; init; }
    public DateTimeOffset? HeadTime => KafkaTime.ToDateTimeOffset(HeadTimeMs);
    public TimeSpan? HeadSkew { get; init; }
}
