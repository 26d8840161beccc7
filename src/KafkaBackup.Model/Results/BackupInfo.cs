namespace KafkaBackup;

/// <summary>What a store knows about one backup.</summary>
public sealed record BackupInfo
{
    public required string BackupId { get; init; }
    public required string Path { get; init; }
    public required IReadOnlyDictionary<string, string> StorageOption
    {
        get;
        init => field = ItemDictionary.From(value);
    }
    public required BackupStatus Status { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public long CreatedAtMs => CreatedAt.ToUnixTimeMilliseconds();
    public long UpdatedAtMs => UpdatedAt.ToUnixTimeMilliseconds();
    public required ItemList<BackupRunInfo> Runs { get; init; }
    public int TopicCount => Topics.Count;
    public int PartitionCount => Topics.Sum(t => t.Partitions.Count);
    public int SegmentCount => Topics.Sum(t => t.SegmentCount);
    public long RecordCount => Topics.Sum(t => t.RecordCount);
    public long Bytes => Topics.Sum(t => t.Bytes);
    public long StoredBytes => Topics.Sum(t => t.StoredBytes);
    public long? FirstTimestampMs => Topics.Min(t => t.FirstTimestampMs);
    public long? LastTimestampMs => Topics.Max(t => t.LastTimestampMs);
    public DateTimeOffset? FirstTimestamp => KafkaTime.ToDateTimeOffset(FirstTimestampMs);
    public DateTimeOffset? LastTimestamp => KafkaTime.ToDateTimeOffset(LastTimestampMs);
    public TimeSpan? HeadSkew { get; init; }
    public required ItemList<GapInfo> Gaps { get; init; }
    public required ItemList<ConsumerGroupInfo> ConsumerGroups { get; init; }
    public required string? SourceCluster { get; init; }
    public required string Compression { get; init; }
    public required string FormatVersion { get; init; }
    public required ItemList<BackupTopicInfo> Topics { get; init; }
    public required ItemList<Finding> Findings { get; init; }
}

public sealed record BackupRunInfo(
    string RunId,
    DateTimeOffset StartedAt,
    DateTimeOffset? EndedAt,
    BackupStatus Status,
    string ToolVersion,
    IsolationLevel Isolation,
    long RecordCount
)
{
    public long StartedAtMs => StartedAt.ToUnixTimeMilliseconds();
    public long? EndedAtMs => EndedAt?.ToUnixTimeMilliseconds();

    public override string ToString() => $"{StartedAt:u} {Status}";
}

public sealed record BackupTopicInfo
{
    public required string Topic { get; init; }
    public string? TopicId { get; init; }
    public required int ReplicationFactor { get; init; }
    public required IReadOnlyDictionary<string, string> Configs
    {
        get;
        init => field = ItemDictionary.From(value);
    }
    public required ItemList<BackupPartitionInfo> Partitions { get; init; }
    public int SegmentCount => Partitions.Sum(p => p.SegmentCount);
    public long RecordCount => Partitions.Sum(p => p.RecordCount);
    public long Bytes => Partitions.Sum(p => p.Bytes);
    public long StoredBytes => Partitions.Sum(p => p.StoredBytes);
    public long? FirstTimestampMs => Partitions.Min(p => p.FirstTimestampMs);
    public long? LastTimestampMs => Partitions.Max(p => p.LastTimestampMs);
    public DateTimeOffset? FirstTimestamp => KafkaTime.ToDateTimeOffset(FirstTimestampMs);
    public DateTimeOffset? LastTimestamp => KafkaTime.ToDateTimeOffset(LastTimestampMs);

    public override string ToString() =>
        $"{Topic}: {RecordCount} records in {Partitions.Count} partition{(Partitions.Count == 1 ? "" : "s")}";
}

public sealed record BackupPartitionInfo
{
    public required string Topic { get; init; }
    public required int Partition { get; init; }
    public required bool Complete { get; init; }
    public required long CapturedStart { get; init; }
    public required long CapturedEnd { get; init; }
    public required long NextOffset { get; init; }
    public long? FirstOffset { get; init; }
    public long? LastOffset { get; init; }
    public required int SegmentCount { get; init; }
    public required long RecordCount { get; init; }
    public required long Bytes { get; init; }
    public required long StoredBytes { get; init; }
    public long? FirstTimestampMs { get; init; }
    public long? LastTimestampMs { get; init; }
    public DateTimeOffset? FirstTimestamp => KafkaTime.ToDateTimeOffset(FirstTimestampMs);
    public DateTimeOffset? LastTimestamp => KafkaTime.ToDateTimeOffset(LastTimestampMs);
    public required ItemList<GapInfo> Gaps { get; init; }

    public override string ToString() => $"{Topic}/{Partition}: {RecordCount} records";
}

public sealed record ConsumerGroupInfo(string Group, ItemList<ConsumerOffsetInfo> Offsets)
{
    public override string ToString() => Group;
}

/// <param name="TakenAt">When the source said so: older than the last run where that run could not see it.</param>
public sealed record ConsumerOffsetInfo(string Topic, int Partition, long Offset, string Metadata, DateTimeOffset TakenAt)
{
    public long TakenAtMs => TakenAt.ToUnixTimeMilliseconds();

    public override string ToString() => $"{Topic}/{Partition}={Offset}";
}
