namespace KafkaBackup.Engine.Backup;

/// <summary>How the reading of one partition ended.</summary>
internal sealed record PartitionOutcome(
    PartitionWork Work, PartitionStatus Status, long StoredTo, long Records, long Bytes, long StoredBytes, int Segments, long LateRecords, KafkaBackupException? Error)
{
    /// <summary>Of a continuous run's passes over one partition: their sums, and the newest state.</summary>
    public PartitionOutcome Then(PartitionOutcome next) => next with
    {
        Work = next.Work with { ReadFrom = Work.ReadFrom, CapturedStart = Work.CapturedStart },
        Records = Records + next.Records,
        Bytes = Bytes + next.Bytes,
        StoredBytes = StoredBytes + next.StoredBytes,
        Segments = Segments + next.Segments,
    };
}
