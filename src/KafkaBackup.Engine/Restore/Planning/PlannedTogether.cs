using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// What all backups of one restore hold. Each takes from a map the keys that it has; a key that none of them has is a slip, and refused.
/// </summary>
/// <param name="Topics">All that the backups hold.</param>
/// <param name="Partitions">The numbers of those that the settings select.</param>
/// <param name="Backups">How many there are.</param>
internal sealed record PlannedTogether(IReadOnlySet<string> Topics, IReadOnlySet<int> Partitions, int Backups)
{
    public static PlannedTogether Of(IReadOnlyCollection<(RestoreOptions Options, Manifest Manifest)> backups) =>
        new(
            backups.SelectMany(b => b.Manifest.Topics.Keys).ToHashSet(StringComparer.Ordinal),
            backups
                .SelectMany(b =>
                    TargetMapping.SelectedTopics(b.Manifest, b.Options).SelectMany(t => TargetMapping.SelectedPartitions(t, b.Options))
                )
                .Select(p => p.Partition)
                .ToHashSet(),
            backups.Count
        );

    /// <exception cref="KafkaBackupException">NothingMatched.</exception>
    public void RequireTopics(RestoreOptions options, string place)
    {
        var holder = Backups == 1 ? $"{place} does not hold" : $"none of the {Backups} backups holds";
        if (options.TopicMapping.Keys.FirstOrDefault(name => !Topics.Contains(name)) is { } unmapped)
        {
            throw ErrorIds.NothingMatched.With(
                $"The topic map (-TopicMap, topic_mapping) names topic '{unmapped}', which {holder}.",
                unmapped,
                "Topic maps go from the source's name to the target's."
            );
        }

        if (options.TopicConfigOverrides.ByTopic.Keys.FirstOrDefault(name => !Topics.Contains(name)) is { } unknown)
        {
            var source = options.TopicMapping.FirstOrDefault(entry => entry.Value == unknown).Key;
            throw ErrorIds.NothingMatched.With(
                $"topic_config_overrides names topic '{unknown}', which {holder}{(source is null ? "" : $": it is the target's name of '{source}'")}.",
                unknown,
                source is null
                    ? "Overrides stand under the source's name of a topic."
                    : $"Overrides stand under the source's name: write '{source}'."
            );
        }
    }
}
