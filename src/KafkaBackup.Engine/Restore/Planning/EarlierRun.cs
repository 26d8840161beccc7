using System.Globalization;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Restore;

/// <summary>One source partition as an interrupted run planned it.</summary>
/// <param name="Offsets">Of the first and the last record; null when there was none.</param>
/// <param name="LeftOut">What was damaged then.</param>
/// <param name="RestoredTo">Records up to this offset are in the target for certain; -1 when that is not known of any.</param>
internal sealed record PlannedSource(
    TopicPartition Source,
    OffsetSpan? Offsets,
    long Records,
    IReadOnlyList<OffsetSpan> LeftOut,
    long RestoredTo
)
{
    /// <summary>Never null: a partition that had nothing to restore has nothing now.</summary>
    public OffsetSpan Bounds => Offsets ?? new OffsetSpan(0, -1);
}

/// <summary>
/// What an interrupted run of this very restore planned, from its checkpoint or from the marks that it left in the target. A resume carries
/// out that plan and no other, though the backup may have grown, or its segments been merged, since then: only so does "the first n records
/// are there" say which ones are still to come (rules E2, E3).
/// </summary>
/// <param name="Sources">Null where the plan is too large for a mark.</param>
/// <param name="Targets">Partitions that hold what the interrupted run brought.</param>
internal sealed record EarlierRun(IReadOnlyDictionary<TopicPartition, PlannedSource>? Sources, IReadOnlySet<TopicPartition> Targets)
{
    public Checkpoint? Checkpoint { get; private init; }

    /// <summary>In transactional mode, the plan that each partition's mark had.</summary>
    public IReadOnlyDictionary<TopicPartition, string> MarkedPlans { get; private init; } = new Dictionary<TopicPartition, string>();

    /// <summary>Null when this restore starts from the beginning.</summary>
    /// <param name="targets">Every partition that the settings lead to.</param>
    public static async Task<EarlierRun?> FindAsync(
        RestoreOptions options,
        IReadOnlyCollection<TopicPartition> targets,
        IKafkaCluster? cluster,
        CancellationToken cancel
    )
    {
        var file = options.CheckpointPath is { } path ? new CheckpointFile(path) : null;
        var checkpoint = file?.Read();
        if (checkpoint is not null)
        {
            file!.RequireSameSettings(checkpoint, options.Fingerprint);
        }

        var planned = checkpoint?.Plan.Select(Planned).ToDictionary(p => p.Source);
        if (options.Delivery == DeliveryMode.Idempotent)
        {
            return checkpoint is null
                ? null
                : new EarlierRun(planned, checkpoint.Targets.Select(t => new TopicPartition(t.Topic, t.Partition)).ToHashSet())
                {
                    Checkpoint = checkpoint,
                };
        }

        var marks = cluster is null ? [] : await MarksAsync(options, targets, cluster, cancel).ConfigureAwait(false);
        if (checkpoint is null && marks.Count == 0)
        {
            return null;
        }

        if (cluster is not null && Unmarked(options, checkpoint, targets, marks) is { } lost)
        {
            throw ErrorIds.CheckpointMismatch.With(
                FormattableString.Invariant(
                    $"An interrupted restore of backup '{options.BackupId}' had {lost.Had:N0} target partitions; the progress of only {lost.Kept:N0} is still there."
                ),
                options.BackupId,
                (
                    checkpoint is null
                        ? "Were topics deleted, or was it long ago? "
                        : $"If that restore is complete, delete only the checkpoint {options.CheckpointPath}. "
                ) + BeginAgain.Advice(options)
            );
        }

        planned ??= marks.Values.All(m => m.Sources is not null)
            ? marks.Values.SelectMany(m => m.Sources!).ToDictionary(p => p.Source)
            : null;
        return new EarlierRun(planned, marks.Keys.ToHashSet())
        {
            Checkpoint = checkpoint,
            MarkedPlans = marks.ToDictionary(m => m.Key, m => m.Value.Plan),
        };
    }

    /// <summary>What joined the backup since then is left to another restore.</summary>
    public IReadOnlyList<(TopicEntry Topic, PartitionEntry Partition)> Limit(
        IReadOnlyList<(TopicEntry Topic, PartitionEntry Partition)> selected,
        RestoreOptions options
    )
    {
        if (Sources is null)
        {
            return selected;
        }

        var limited = selected.Where(s => Sources.ContainsKey(new TopicPartition(s.Topic.Name, s.Partition.Partition))).ToArray();
        var gone = Sources.Values.FirstOrDefault(p =>
            p.Records > 0 && !limited.Any(s => s.Topic.Name == p.Source.Topic && s.Partition.Partition == p.Source.Partition)
        );
        return gone is null ? limited : throw Changed(gone, 0, options);
    }

