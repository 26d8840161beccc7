using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// What a restore of one backup is going to do, exact to the record. The dry run shows it, the restore does it, and a resume finds its
/// place in it: the order of records per target partition follows from it alone, so "the n-th record" means the same record in every run.
/// </summary>
internal sealed record RestoreWork
{
    public required RestoreOptions Options { get; init; }

    public required OpenedBackup Backup { get; init; }

    public required IReadOnlyList<TopicWork> Topics { get; init; }

    public required IReadOnlyList<Finding> Findings { get; init; }

    /// <summary>The target's cluster id; null where it gives none or when offline.</summary>
    public string? TargetClusterId { get; init; }

    /// <summary>True when every segment was read whole while planning, and compared with its SHA-256.</summary>
    public bool ContentsProven { get; init; }

    public IEnumerable<TargetWork> Targets => Topics.SelectMany(t => t.Targets);

    public long RecordCount => Targets.Sum(t => t.RecordCount);

    /// <summary>Sources that are restored without some of their records, because the backup is damaged.</summary>
    public IEnumerable<SourceWork> Damaged => Targets.SelectMany(t => t.Sources).Where(s => s.LeftOutCount > 0);

    /// <summary>Partitions that hold what an interrupted run of this very restore brought.</summary>
    public IReadOnlySet<TopicPartition> Resuming { get; init; } = new HashSet<TopicPartition>();

    /// <summary>In transactional mode, what the marks of <see cref="Resuming"/> said was planned.</summary>
    public IReadOnlyDictionary<TopicPartition, string> MarkedPlans { get; init; } = new Dictionary<TopicPartition, string>();

    /// <summary>The checkpoint that the plan was made with; null when there was none.</summary>
    public Checkpoint? Checkpoint { get; init; }

    /// <summary>
    /// Where each target partition's log ended while planning, of those that nobody was writing to and that are no resume's.
    /// </summary>
    public required IReadOnlyDictionary<TopicPartition, long> PlannedEnds { get; init; }

    /// <summary>What the plan saw; where it saw a partition grow, what is seen now.</summary>
    public long PlannedEndOf(TargetWork target, IReadOnlyDictionary<TopicPartition, long> now) =>
        PlannedEnds.GetValueOrDefault(target.Target, now[target.Target]);
}

/// <summary>One target topic.</summary>
internal sealed record TopicWork
{
    public required string TargetTopic { get; init; }

    /// <summary>Source topics; several only when merging was asked for.</summary>
    public required IReadOnlyList<TopicEntry> Sources { get; init; }

    /// <summary>Null when the topic is there already.</summary>
    public TopicCreation? Create { get; init; }

    public required int TargetPartitionCount { get; init; }

    /// <summary>Empty ones too, by target partition.</summary>
    public required IReadOnlyList<TargetWork> Targets { get; init; }
}

internal sealed record TopicCreation(int Partitions, int ReplicationFactor, IReadOnlyDictionary<string, string> Configs)
{
    public NewTopic AsTopic(string name) => new(name, Partitions, ReplicationFactor, Configs);
}

/// <summary>One target partition and what goes into it, source after source.</summary>
internal sealed record TargetWork(TopicPartition Target, IReadOnlyList<SourceWork> Sources)
{
    public long RecordCount { get; } = Sources.Sum(s => s.RecordCount);

    public long Bytes { get; } = Sources.Sum(s => s.Bytes);

    /// <summary>
    /// The largest batch that the target takes; null where it is not known. Of a topic that the restore creates it is known when that is
    /// done.
    /// </summary>
    public int? MaxBatchBytes { get; set; }

    /// <summary>True where the target stamps records itself, so that their times cannot be compared.</summary>
    public bool TargetStampsRecords { get; set; }
}

/// <summary>One source partition, in offset order.</summary>
/// <param name="Choice">Which of the segments' records.</param>
internal sealed record SourceWork(TopicPartition Source, IReadOnlyList<SegmentWork> Segments, RecordChoice Choice)
{
    /// <summary>
    /// The first and the last record's offsets; of a resume, those of the interrupted run's plan. Null when there is nothing to restore.
    /// </summary>
    public OffsetSpan? Offsets { get; } =
        Choice.Bounds ?? (Segments.Count == 0 ? null : new OffsetSpan(Segments[0].FirstOffset, Segments[^1].LastOffset));

    public long RecordCount { get; } = Segments.Sum(s => s.RecordCount);

    public long Bytes { get; } = Segments.Sum(s => s.Bytes);

    /// <summary>Records that were asked for and cannot be restored, because the backup is damaged; at most as many.</summary>
    public long LeftOutCount { get; init; }
}

/// <summary>A segment that has records to restore.</summary>
/// <param name="RecordCount">Exact: of those to restore.</param>
/// <param name="Bytes">Their keys, values and headers.</param>
/// <param name="Whole">Every record of it is restored.</param>
/// <param name="FirstOffset">Of those to restore; so are the others.</param>
internal sealed record SegmentWork(
    SegmentEntry Entry,
    long RecordCount,
    long Bytes,
    bool Whole,
    long FirstOffset,
    long LastOffset,
    long MinTimestamp,
    long MaxTimestamp,
    int LargestRecord
);
