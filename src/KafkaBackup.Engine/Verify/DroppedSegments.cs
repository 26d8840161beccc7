using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Verify;

/// <summary>
/// Tells a leftover from a segment that the manifest once named. What a dead run leaves is stored again by the next one, and what was merged lies within what
/// replaced it; so a segment whose first record no named segment covers, although the backup says that it has everything up to later offsets, was dropped from
/// the manifest by somebody.
/// </summary>
internal sealed class DroppedSegments(OpenedBackup backup)
{
    private readonly Dictionary<string, (TopicPartition Place, PartitionEntry Entry)> _partitions = backup.Manifest.Topics.Values
        .SelectMany(t => t.Partitions.Values.Select(p => (Place: new TopicPartition(t.Name, p.Partition), Entry: p)))
        .ToDictionary(p => BackupKeys.PartitionFolder(p.Place.Topic, p.Place.Partition), StringComparer.Ordinal);

    /// <summary>Null for a leftover.</summary>
    public Finding? Judge(Orphan orphan)
    {
        var key = orphan.Object.Key[(backup.BackupId.Length + 1)..];
        if (!orphan.IsSegment || LeftOutSegment.FirstOffsetOf(key) is not { } first
            || !_partitions.TryGetValue(key[..(key.LastIndexOf('/') + 1)], out var partition)
            || first < partition.Entry.CapturedStart || first >= partition.Entry.NextOffset
            || partition.Entry.Segments.Any(s => s.FirstOffset <= first && first <= s.LastOffset)
            || partition.Entry.Gaps.Any(g => g.FromOffset <= first && first < g.ToOffset))
        {
            return null;
        }

        return new Finding(
            FindingSeverity.Error, FindingKind.ManifestDamaged, orphan.Object.Key,
            $"Segment '{orphan.Object.Key}' holds {partition.Place} from offset {first} on, which the backup says it has, but the manifest names no segment with it: the manifest was changed.",
            "Find out who changed the manifest; Repair-KafkaBackup takes the segment in again.");
    }
}
