namespace KafkaBackup;

/// <summary>What one run of a backup did.</summary>
public sealed record BackupResult
{
    public required string BackupId { get; init; }
    public required string Path { get; init; }
    public required IReadOnlyDictionary<string, string> StorageOption
    {
        get;
        init => field = ItemDictionary.From(value);
    }
    public required string RunId { get; init; }
    public required BackupStatus Status { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    public required DateTimeOffset EndedAt { get; init; }
    public long StartedAtMs => StartedAt.ToUnixTimeMilliseconds();
    public long EndedAtMs => EndedAt.ToUnixTimeMilliseconds();
    public TimeSpan Duration => EndedAt - StartedAt;
    public int TopicCount => Topics.Count;
    public int PartitionCount => Topics.Sum(t => t.Partitions.Count);
    public required int SegmentCount { get; init; }
    public required long RecordCount { get; init; }

    /// <summary>Bytes of keys, values and headers.</summary>
    public required long Bytes { get; init; }

    /// <summary>Bytes of the segments as stored.</summary>
    public required long StoredBytes { get; init; }
    public long? FirstTimestampMs { get; init; }
    public long? LastTimestampMs { get; init; }
    public DateTimeOffset? FirstTimestamp => KafkaTime.ToDateTimeOffset(FirstTimestampMs);
    public DateTimeOffset? LastTimestamp => KafkaTime.ToDateTimeOffset(LastTimestampMs);

    /// <summary>How far the partitions' newest records lie apart in time.</summary>
    public TimeSpan? HeadSkew { get; init; }

    /// <summary>Where all partitions were cut, when a consistent cut was asked for (epoch ms).</summary>
    public long? ConsistentAtMs { get; init; }
    public DateTimeOffset? ConsistentAt => KafkaTime.ToDateTimeOffset(ConsistentAtMs);
    public required ItemList<GapInfo> Gaps { get; init; }
    public required ItemList<BackupTopicResult> Topics { get; init; }
    public required ItemList<Finding> Findings { get; init; }

    /// <summary>0 for a complete run, 1 for one that left something out, 2 for a stopped one, 3 for a failure.</summary>
    public int ExitCode =>
        Status switch
        {
            BackupStatus.Complete => 0,
            BackupStatus.Incomplete => 1,
            BackupStatus.Stopped => 2,
            _ => 3,
        };
}

public sealed record BackupTopicResult
{
    public required string Topic { get; init; }
    public required ItemList<BackupPartitionResult> Partitions { get; init; }
    public long RecordCount => Partitions.Sum(p => p.RecordCount);

    public override string ToString() =>
        $"{Topic}: {RecordCount} records in {Partitions.Count} partition{(Partitions.Count == 1 ? "" : "s")}";
}

public sealed record BackupPartitionResult
{
    public required string Topic { get; init; }
    public required int Partition { get; init; }
    public required PartitionStatus Status { get; init; }

    /// <summary>What was there when the run began: first offset, and the exclusive end that the run was to reach.</summary>
    public required long CapturedStart { get; init; }
    public required long CapturedEnd { get; init; }

    /// <summary>What the run stored: [StoredFrom, StoredTo), of which every record that exists is in the backup.</summary>
    public required long StoredFrom { get; init; }
    public required long StoredTo { get; init; }
    public required long RecordCount { get; init; }
    public required long Bytes { get; init; }
    public long? HeadTimestampMs { get; init; }
    public DateTimeOffset? HeadTimestamp => KafkaTime.ToDateTimeOffset(HeadTimestampMs);

    /// <summary>True where an open transaction held the captured end back to the last stable offset.</summary>
    public bool HeldByTransaction { get; init; }

    /// <summary>Records past a consistent cut that are stamped at or before it; they join the next run.</summary>
    public long LateRecords { get; init; }
    public string? ErrorId { get; init; }
    public string? ErrorMessage { get; init; }

    public override string ToString() => $"{Topic}/{Partition}: [{StoredFrom}, {StoredTo}) {Status}";
}

/// <summary>Offsets that the source no longer had when they were to be read.</summary>
public sealed record GapInfo(string Topic, int Partition, long FromOffset, long ToOffset, string Reason)
{
    public override string ToString() => $"{Topic}/{Partition}: [{FromOffset}, {ToOffset}) {Reason}";
}
