namespace KafkaBackup.Engine.Restore;

/// <summary>Offset mappings as users see them, with a ready command per row (rule F5).</summary>
internal static class MappingRows
{
    public static IReadOnlyList<OffsetMapping> FromRun(IEnumerable<LaneOutcome> outcomes, string bootstrap)
    {
        var rows = new List<OffsetMapping>();
        foreach (var progress in outcomes.Select(o => o.Progress))
        {
            for (var i = 0; i < progress.Work.Sources.Count; i++)
            {
                var source = progress.Work.Sources[i];
                var first = source.Segments.Count == 0 ? (long?)null : source.Segments.Min(s => s.MinTimestamp);
                var last = source.Segments.Count == 0 ? (long?)null : source.Segments.Max(s => s.MaxTimestamp);
                rows.Add(Row(source.Source, progress.Work.Target, progress.Maps[i], first, last, bootstrap));
            }
        }

        return rows.OrderBy(r => r.Topic, StringComparer.Ordinal).ThenBy(r => r.Partition).ToArray();
    }

    public static OffsetMapping Row(
        TopicPartition source,
        TopicPartition? target,
        OffsetMap map,
        long? firstTimestamp,
        long? lastTimestamp,
        string bootstrap
    )
    {
        var ranges = map.Ranges;
        var command = target is { } to && ranges.Count > 0 ? ResetCommand.For(bootstrap, "GROUP", to, ranges[0].TargetStart) : null;
        return new OffsetMapping
        {
            Topic = source.Topic,
            Partition = source.Partition,
            TargetTopic = target?.Topic,
            TargetPartition = target?.Partition,
            SourceFirstOffset = ranges.Count == 0 ? null : ranges[0].SourceStart,
            SourceLastOffset = ranges.Count == 0 ? null : ranges[^1].SourceStart + ranges[^1].Length - 1,
            TargetFirstOffset = map.First,
            TargetLastOffset = map.End - 1,
            FirstTimestampMs = firstTimestamp,
            LastTimestampMs = lastTimestamp,
            Ranges = ItemList.From(ranges),
            ResetCommand = command?.Text,
            ResetArguments = command?.Arguments,
        };
    }

    /// <summary>A row for one group's position.</summary>
    public static OffsetMapping ForGroup(
        OffsetMapping row,
        string group,
        long sourceOffset,
        long? targetOffset,
        string metadata,
        string bootstrap
    )
    {
        var command =
            targetOffset is { } offset && row is { TargetTopic: { } topic, TargetPartition: { } partition }
                ? ResetCommand.For(bootstrap, group, new TopicPartition(topic, partition), offset)
                : null;
        return row with
        {
            ConsumerGroup = group,
            SourceOffset = sourceOffset,
            TargetOffset = targetOffset,
            Metadata = metadata,
            ResetCommand = command?.Text,
            ResetArguments = command?.Arguments,
        };
    }
}
