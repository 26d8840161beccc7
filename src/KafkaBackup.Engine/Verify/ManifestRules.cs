using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Verify;

/// <summary>What a manifest must say if it is to be believed, and what of the source it says is not in the backup.</summary>
internal static class ManifestRules
{
    private const string RebuildAdvice =
        "Do not run further backups into it; Repair-KafkaBackup can rebuild the manifest from the segments.";

    public static IEnumerable<Finding> Check(OpenedBackup backup)
    {
        var manifest = backup.Manifest;
        if (!manifest.Complete)
        {
            yield return new Finding(
                FindingSeverity.Warning,
                FindingKind.Incomplete,
                backup.BackupId,
                "The last run did not reach the end of every partition.",
                "Run the backup again: it continues where it stopped."
            );
        }

        if (manifest.BackupId != backup.BackupId && !backup.IsForeign)
        {
            yield return new Finding(
                FindingSeverity.Warning,
                FindingKind.ManifestDamaged,
                backup.BackupId,
                $"The folder '{backup.BackupId}' holds backup '{manifest.BackupId}': it was renamed, or another backup was put in its place.",
                "If you did not rename it, find out who did before you restore from it."
            );
        }

        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (var topic in manifest.Topics.Values.OrderBy(t => t.Name, StringComparer.Ordinal))
        {
            foreach (var partition in topic.Partitions.Values.OrderBy(p => p.Partition))
            {
                foreach (var finding in Check(backup, new TopicPartition(topic.Name, partition.Partition), partition, keys))
                {
                    yield return finding;
                }
            }
        }
    }

    private static IEnumerable<Finding> Check(OpenedBackup backup, TopicPartition place, PartitionEntry partition, HashSet<string> keys)
    {
        foreach (var gap in partition.Gaps)
        {
            yield return new Finding(
                FindingSeverity.Warning,
                FindingKind.Gap,
                place.ToString(),
                $"Offsets {gap.FromOffset} to {gap.ToOffset - 1} of {place} are not in the backup: {gap.Reason.TrimEnd('.')}.",
                LeftOutSegment.KeyOf(gap) is null
                    ? "They were gone before they could be read; run backups more often, or keep records longer in the source."
                    : "Put that file back from a copy and run Repair-KafkaBackup: it takes the segment in again."
            );
        }

        SegmentEntry? before = null;
        foreach (var segment in partition.Segments)
        {
            var key = BackupKeys.Of(backup.BackupId, segment.Key);
            if (!keys.Add(segment.Key))
            {
                yield return Contradiction(key, $"Segment '{key}' is named twice.");
            }

            if (before is not null && segment.FirstOffset <= before.LastOffset)
            {
                yield return Contradiction(
                    key,
                    $"Segment '{key}' begins at offset {segment.FirstOffset} of {place}, inside '{before.Key}', which goes to {before.LastOffset}."
                );
            }

            if (
                segment.LastOffset < segment.FirstOffset
                || segment.RecordCount < 1
                || segment.RecordCount > segment.LastOffset - segment.FirstOffset + 1
            )
            {
                yield return Contradiction(
                    key,
                    $"The manifest says of segment '{key}' that it holds {segment.RecordCount} records from offset {segment.FirstOffset} to {segment.LastOffset}."
                );
            }

            before = segment;
        }

        if (before is not null && before.LastOffset >= partition.NextOffset)
        {
            yield return Contradiction(
                place.ToString(),
                $"The next run would continue {place} at offset {partition.NextOffset}, but offset {before.LastOffset} is stored."
            );
        }
    }

    private static Finding Contradiction(string place, string message) =>
        new(FindingSeverity.Error, FindingKind.ManifestDamaged, place, message, RebuildAdvice);
}