    /// <summary>Null when nothing came after what was planned.</summary>
    public Finding? Growth(IReadOnlyList<(TopicEntry Topic, PartitionEntry Partition)> selected, TimeWindow window)
    {
        var later = Sources is null
            ? []
            : selected
                .Where(s => HoldsMore(s.Topic, s.Partition, window))
                .Select(s => new TopicPartition(s.Topic.Name, s.Partition.Partition))
                .ToArray();
        return later.Length == 0
            ? null
            : new Finding(
                FindingSeverity.Warning,
                FindingKind.Incomplete,
                later[0].ToString(),
                $"The backup has grown since the interrupted restore began: {later.Length.ToString("N0", CultureInfo.InvariantCulture)} partitions hold later records, among them {later[0]}. The restore goes on with what it planned then and leaves those out.",
                "Let it finish. To have the later records too, restore the backup again, to an empty topic."
            );
    }

    /// <summary>Null without a checkpoint.</summary>
    public Finding? Going =>
        Checkpoint is not { } found
            ? null
            : new Finding(
                FindingSeverity.Information,
                FindingKind.Incomplete,
                found.BackupId,
                $"An interrupted restore goes on: begun at {KafkaTime.ToDateTimeOffset(found.StartTime):u}; at its last checkpoint, {KafkaTime.ToDateTimeOffset(found.LastCheckpointTime):u}, "
                    + FormattableString.Invariant(
                        $"{found.RecordsRestored:N0} of {found.Plan.Sum(p => p.Records):N0} records were in the target."
                    ),
                "Nothing needs to be done."
            );

    public static KafkaBackupException Changed(PlannedSource planned, long records, RestoreOptions options) =>
        ErrorIds.CheckpointMismatch.With(
            FormattableString.Invariant(
                $"The backup has changed since the interrupted restore began: {planned.Source} had {planned.Records:N0} records to restore at offsets {planned.Bounds.First} to {planned.Bounds.Last}, and has {records:N0} of them now."
            ),
            planned.Source.ToString(),
            $"If older runs were removed from the backup, or files of it are gone, put them back and run again. {BeginAgain.Advice(options)}"
        );

    private bool HoldsMore(TopicEntry topic, PartitionEntry partition, TimeWindow window) =>
        Sources!.GetValueOrDefault(new TopicPartition(topic.Name, partition.Partition)) is var planned
        && partition.Segments.Any(s =>
            s.LastOffset > (planned?.Bounds.Last ?? -1) && s.RecordCount > 0 && window.Overlaps(s.MinTimestamp, s.MaxTimestamp)
        );

    private static PlannedSource Planned(CheckpointSource source) =>
        new(
            new TopicPartition(source.Topic, source.Partition),
            source.Records == 0 ? null : new OffsetSpan(source.FirstOffset, source.LastOffset),
            source.Records,
            source.LeftOut,
            source.RestoredTo
        );

    /// <summary>
    /// Null when every partition of the plan has its mark. All marks are written before the checkpoint and before the first record, so one
    /// that is missing was deleted, and how far that partition came is not known.
    /// </summary>
    private static (int Had, int Kept)? Unmarked(
        RestoreOptions options,
        Checkpoint? checkpoint,
        IReadOnlyCollection<TopicPartition> targets,
        Dictionary<TopicPartition, TransactionalMark> marks
    )
    {
        if (checkpoint is null)
        {
            return marks.Values.FirstOrDefault(m => m.Partitions != marks.Count) is { } partial ? (partial.Partitions, marks.Count) : null;
        }

        var planned = checkpoint
            .Plan.Where(p => p.Records > 0)
            .Select(p => TargetMapping.TargetOf(p.Topic, p.Partition, options))
            .Where(targets.Contains)
            .ToHashSet();
        var kept = planned.Count(marks.ContainsKey);
        return kept < planned.Count ? (planned.Count, kept) : null;
    }

    private static async Task<Dictionary<TopicPartition, TransactionalMark>> MarksAsync(
        RestoreOptions options,
        IReadOnlyCollection<TopicPartition> targets,
        IKafkaCluster cluster,
        CancellationToken cancel
    )
    {
        var committed = await cluster
            .ListGroupOffsetsAsync(TransactionalMarks.Group(options), requireStable: false, cancel)
            .ConfigureAwait(false);
        var marks = new Dictionary<TopicPartition, TransactionalMark>();
        foreach (var offset in committed.Where(o => targets.Contains(o.Partition)))
        {
            if (TransactionalMark.Read(offset.Metadata) is { } mark)
            {
                marks[offset.Partition] =
                    mark.Hash == options.Fingerprint.Hash ? mark : throw TransactionalMark.OfOtherSettings(offset, options);
            }
        }

        return marks;
    }
}
