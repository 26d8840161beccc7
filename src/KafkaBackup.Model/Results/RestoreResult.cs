namespace KafkaBackup;

/// <summary>What a restore did.</summary>
public sealed record RestoreResult
{
    public required string BackupId { get; init; }
    public required string Path { get; init; }
    public required IReadOnlyDictionary<string, string> StorageOption
    {
        get;
        init => field = ItemDictionary.From(value);
    }
    public required RestoreStatus Status { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    public required DateTimeOffset EndedAt { get; init; }
    public long StartedAtMs => StartedAt.ToUnixTimeMilliseconds();
    public long EndedAtMs => EndedAt.ToUnixTimeMilliseconds();
    public TimeSpan Duration => EndedAt - StartedAt;
    public required long RecordCount { get; init; }
    public required long Bytes { get; init; }
    public required bool Resumed { get; init; }

    /// <summary>Record batches of the backup that were sent as they are (rule L5).</summary>
    public long BatchesKept { get; init; }

    /// <summary>Record batches of the backup whose records were put into new batches, with the compression that they had.</summary>
    public long BatchesRebuilt { get; init; }

    /// <summary>Records that were asked for and not restored, because the backup is damaged (rule O1); at most as many.</summary>
    public long RecordsLeftOut { get; init; }

    /// <summary>Records that an interrupted restore had brought to the target already.</summary>
    public required long RecordsSkippedOnResume { get; init; }
    public required ItemList<RestorePartitionResult> Partitions { get; init; }
    public required ItemList<OffsetMapping> OffsetMapping { get; init; }
    public string? OffsetReportPath { get; init; }
    public required ItemList<GroupResetResult> GroupsReset { get; init; }

    /// <summary>Where the groups' offsets from before the reset were saved.</summary>
    public string? OffsetBackupPath { get; init; }
    public required ItemList<Finding> Findings { get; init; }

    /// <summary>What was restored without being compared with the manifest; null when all of it was.</summary>
    public string? NotChecked { get; init; }
    public int ExitCode =>
        Status switch
        {
            RestoreStatus.Complete => 0,
            RestoreStatus.Incomplete => 1,
            RestoreStatus.Stopped => 2,
            _ => 3,
        };
}

public sealed record RestorePartitionResult
{
    public required string Topic { get; init; }
    public required int Partition { get; init; }
    public required string TargetTopic { get; init; }
    public required int TargetPartition { get; init; }
    public required PartitionStatus Status { get; init; }
    public required long RecordCount { get; init; }
    public required long Bytes { get; init; }
    public long? SourceFirstOffset { get; init; }
    public long? SourceLastOffset { get; init; }
    public long? TargetFirstOffset { get; init; }
    public long? TargetLastOffset { get; init; }
    public string? ErrorId { get; init; }
    public string? ErrorMessage { get; init; }

    public override string ToString() => $"{Topic}/{Partition} -> {TargetTopic}/{TargetPartition}: {RecordCount} records {Status}";
}

public sealed record GroupResetResult(
    string Group,
    string Topic,
    int Partition,
    long SourceOffset,
    long TargetOffset,
    long? OldOffset,
    string Metadata
)
{
    public override string ToString() => $"{Group} {Topic}/{Partition}: {TargetOffset}";
}
