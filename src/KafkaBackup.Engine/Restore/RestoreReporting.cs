namespace KafkaBackup.Engine.Restore;

/// <summary>Plans and results as users see them.</summary>
internal static class RestoreReporting
{
    /// <summary>Where the dry run cannot know better: what a modest cluster takes. Said as an estimate.</summary>
    private const double AssumedBytesPerSecond = 50e6;
    private const double AssumedRecordsPerSecond = 200e3;

    public static RestoreReport Report(RestoreWork work, string location)
    {
        var options = work.Options;
        var segments = work.Targets.SelectMany(t => t.Sources).SelectMany(s => s.Segments).ToArray();
        return new RestoreReport
        {
            Status = Status(work.Findings, options.Force),
            BackupId = options.BackupId,
            Path = location,
            StorageOption = options.Store.Options ?? new Dictionary<string, string>(),
            SegmentCount = segments.Length,
            RecordCount = work.RecordCount,
            Bytes = work.Targets.Sum(t => t.Bytes),
            WindowStartMs = options.Window.Start,
            WindowEndMs = options.Window.End,
            FromTimeMs = segments.Length == 0 ? null : segments.Min(s => s.MinTimestamp),
            ToTimeMs = segments.Length == 0 ? null : segments.Max(s => s.MaxTimestamp),
            Topics = ItemList.From(work.Topics.SelectMany(t => Topics(t, options.PurgeTopics)).ToArray()),
            ConsumerOffsetActions = ItemList.From(GroupPlan.Describe(work).ToArray()),
            Findings = ItemList.From(work.Findings),
            EstimatedDuration = Estimate(work),
            NotChecked = UncheckedText.Of(work),
            DryRun = options.DryRun,
        };
    }

    public static ReportStatus Status(IReadOnlyList<Finding> findings, bool force) =>
        findings.Any(f => f.Severity == FindingSeverity.Error && !(force && f.CanForce)) ? ReportStatus.Invalid
        : findings.Any(f => f.Severity != FindingSeverity.Information) ? ReportStatus.ValidWithWarnings
        : ReportStatus.Valid;

    public static RestoreResult Result(
        RestoreWork work,
        string location,
        RestoreData data,
        RestoreStatus status,
        DateTimeOffset endedAt,
        IReadOnlyList<OffsetMapping> mapping,
        GroupResetOutcome groups
    ) =>
        new()
        {
            BackupId = work.Options.BackupId,
            Path = location,
            StorageOption = work.Options.Store.Options ?? new Dictionary<string, string>(),
            Status = status,
            StartedAt = data.StartedAt,
            EndedAt = endedAt,
            RecordCount = data.Outcomes.Sum(o => o.Progress.Records),
            Bytes = data.Outcomes.Sum(o => o.Progress.Bytes),
            BatchesKept = data.Outcomes.Sum(o => o.Progress.BatchesKept),
            BatchesRebuilt = data.Outcomes.Sum(o => o.Progress.BatchesRebuilt),
            Resumed = data.Resumed,
            RecordsSkippedOnResume = data.Outcomes.Sum(o => o.Progress.Resumed),
            Partitions = ItemList.From(data.Outcomes.SelectMany(Partitions).ToArray()),
            OffsetMapping = ItemList.From(mapping),
            OffsetReportPath = work.Options.OffsetReportPath,
            GroupsReset = ItemList.From(groups.Resets),
            OffsetBackupPath = groups.BackupPath,
            NotChecked = data.NotChecked,
            RecordsLeftOut = work.Damaged.Sum(s => s.LeftOutCount),
            Findings = ItemList.From(work.Findings),
        };

    private static IEnumerable<RestoreTopicPlan> Topics(TopicWork topic, bool purge) =>
        from source in topic.Sources
        select new RestoreTopicPlan
        {
            Topic = source.Name,
            TargetTopic = topic.TargetTopic,
            Create = topic.Create is not null,
            Purge = purge && topic.Create is null,
            TargetPartitionCount = topic.TargetPartitionCount,
            Partitions = ItemList.From(
                topic
                    .Targets.SelectMany(t => t.Sources.Where(s => s.Source.Topic == source.Name).Select(s => (t.Target, Source: s)))
                    .Select(p => new RestorePartitionPlan(
                        p.Source.Source.Partition,
                        p.Target.Partition,
                        p.Source.Segments.Count,
                        p.Source.RecordCount,
                        p.Source.Bytes,
                        p.Source.Segments.Count == 0 ? null : p.Source.Segments[0].FirstOffset,
                        p.Source.Segments.Count == 0 ? null : p.Source.Segments[^1].LastOffset
                    ))
                    .ToArray()
            ),
        };

    private static IEnumerable<RestorePartitionResult> Partitions(LaneOutcome outcome)
    {
        var progress = outcome.Progress;
        for (var i = 0; i < progress.Work.Sources.Count; i++)
        {
            var source = progress.Work.Sources[i];
            var ranges = progress.Maps[i].Ranges;
            yield return new RestorePartitionResult
            {
                Topic = source.Source.Topic,
                Partition = source.Source.Partition,
                TargetTopic = progress.Work.Target.Topic,
                TargetPartition = progress.Work.Target.Partition,
                Status = outcome.Status,
                RecordCount = progress.Maps[i].Records,
                Bytes = progress.BytesOf(i),
                SourceFirstOffset = ranges.Count == 0 ? null : ranges[0].SourceStart,
                SourceLastOffset = ranges.Count == 0 ? null : ranges[^1].SourceStart + ranges[^1].Length - 1,
                TargetFirstOffset = ranges.Count == 0 ? null : ranges[0].TargetStart,
                TargetLastOffset = ranges.Count == 0 ? null : ranges[^1].TargetStart + ranges[^1].Length - 1,
                ErrorId = outcome.Error?.ErrorId,
                ErrorMessage = outcome.Error?.Message,
            };
        }
    }

    private static TimeSpan? Estimate(RestoreWork work)
    {
        var bytes = Math.Min(AssumedBytesPerSecond, work.Options.BytesPerSecond ?? double.MaxValue);
        var records = Math.Min(AssumedRecordsPerSecond, work.Options.RecordsPerSecond ?? double.MaxValue);
        return TimeSpan.FromSeconds(Math.Ceiling(Math.Max(work.Targets.Sum(t => t.Bytes) / bytes, work.RecordCount / records)));
    }
}
