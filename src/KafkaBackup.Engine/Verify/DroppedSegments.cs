using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>
/// Tells a leftover from a segment that the manifest once named. What a dead run leaves is stored again by the next one, and what was
/// merged lies within what replaced it; so a segment of this backup that overlaps no named one, although the backup says that it has
/// everything up to later offsets, was dropped from the manifest by somebody.
/// </summary>
internal sealed class DroppedSegments(IStore store, OpenedBackup backup) : IDisposable
{
    private const long PoolBytes = 4L << 20;

    private readonly BlockBufferPool _pool = new(PoolBytes);

    private readonly Dictionary<string, (TopicPartition Place, PartitionEntry Entry)> _partitions = backup
        .Manifest.Topics.Values.SelectMany(t => t.Partitions.Values.Select(p => (Place: new TopicPartition(t.Name, p.Partition), Entry: p)))
        .ToDictionary(p => BackupKeys.PartitionFolder(p.Place.Topic, p.Place.Partition), StringComparer.Ordinal);

    /// <summary>Null for a leftover. The name only says where to look: header and index say what the object is.</summary>
    public async Task<Finding?> JudgeAsync(Orphan orphan, CancellationToken cancel)
    {
        var key = orphan.Object.Key[(backup.BackupId.Length + 1)..];
        if (
            !orphan.IsSegment
            || LeftOutSegment.FirstOffsetOf(key) is not { } first
            || !_partitions.TryGetValue(key[..(key.LastIndexOf('/') + 1)], out var partition)
            || first < partition.Entry.CapturedStart
            || first >= partition.Entry.NextOffset
            || partition.Entry.Gaps.Any(g => g.FromOffset <= first && first < g.ToOffset)
            || !await IsOurMissingPartAsync(orphan.Object, partition.Place, partition.Entry, cancel).ConfigureAwait(false)
        )
        {
            return null;
        }

        return new Finding(
            FindingSeverity.Error,
            FindingKind.ManifestDamaged,
            orphan.Object.Key,
            $"Segment '{orphan.Object.Key}' holds {partition.Place} from offset {first} on, which the backup says it has, but the manifest names no segment with it: the manifest was changed.",
            "Find out who changed the manifest; Repair-KafkaBackup takes the segment in again."
        );
    }

    public void Dispose() => _pool.Dispose();

    private async Task<bool> IsOurMissingPartAsync(StoreObject found, TopicPartition place, PartitionEntry entry, CancellationToken cancel)
    {
        try
        {
            using var reader = await SegmentReader
                .OpenAsync(
                    found.Key,
                    (offset, buffer, stop) => store.ReadAsync(found.Key, offset, buffer, stop),
                    found.Size,
                    _pool,
                    0,
                    cancel
                )
                .ConfigureAwait(false);
            var (header, stats) = (reader.Header, reader.Stats);
            return backup.Owner.Owns(header.BackupId)
                && header.Topic == place.Topic
                && header.Partition == place.Partition
                && !entry.Segments.Any(s => s.FirstOffset <= stats.LastOffset && stats.FirstOffset <= s.LastOffset);
        }
        catch (SegmentDamagedException)
        {
            return false;
        }
        catch (KafkaBackupException error) when (error.Definition == ErrorIds.StoreObjectMissing)
        {
            return false;
        }
    }
}
