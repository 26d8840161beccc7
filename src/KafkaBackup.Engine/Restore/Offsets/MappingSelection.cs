using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Restore;

/// <summary>Which partitions and groups a mapping is asked for, by source names (rule A4).</summary>
internal sealed class MappingSelection
{
    private readonly TopicSelection _topics;
    private readonly IReadOnlyList<int>? _partitions;
    private readonly PatternSet? _groups;
    private readonly IReadOnlyDictionary<string, string> _targets;

    public MappingSelection(OffsetMappingSettings asked)
    {
        _topics = new TopicSelection(asked.Topics ?? ["*"], asked.ExcludeTopics, includeInternal: asked.Topics is null);
        _partitions = asked.Partitions;
        _groups = asked.ConsumerGroups is null ? null : PatternSet.ForNames(asked.ConsumerGroups);
        _targets = asked.TopicMapping ?? new Dictionary<string, string>();
    }

    public bool Selects(TopicPartition source) => _topics.Selects(source.Topic) && _partitions?.Contains(source.Partition) != false;

    public TopicPartition TargetOf(TopicPartition source) => source with { Topic = _targets.GetValueOrDefault(source.Topic, source.Topic) };

    public IReadOnlyList<(TopicPartition Source, PartitionEntry Partition)> Of(OpenedBackup backup)
    {
        var selected = backup
            .Manifest.Topics.Values.SelectMany(t =>
                t.Partitions.Values.Select(p => (Source: new TopicPartition(t.Name, p.Partition), Partition: p))
            )
            .Where(p => Selects(p.Source))
            .OrderBy(p => p.Source)
            .ToArray();
        RefuseNothing(selected.Length, $"Backup {backup.BackupId}", backup.Manifest.Topics.Keys);
        return selected;
    }

    /// <summary>Without a backup the target's names are all there is; a mapping says which source each is of.</summary>
    public IReadOnlyList<(TopicPartition Source, TopicPartition Target)> Of(IReadOnlyDictionary<string, TopicDescription> topics)
    {
        var sources = _targets
            .GroupBy(t => t.Value, t => t.Key, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.First(), StringComparer.Ordinal);
        var selected = topics
            .Values.Where(t => !t.IsInternal)
            .SelectMany(t =>
                t.Partitions.Select(p =>
                    (
                        Source: new TopicPartition(sources.GetValueOrDefault(t.Name, t.Name), p.Partition),
                        Target: new TopicPartition(t.Name, p.Partition)
                    )
                )
            )
            .Where(p => Selects(p.Source))
            .OrderBy(p => p.Source)
            .ToArray();
        RefuseNothing(selected.Length, "The cluster", topics.Keys);
        return selected;
    }

    public void RefuseNothing(int count, string place, IEnumerable<string> available)
    {
        if (count == 0)
        {
            throw _topics.NothingMatched(place, available.Distinct(StringComparer.Ordinal));
        }
    }

    /// <summary>The partitions' rows, or where groups are asked for a row per group and partition.</summary>
    /// <param name="known">Null where nothing tells what groups there were.</param>
    public IReadOnlyList<OffsetMapping> Rows(IReadOnlyList<MappedRow> rows, IReadOnlyList<GroupEntry>? known, string bootstrap)
    {
        if (_groups is null)
        {
            return rows.Select(r => r.Row).ToArray();
        }

        if (known is null)
        {
            throw ErrorIds.MissingSettings.With(
                "Not given: the backup that holds the groups' offsets in the source (-Path, -BackupId).",
                "BackupId",
                "Name the backup that the topics were restored from, or give -OffsetReportPath."
            );
        }

        var groups = known.Where(g => _groups.Matches(g.Group)).ToArray();
        if (groups.Length == 0)
        {
            var there = known.Count == 0 ? "There are none." : $"There are: {string.Join(", ", known.Take(10).Select(g => g.Group))}.";
            throw ErrorIds.GroupNotInBackup.With($"No consumer group matches {_groups}. {there}", _groups.ToString());
        }

        var byPartition = rows.ToLookup(r => new TopicPartition(r.Row.Topic, r.Row.Partition));
        var found = (
            from @group in groups
            from offset in @group.Offsets
            from row in byPartition[new TopicPartition(offset.Topic, offset.Partition)]
            select MappingRows.ForGroup(row.Row, @group.Group, offset.Offset, row.Translate(offset.Offset), offset.Metadata, bootstrap)
        ).ToArray();

        // Of merged partitions no single offset stands for all: a command for each would undo the one before.
        var merged = found
            .Where(r => r.TargetTopic is not null)
            .GroupBy(r => (r.ConsumerGroup, r.TargetTopic, r.TargetPartition))
            .Where(g => g.Count() > 1)
            .SelectMany(g => g)
            .ToHashSet();
        return found.Select(r => merged.Contains(r) ? r with { ResetCommand = null, ResetArguments = null } : r).ToArray();
    }
}
