using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>What a run has to read of one partition, fixed before anything is read (rule B1).</summary>
internal sealed record PartitionWork
{
    public required TopicPartition Id { get; init; }

    /// <summary>The log's start when the run began.</summary>
    public required long CapturedStart { get; init; }

    /// <summary>Exclusive: the last stable offset or the high watermark when the run began.</summary>
    public required long CapturedEnd { get; init; }

    /// <summary>The first offset that is not stored yet.</summary>
    public required long ReadFrom { get; init; }

    /// <summary>Exclusive end of what is stored; below the captured end where a consistent cut asks for it (rule B9).</summary>
    public required long StoreTo { get; init; }

    /// <summary>Set with a consistent cut: records in [StoreTo, CapturedEnd) stamped at or before it are counted.</summary>
    public long? CutAtMs { get; init; }

    public bool HeldByTransaction { get; init; }

    /// <summary>Set with a consistent cut: a transaction was open across it when the run began.</summary>
    public bool MetTransactionAtCut { get; init; }

    /// <summary>Where the cut lies, although a transaction that stayed open keeps the partition from being stored up to it.</summary>
    public long? HeldBelowCut { get; init; }

    /// <summary>Our newest stored record, to be met again before anything new is taken (rule B8).</summary>
    public LastRecord? Verify { get; init; }

    /// <summary>
    /// The record to be met again may rightly be missing: compaction removes records, and a record that an earlier run took uncommitted is
    /// not handed out to one that reads committed records only.
    /// </summary>
    public bool LastMayBeGone { get; init; }

    /// <summary>
    /// A reader of committed records may rightly miss stored ones: compaction, or a run, this one or an earlier one, that takes them
    /// uncommitted.
    /// </summary>
    public bool MayMissCommitted { get; init; }

    /// <summary>
    /// The topic's id, in the cluster and in the backup, says that it is the same: then a log that was truncated is this partition's affair
    /// alone.
    /// </summary>
    public bool TopicIsProven { get; init; }

    /// <summary>The topic's id when the run began; null where the brokers give none.</summary>
    public string? TopicId { get; init; }

    /// <summary>Offsets that were gone before the run began (rule B5).</summary>
    public GapEntry? Gap { get; init; }

    /// <summary>Why this partition cannot be read at all; the run reports it and goes on with the others (rule B15).</summary>
    public KafkaBackupException? Refused { get; init; }

    public bool HasNothingToRead => Refused is null && Verify is null && ReadFrom >= CountTo;

    /// <summary>Reading goes on to here, storing only to <see cref="StoreTo"/>.</summary>
    public long CountTo => CutAtMs is null ? StoreTo : CapturedEnd;
}
