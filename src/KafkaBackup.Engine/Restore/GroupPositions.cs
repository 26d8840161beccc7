using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Restore;

internal sealed record GroupMove(string Group, TopicPartition Source, TopicPartition Target, long SourceOffset, long TargetOffset, string Metadata);

/// <summary>Where groups have to go on in the target, by the strategy that was asked for.</summary>
internal sealed class GroupPositions(
    RestoreWork work, IKafkaCluster cluster, BackupCatalog catalog, IReadOnlyDictionary<TopicPartition, (TopicPartition Target, OffsetMap Map)> maps, TargetLog log, TimeProvider clock, IEngineEvents events)
{
    public async Task<IReadOnlyList<GroupMove>> FindAsync(IReadOnlyList<GroupEntry> groups, CancellationToken cancel)
    {
        var wanted = groups
            .SelectMany(g => g.Offsets.Select(o => (g.Group, Source: new TopicPartition(o.Topic, o.Partition), o.Offset, o.Metadata)))
            .Where(w => maps.ContainsKey(w.Source))
            .ToArray();
        var targets = wanted.Select(w => maps[w.Source].Target).Distinct().ToArray();
        var ends = await log.EndsAsync(targets, cancel).ConfigureAwait(false);
        var translate = work.Options.OffsetStrategy switch
        {
            OffsetStrategy.TimestampBased => await ByTimeAsync(wanted.Select(w => (w.Source, w.Offset)).Distinct().ToArray(), cancel).ConfigureAwait(false),
            OffsetStrategy.ClusterScan => await ByScanAsync(wanted.Select(w => w.Source).Distinct().ToArray(), ends, cancel).ConfigureAwait(false),
            _ => (source, offset) => maps[source].Map.Translate(offset),
        };
        return wanted
            .Select(w =>
            {
                var target = maps[w.Source].Target;

                // Nothing restored of this partition: the group waits at its end.
                var offset = translate(w.Source, w.Offset) ?? ends[target];
                return new GroupMove(w.Group, w.Source, target, w.Offset, Math.Clamp(offset, 0, ends[target]), w.Metadata);
            })
            .ToArray();
    }

    /// <summary>The time of the first backed-up record at or after the offset, looked up in the target.</summary>
    private async Task<Func<TopicPartition, long, long?>> ByTimeAsync((TopicPartition Source, long Offset)[] positions, CancellationToken cancel)
    {
        using var pool = new BlockBufferPool(16L << 20);
        var found = new Dictionary<(TopicPartition, long), long?>();
        foreach (var (source, offset) in positions)
        {
            long? target = null;
            if (await TimeAtAsync(source, offset, pool, cancel).ConfigureAwait(false) is { } time)
            {
                var to = maps[source].Target;
                var answer = (await cluster.FindOffsetsByTimeAsync(new Dictionary<TopicPartition, long> { [to] = time }, IsolationLevel.ReadUncommitted, cancel).ConfigureAwait(false))[to];
                target = answer.Error is null ? answer.Offset : throw answer.Error;
            }

            found[(source, offset)] = target;
        }

        return (source, offset) => found[(source, offset)];
    }

    private async Task<long?> TimeAtAsync(TopicPartition source, long offset, BlockBufferPool pool, CancellationToken cancel)
    {
        var planned = work.Targets.SelectMany(t => t.Sources).First(s => s.Source == source);
        foreach (var segment in planned.Segments.Where(s => s.LastOffset >= offset))
        {
            var stored = catalog.Segment(work.Backup, source.Topic, source.Partition, segment.Entry);
            await foreach (var block in SegmentBlocks.ReadAsync(stored, pool, b => b.Stats.LastOffset >= offset, 0, cancel).ConfigureAwait(false))
            {
                using (block)
                {
                    if (FirstTime(block, planned.Choice, offset) is { } time)
                    {
                        return time;
                    }
                }
            }
        }

        return null;
    }

    private static long? FirstTime(RecordBlock block, RecordChoice choice, long offset)
    {
        foreach (var record in block)
        {
            if (record.Offset >= offset && choice.Takes(record.Offset, record.Timestamp))
            {
                return record.Timestamp;
            }
        }

        return null;
    }

    private async Task<Func<TopicPartition, long, long?>> ByScanAsync(TopicPartition[] sources, IReadOnlyDictionary<TopicPartition, long> ends, CancellationToken cancel)
    {
        var scan = new OriginalOffsetScan(cluster, clock, events);
        var scanned = new Dictionary<TopicPartition, OffsetMap>();
        foreach (var source in sources)
        {
            var target = maps[source].Target;
            scanned[source] = await scan.ReadAsync(target, ends[target], cancel).ConfigureAwait(false);
            if (scanned[source].IsEmpty && !maps[source].Map.IsEmpty)
            {
                throw ErrorIds.GroupOffsets.With(
                    $"The records in {target} have no {OriginalHeaders.OffsetName} header, so a scan cannot tell where they came from. No group's offsets were changed.", target.ToString(),
                    "Restore with include_original_offset_header, or choose the strategy header-based or timestamp-based.");
            }
        }

        return (source, offset) => scanned[source].Translate(offset);
    }
}
