namespace KafkaBackup;

/// <summary>What a backup is going to do: worked out, and everything refusable refused, before anything is written.</summary>
public sealed record BackupPlan
{
    public required string BackupId { get; init; }
    public required string Path { get; init; }

    /// <summary>False when the run continues a backup that is there.</summary>
    public required bool IsNew { get; init; }
    public required ItemList<BackupTopicPlan> Topics { get; init; }
    public required ItemList<Finding> Findings { get; init; }
    public bool Continuous { get; init; }
    public long? ConsistentAtMs { get; init; }
    public DateTimeOffset? ConsistentAt => KafkaTime.ToDateTimeOffset(ConsistentAtMs);

    /// <summary>Upper bound: offsets between start and end; compaction and transactions leave holes.</summary>
    public long OffsetCount => Topics.Sum(t => t.Partitions.Sum(p => p.EndOffset - p.StartOffset));
}

public sealed record BackupTopicPlan(string Topic, ItemList<BackupPartitionPlan> Partitions)
{
    public override string ToString() => $"{Topic}: {Partitions.Count} partitions";
}

public sealed record BackupPartitionPlan(int Partition, long StartOffset, long EndOffset);

public sealed record ConsumerOffsetPlan(ItemList<ConsumerOffsetRestoreResult> Changes, ItemList<Finding> Findings);
