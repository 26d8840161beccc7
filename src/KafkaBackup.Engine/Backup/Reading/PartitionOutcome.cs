namespace KafkaBackup.Engine.Backup;

/// <summary>How the reading of one partition ended.</summary>
/// <param name="StoredTo">Every record below it that existed is in the backup.</param>
internal sealed record PartitionOutcome(PartitionWork Work, PartitionStatus Status, long StoredTo)
{
    public long Records { get; init; }

    public long Bytes { get; init; }

    public long StoredBytes { get; init; }

    public int Segments { get; init; }

    public long LateRecords { get; init; }

    /// <summary>Of the records stored; null without any.</summary>
    public (long First, long Last)? Timestamps { get; init; }

    public KafkaBackupException? Error { get; init; }

    /// <summary>The error is the store's, not the partition's: it ends the run.</summary>
    public bool StoreFailed { get; init; }

    /// <summary>Of a continuous run's passes over one partition: their sums, and the newest state.</summary>
    public PartitionOutcome Then(PartitionOutcome next) =>
        next with
        {
            Work = next.Work with { ReadFrom = Work.ReadFrom, CapturedStart = Work.CapturedStart },
            Records = Records + next.Records,
            Bytes = Bytes + next.Bytes,
            StoredBytes = StoredBytes + next.StoredBytes,
            Segments = Segments + next.Segments,
            Timestamps =
                Timestamps is not { } a ? next.Timestamps
                : next.Timestamps is not { } b ? a
                : (Math.Min(a.First, b.First), Math.Max(a.Last, b.Last)),
        };
}
