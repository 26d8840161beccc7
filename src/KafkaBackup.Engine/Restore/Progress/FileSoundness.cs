namespace KafkaBackup.Engine.Restore;

/// <summary>
/// What JSON lets through and no file of ours holds: nulls where the types say there are none, numbers that cannot be, one thing twice. A
/// damaged file is an error when it is read, not a surprise where it is used.
/// </summary>
internal static class FileSoundness
{
    /// <summary>Null for a sound checkpoint, else what is wrong with it.</summary>
    public static string? FaultOf(Checkpoint checkpoint)
    {
        if (
            checkpoint.BackupId is null
            || checkpoint.ConfigHash is null
            || checkpoint.Config is null
            || checkpoint.Config.Values.Contains(null!)
            || HasNull(checkpoint.SegmentsCompleted)
            || HasNull(checkpoint.SegmentsInProgress)
            || HasNull(checkpoint.Targets)
            || HasNull(checkpoint.Plan)
        )
        {
            return "a field is empty";
        }

        if (
            checkpoint.Version < 1
            || checkpoint.RecordsRestored < 0
            || checkpoint.BytesRestored < 0
            || checkpoint.SegmentsInProgress.Any(s => s.Key is null || s.Records < 0)
        )
        {
            return "its progress is not valid";
        }

        return checkpoint.Targets.Any(t => !IsSound(t)) || !AreDistinct(checkpoint.Targets.Select(t => (t.Topic, t.Partition)))
                ? "a target partition is not valid"
            : checkpoint.Plan.Any(s => !IsSound(s)) || !AreDistinct(checkpoint.Plan.Select(s => (s.Topic, s.Partition)))
                ? "its plan is not valid"
            : null;
    }

    /// <summary>Null for a sound report, else what is wrong with it.</summary>
    public static string? FaultOf(OffsetReport report)
    {
        if (report.BackupId is null || report.Target is null || HasNull(report.Partitions) || HasNull(report.Groups))
        {
            return "a field is empty";
        }

        if (
            report.Version < 1
            || report.Partitions.Any(p =>
                !IsPlace(p.SourceTopic, p.SourcePartition) || !IsPlace(p.TargetTopic, p.TargetPartition) || !AreRanges(p.Ranges)
            )
        )
        {
            return "a partition's mapping is not valid";
        }

        if (!AreDistinct(report.Partitions.Select(p => (p.SourceTopic, p.SourcePartition))))
        {
            return "a partition is mapped twice";
        }

        return report.Groups.Any(g =>
            string.IsNullOrEmpty(g.Group)
            || HasNull(g.Offsets)
            || g.Offsets.Any(o => !IsPlace(o.Topic, o.Partition) || o.SourceOffset < 0)
            || !AreDistinct(g.Offsets.Select(o => (o.Topic, o.Partition)))
        )
            ? "a group's offsets are not valid"
            : null;
    }

    /// <summary>Null for sound saved offsets, else what is wrong with them.</summary>
    public static string? FaultOf(SavedOffsets saved)
    {
        if (saved.BackupId is null || HasNull(saved.Offsets))
        {
            return "a field is empty";
        }

        return saved.Offsets.Any(o =>
                string.IsNullOrEmpty(o.Group)
                || !IsPlace(o.Topic, o.Partition)
                || o.OldMetadata is null
                || o.OldOffset < 0
                || o.NewOffset < 0
            )
                ? "a group's offsets are not valid"
            : AreDistinct(saved.Offsets.Select(o => (o.Group, o.Topic, o.Partition))) ? null
            : "a group has two offsets on one partition";
    }

    private static bool IsSound(CheckpointTarget target) =>
        IsPlace(target.Topic, target.Partition)
        && target.StartOffset >= 0
        && target.Records >= 0
        && target.PlannedRecords >= 0
        && target.StartOffset <= long.MaxValue - target.PlannedRecords
        && target.Sequence is null or { ProducerId: >= 0, Epoch: >= 0, FirstRecord: >= 0 }
        && target.Maps?.All(map => map is not null && map.Length % 3 == 0 && AreRanges(map.Chunk(3).ToArray())) != false;

    private static bool IsSound(CheckpointSource source) =>
        IsPlace(source.Topic, source.Partition)
        && source.Records >= 0
        && source.FirstOffset >= 0
        && source.LastOffset is >= -1 and < long.MaxValue
        && source.RestoredTo is >= -1 and < long.MaxValue
        && source.LeftOut?.All(span => span.First >= 0 && span.Last >= span.First && span.Last < long.MaxValue) == true;

    /// <summary>Each [source start, target start, length], in order and without overlap.</summary>
    private static bool AreRanges(IReadOnlyList<long[]>? ranges)
    {
        if (ranges is null)
        {
            return false;
        }

        var next = 0L;
        foreach (var range in ranges)
        {
            if (
                range is not { Length: 3 }
                || range[0] < next
                || range[1] < 0
                || range[2] < 1
                || range[2] > long.MaxValue - Math.Max(range[0], range[1])
            )
            {
                return false;
            }

            next = range[0] + range[2];
        }

        return true;
    }

    private static bool IsPlace(string? topic, int partition) =>
        topic is not null && NameRules.IsTopicName(topic) && partition is >= 0 and <= NameRules.HighestPartition;

    private static bool HasNull<T>(IReadOnlyList<T>? list)
        where T : class => list is null || list.Contains(null!);

    private static bool AreDistinct<T>(IEnumerable<T> items)
    {
        var seen = new HashSet<T>();
        return items.All(seen.Add);
    }
}
