using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Catalog;

/// <summary>Whether a topic's page must be rewritten, or only its partitions' states moved on.</summary>
internal static class TopicChanges
{
    public static bool SameDescription(TopicEntry left, TopicEntry right) =>
        ReferenceEquals(left, right)
        || (
            left.Name == right.Name
            && left.TopicId == right.TopicId
            && left.PartitionCount == right.PartitionCount
            && left.ReplicationFactor == right.ReplicationFactor
            && SameConfigs(left.Configs, right.Configs)
            && left.Partitions.Count == right.Partitions.Count
            && left.Partitions.Keys.All(right.Partitions.ContainsKey)
        );

    public static IEnumerable<TopicPartition> ChangedPartitions(TopicEntry before, TopicEntry after) =>
        from entry in after.Partitions
        where !SameState(before.Partitions[entry.Key], entry.Value)
        select new TopicPartition(after.Name, entry.Key);

    private static bool SameState(PartitionEntry left, PartitionEntry right) =>
        ReferenceEquals(left, right)
        || (
            left.CapturedStart == right.CapturedStart
            && left.CapturedEnd == right.CapturedEnd
            && left.NextOffset == right.NextOffset
            && left.Complete == right.Complete
            && left.LastRecord == right.LastRecord
            && (ReferenceEquals(left.Gaps, right.Gaps) || left.Gaps.SequenceEqual(right.Gaps))
        );

    private static bool SameConfigs(IReadOnlyDictionary<string, string> left, IReadOnlyDictionary<string, string> right) =>
        ReferenceEquals(left, right)
        || (
            left.Count == right.Count
            && left.All(c => right.TryGetValue(c.Key, out var value) && string.Equals(value, c.Value, StringComparison.Ordinal))
        );
}
