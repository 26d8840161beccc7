namespace KafkaBackup;

/// <summary>The plan of a restore: what Test-KafkaRestore shows, -WhatIf shows, and the restore then does (rule D1).</summary>
public sealed record RestoreReport
{
    public required ReportStatus Status { get; init; }
    public required string BackupId { get; init; }
    public required string Path { get; init; }
    public required IReadOnlyDictionary<string, string> StorageOption
    {
        get;
        init => field = ItemDictionary.From(value);
    }
    public int TopicCount => Topics.Count;
    public required int SegmentCount { get; init; }
    public required long RecordCount { get; init; }
    public required long Bytes { get; init; }

    /// <summary>The window that was asked for, relative times counted from when the plan was made; null where it is open.</summary>
    public long? WindowStartMs { get; init; }
    public long? WindowEndMs { get; init; }
    public DateTimeOffset? WindowStart => KafkaTime.ToDateTimeOffset(WindowStartMs);
    public DateTimeOffset? WindowEnd => KafkaTime.ToDateTimeOffset(WindowEndMs);

    /// <summary>The oldest and newest timestamp among the records that will be restored.</summary>
    public long? FromTimeMs { get; init; }
    public long? ToTimeMs { get; init; }
    public DateTimeOffset? FromTime => KafkaTime.ToDateTimeOffset(FromTimeMs);
    public DateTimeOffset? ToTime => KafkaTime.ToDateTimeOffset(ToTimeMs);
    public required ItemList<RestoreTopicPlan> Topics { get; init; }
    public required ItemList<string> ConsumerOffsetActions { get; init; }
    public required ItemList<Finding> Findings { get; init; }
    public TimeSpan? EstimatedDuration { get; init; }

    /// <summary>What the plan has not compared with the manifest; null when all of it was.</summary>
    public string? NotChecked { get; init; }

    /// <summary>True when the file or the settings ask for no more than this report (<c>dry_run</c>).</summary>
    public bool DryRun { get; init; }
}

public sealed record RestoreTopicPlan
{
    public required string Topic { get; init; }
    public required string TargetTopic { get; init; }
    public required bool Create { get; init; }

    /// <summary>True when what the target holds is deleted before the restore (<c>purge_topics</c>).</summary>
    public bool Purge { get; init; }
    public required int TargetPartitionCount { get; init; }
    public required ItemList<RestorePartitionPlan> Partitions { get; init; }
    public long RecordCount => Partitions.Sum(p => p.RecordCount);
    public long Bytes => Partitions.Sum(p => p.Bytes);

    public override string ToString() =>
        Topic == TargetTopic ? $"{Topic}: {RecordCount} records" : $"{Topic} -> {TargetTopic}: {RecordCount} records";
}

public sealed record RestorePartitionPlan(
    int Partition,
    int TargetPartition,
    int SegmentCount,
    long RecordCount,
    long Bytes,
    long? FirstOffset,
    long? LastOffset
)
{
    public override string ToString() => $"{Partition} -> {TargetPartition}: {RecordCount} records";
}
