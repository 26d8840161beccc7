using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Where each selected partition goes: topic and partition maps, one to one unless merging was asked for (rule D5).
/// </summary>
internal static class TargetMapping
{
    private static readonly string[] NeverWritten = ["__consumer_offsets", "__transaction_state", "_schemas"];

    /// <exception cref="KafkaBackupException">NothingMatched for topics or partitions that are not in the backup.</exception>
    public static IReadOnlyList<(TopicEntry Topic, PartitionEntry Partition)> Select(
        Manifest manifest,
        RestoreOptions options,
        string place,
        PlannedTogether together
    )
    {
        var topics = SelectedTopics(manifest, options).ToArray();
        var missing = options.Topics.Literals.Where(name => !manifest.Topics.ContainsKey(name)).ToArray();
        if (topics.Length == 0 || missing.Length > 0)
        {
            throw topics.Length == 0
                ? options.Topics.NothingMatched(place, manifest.Topics.Keys)
                : ErrorIds.NothingMatched.With(
                    $"{place} does not hold topic {string.Join(", ", missing)}. It has: {string.Join(", ", manifest.Topics.Keys.Order(StringComparer.Ordinal).Take(10))}.",
                    missing[0]
                );
        }

        together.RequireTopics(options, place);
        if (options.SourcePartitions is { } wanted)
        {
            var there = topics.SelectMany(t => t.Partitions.Keys).ToHashSet();
            if (wanted.FirstOrDefault(p => !there.Contains(p), -1) is >= 0 and var absent)
            {
                throw ErrorIds.NothingMatched.With(
                    $"source_partitions names partition {absent}, which none of the selected topics has. They have: {string.Join(", ", there.Order().Take(10))}{(there.Count > 10 ? $", ... {there.Max()}" : "")}.",
                    absent
                );
            }
        }

        return topics.SelectMany(t => SelectedPartitions(t, options).OrderBy(p => p.Partition).Select(p => (t, p))).ToArray();
    }

    public static IEnumerable<TopicEntry> SelectedTopics(Manifest manifest, RestoreOptions options) =>
        manifest.Topics.Values.Where(t => options.Topics.Selects(t.Name)).OrderBy(t => t.Name, StringComparer.Ordinal);

    public static IEnumerable<PartitionEntry> SelectedPartitions(TopicEntry topic, RestoreOptions options) =>
        topic.Partitions.Values.Where(p => options.SourcePartitions?.Contains(p.Partition) != false);

    public static TopicPartition TargetOf(string topic, int partition, RestoreOptions options) =>
        new(options.TopicMapping.GetValueOrDefault(topic, topic), options.PartitionMapping.GetValueOrDefault(partition, partition));

    /// <summary>Findings about the maps themselves; errors among them end the planning.</summary>
    public static IEnumerable<Finding> Check(IReadOnlyList<SourceWork> sources, RestoreOptions options, PlannedTogether together)
    {
        foreach (var target in sources.GroupBy(s => TargetOf(s.Source.Topic, s.Source.Partition, options)))
        {
            if (target.Count() > 1 && !options.AllowMerge)
            {
                yield return new Finding(
                    FindingSeverity.Error,
                    FindingKind.PartitionMapping,
                    target.Key.ToString(),
                    $"{string.Join(" and ", target.Select(s => s.Source))} would both be written to {target.Key}.",
                    "Correct the maps: a partition that is not in partition_mapping keeps its number; or allow merging (-AllowMerge)."
                );
            }
        }

        foreach (
            var topic in sources.Select(s => TargetOf(s.Source.Topic, s.Source.Partition, options).Topic).Distinct(StringComparer.Ordinal)
        )
        {
            if (NeverWritten.Contains(topic))
            {
                throw ErrorIds.InternalTopicWrite.With(
                    $"Topic {topic} is never written by a restore: Kafka itself, or the schema registry, keeps its state there.",
                    topic
                );
            }

            if (!NameRules.IsTopicName(topic))
            {
                yield return new Finding(
                    FindingSeverity.Error,
                    FindingKind.TopicMapping,
                    topic,
                    $"'{topic}' cannot be a topic's name.",
                    "Use letters, digits, '.', '_' and '-', at most 249 of them."
                );
            }
        }

        foreach (var partition in options.PartitionMapping.Keys.Where(p => !together.Partitions.Contains(p)))
        {
            yield return new Finding(
                FindingSeverity.Error,
                FindingKind.PartitionMapping,
                partition.ToString(System.Globalization.CultureInfo.InvariantCulture),
                $"partition_mapping names source partition {partition}, which is not among the selected ones.",
                "Remove it, or select that partition too."
            );
        }
    }
}
