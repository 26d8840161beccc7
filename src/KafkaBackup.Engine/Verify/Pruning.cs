using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Verify;

/// <summary>A manifest without its old runs.</summary>
internal static class Pruning
{
    /// <summary>
    /// Of each partition the oldest segments go, as far as they are of runs that go; the first that stays keeps all behind it, so that no
    /// hole comes up in the middle. A merged segment is of the run that merged it. With both limits a run goes only when both say so.
    /// </summary>
    /// <param name="olderThan">Runs that ended before this time (epoch ms), and of their segments those whose records are all from before
    /// it; a run that died ended with its last commit.</param>
    public static Manifest Without(Manifest manifest, long? olderThan, int? keepLast)
    {
        manifest = DeadRuns.End(manifest);
        var kept = keepLast is { } count
            ? manifest.Runs.OrderByDescending(r => r.StartedAt).Take(count).Select(r => r.RunId).ToHashSet(StringComparer.Ordinal)
            : [];
        var going = manifest
            .Runs.Where(r =>
                !kept.Contains(r.RunId) && (olderThan is not { } limit || (r.EndedAt ?? r.StartedAt).ToUnixTimeMilliseconds() < limit)
            )
            .Select(r => r.RunId)
            .ToHashSet(StringComparer.Ordinal);
        var topics = manifest.Topics.ToDictionary(
            t => t.Key,
            t => Without(t.Value, s => going.Contains(s.RunId) && (olderThan is not { } limit || s.MaxTimestamp < limit)),
            StringComparer.Ordinal
        );
        var holds = topics
            .Values.SelectMany(t => t.Partitions.Values)
            .SelectMany(p => p.Segments)
            .Select(s => s.RunId)
            .ToHashSet(StringComparer.Ordinal);
        return manifest with
        {
            Topics = topics,
            Runs = manifest.Runs.Where(r => !going.Contains(r.RunId) || holds.Contains(r.RunId)).ToArray(),
        };
    }

    private static TopicEntry Without(TopicEntry topic, Func<SegmentEntry, bool> goes) =>
        topic.Partitions.Values.Any(p => p.Segments is [var first, ..] && goes(first))
            ? topic with
            {
                Partitions = topic.Partitions.ToDictionary(p => p.Key, p => Without(p.Value, goes)),
            }
            : topic;

    /// <summary>
    /// What is gone is no gap, nor are gaps before it: the backup of this partition now begins later, as if it had begun then.
    /// </summary>
    private static PartitionEntry Without(PartitionEntry partition, Func<SegmentEntry, bool> goes)
    {
        var rest = partition.Segments.SkipWhile(goes).ToArray();
        if (rest.Length == partition.Segments.Count)
        {
            return partition;
        }

        var start = rest.Length > 0 ? rest[0].FirstOffset : partition.NextOffset;
        return partition with
        {
            Segments = rest,
            CapturedStart = Math.Max(partition.CapturedStart, start),
            Gaps = partition.Gaps.Where(g => g.ToOffset > start).ToArray(),
        };
    }
}
