using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Restore;

/// <summary>A source partition, and the partition of the same number that its records are expected in.</summary>
internal sealed record ScanPair(TopicPartition Source, TopicPartition Target, PartitionEntry? Entry);

/// <summary>
/// Which restored partition holds which source partition's records. A record tells its original offset and not its original partition, and a restore may
/// have mapped partitions: a group's offset carried over to the wrong partition would skip or repeat records. So the first restored record is
/// looked up in the backup; where it is not that partition's record, the topic's other partitions are tried.
/// </summary>
internal sealed class ScannedPartitions(IKafkaCluster cluster, BackupCatalog catalog, OpenedBackup backup, TimeProvider clock, IEngineEvents events)
{
    private const long PoolBytes = 16L << 20;

    private readonly OriginalOffsetScan _scan = new(cluster, clock, events);
    private readonly Dictionary<TopicPartition, OffsetMap> _maps = [];

    /// <param name="ends">Log ends of all partitions of the target topics.</param>
    public async Task<IReadOnlyDictionary<TopicPartition, TopicPartition>> FindAsync(
        IReadOnlyCollection<ScanPair> pairs, IReadOnlyDictionary<TopicPartition, long> ends, CancellationToken cancel)
    {
        var found = new Dictionary<TopicPartition, TopicPartition>();
        foreach (var pair in pairs.Where(p => ends.ContainsKey(p.Target)))
        {
            if (!await IsEmptyAsync(pair.Target, ends, cancel).ConfigureAwait(false) && (await HoldsAsync(pair, pair.Target, ends, cancel).ConfigureAwait(false) ?? true))
            {
                found.Add(pair.Source, pair.Target);
            }
        }

        var taken = found.Values.ToHashSet();
        foreach (var pair in pairs.Where(p => !found.ContainsKey(p.Source)))
        {
            foreach (var other in ends.Keys.Where(t => t.Topic == pair.Target.Topic && !taken.Contains(t)).Order())
            {
                if (await HoldsAsync(pair, other, ends, cancel).ConfigureAwait(false) == true)
                {
                    events.Verbose($"The records of {pair.Source} are in {other}, by their content.");
                    found.Add(pair.Source, other);
                    taken.Add(other);
                    break;
                }
            }

            if (found.ContainsKey(pair.Source) || !ends.ContainsKey(pair.Target))
            {
                continue;
            }

            if (await IsEmptyAsync(pair.Target, ends, cancel).ConfigureAwait(false))
            {
                found.Add(pair.Source, pair.Target);
            }
            else
            {
                events.Warning(
                    $"The records in {pair.Target} are not those of {pair.Source} in backup {backup.BackupId}, and no other partition has them: its row has no target. " +
                    "Was it restored from another backup, or were partitions merged? The restore's offset report knows (-OffsetReportPath).");
            }
        }

        return found;
    }

    public async Task<OffsetMap> MapAsync(TopicPartition target, long end, CancellationToken cancel)
    {
        if (!_maps.TryGetValue(target, out var map))
        {
            _maps[target] = map = await _scan.ReadAsync(target, end, cancel).ConfigureAwait(false);
        }

        return map;
    }

    private async Task<bool> IsEmptyAsync(TopicPartition target, IReadOnlyDictionary<TopicPartition, long> ends, CancellationToken cancel) =>
        (await MapAsync(target, ends[target], cancel).ConfigureAwait(false)).IsEmpty;

    /// <summary>Null when nothing tells: no restored record is there, or the backup has none of those offsets any more.</summary>
    private async Task<bool?> HoldsAsync(ScanPair pair, TopicPartition target, IReadOnlyDictionary<TopicPartition, long> ends, CancellationToken cancel)
    {
        var map = await MapAsync(target, ends[target], cancel).ConfigureAwait(false);
        if (map.IsEmpty || await FirstStoredAsync(pair, map.Ranges[0].SourceStart, cancel).ConfigureAwait(false) is not { } stored)
        {
            return null;
        }

        var range = map.Ranges.FirstOrDefault(r => stored.Offset >= r.SourceStart && stored.Offset < r.SourceStart + r.Length);
        return range.Length == 0 ? null : stored.Equals(Restored(target, range.TargetStart + stored.Offset - range.SourceStart, stored.Offset, cancel));
    }

    private async Task<Seen?> FirstStoredAsync(ScanPair pair, long from, CancellationToken cancel)
    {
        using var pool = new BlockBufferPool(PoolBytes);
        foreach (var entry in pair.Entry!.Segments.Where(s => s.LastOffset >= from))
        {
            var segment = catalog.Segment(backup, pair.Source.Topic, pair.Source.Partition, entry);
            await foreach (var block in SegmentBlocks.ReadAsync(segment, pool, b => b.Stats.LastOffset >= from, 0, cancel).ConfigureAwait(false))
            {
                using (block)
                {
                    if (First(block, from) is { } seen)
                    {
                        return seen;
                    }
                }
            }
        }

        return null;
    }

    private static Seen? First(RecordBlock block, long from)
    {
        foreach (var record in block)
        {
            if (record.Offset >= from)
            {
                return Seen.Of(record, record.Offset);
            }
        }

        return null;
    }

    private Seen? Restored(TopicPartition target, long offset, long original, CancellationToken cancel)
    {
        Seen? seen = null;
        using var reader = new RangeReader(cluster, new ReaderOptions(IsolationLevel.ReadCommitted, QueuedBytes: 4 << 20), clock, events);
        reader.Read(target, offset, offset + 1, DeletedRecords.Pass, Take, cancel);
        return seen;

        bool Take(in RecordView record)
        {
            seen = Seen.Of(record, original);
            return false;
        }
    }

    /// <summary>What a restore never changes: key and value. Times may be the target broker's own.</summary>
    private sealed record Seen(long Offset, string? Key, string? Value)
    {
        public static Seen Of(in RecordView record, long offset) => new(
            offset, record.KeyIsNull ? null : Convert.ToHexString(record.Key), record.ValueIsNull ? null : Convert.ToHexString(record.Value));
    }
}
