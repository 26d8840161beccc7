using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;

namespace KafkaBackup.Engine.Backup;

/// <summary>Which topics of a cluster a backup is about.</summary>
internal static class SourceTopics
{
    /// <exception cref="KafkaBackupException">TopicNotFound for a topic asked for by name, NothingMatched.</exception>
    public static IReadOnlyList<TopicDescription> Select(
        ClusterDescription description,
        BackupOptions options,
        string address,
        List<Finding> findings
    )
    {
        var selected = description
            .Topics.Values.Where(t => options.Topics.Selects(t.Name))
            .OrderBy(t => t.Name, StringComparer.Ordinal)
            .ToArray();
        ReportMissing(description, options, address, findings);
        if (selected.Length == 0)
        {
            throw options.Topics.NothingMatched($"The cluster {address}", description.Topics.Keys);
        }

        return selected.FirstOrDefault(t => t.Partitions.Count == 0) is { } unseen
            ? throw ErrorIds.ClusterUnauthorized.With(
                $"Topic {unseen.Name} of the cluster {address} cannot be looked at: {unseen.ErrorMessage ?? "it shows no partitions"}.",
                unseen.Name,
                $"Grant this user DESCRIBE and READ on topic {unseen.Name}, or exclude the topic."
            )
            : selected;
    }

    private static void ReportMissing(ClusterDescription description, BackupOptions options, string address, List<Finding> findings)
    {
        foreach (var name in options.Topics.Literals.Where(name => !description.Topics.ContainsKey(name)))
        {
            var there = TopicSelection.WhatIsThere([
                .. description.Topics.Keys.Where(k => !k.StartsWith("__", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
            ]);
            var near = description.Topics.Keys.FirstOrDefault(k => string.Equals(k, name, StringComparison.OrdinalIgnoreCase));
            var message =
                $"The cluster {address} has no topic {name}{(near is null ? "" : $"; it has {near}")}, or this user may not see it. {there}";
            const string Advice = "Check the name, names are case-sensitive; or set on_missing_topic: warn.";
            if (options.OnMissingTopic == MissingTopicAction.Fail)
            {
                throw ErrorIds.TopicNotFound.With(message, name, Advice);
            }

            findings.Add(new Finding(FindingSeverity.Warning, FindingKind.NothingSelected, name, message, Advice));
        }
    }
}
