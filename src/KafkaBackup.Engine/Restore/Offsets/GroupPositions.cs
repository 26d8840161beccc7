using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Records;
using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Restore;

internal sealed record GroupMove(
    string Group,
    TopicPartition Source,
    TopicPartition Target,
    long SourceOffset,
    long TargetOffset,
    string Metadata
);

/// <summary>Where groups have to go on in the target, by the strategy that was asked for.</summary>
internal sealed class GroupPositions(
    RestoreWork work,
    IKafkaCluster cluster,
    BackupCatalog catalog,
    IReadOnlyDictionary<TopicPartition, (TopicPartition Target, OffsetMap Map)> maps,
    TargetLog log,
    TimeProvider clock,
    IEngineEvents events
)
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
            OffsetStrategy.TimestampBased => await ByTimeAsync(wanted.Select(w => (w.Source, w.Offset)).Distinct().ToArray(), cancel)
                .ConfigureAwait(false),
            OffsetStrategy.ClusterScan => await ByScanAsync(wanted.Select(w => w.Source).Distinct().ToArray(), cancel)
                .ConfigureAwait(false),
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

    /// <summary>
    /// The time of the first backed-up record at or after the offset, looked up among what this restore has put into the target.
    /// </summary>
    private async Task<Func<TopicPartition, long, long?>> ByTimeAsync(
        (TopicPartition Source, long Offset)[] positions,
        CancellationToken cancel
    )
    {
        using var pool = new BlockBufferPool(16L << 20);
        var found = new Dictionary<(TopicPartition, long), long?>();
        foreach (var (source, offset) in positions)
        {
            var (target, own) = maps[source];
            found[(source, offset)] =
                !own.IsEmpty && await TimeAtAsync(source, offset, pool, cancel).ConfigureAwait(false) is { } time
                    ? await FirstAtAsync(target, own, time, cancel).ConfigureAwait(false)
                    : own.End;
        }

        return (source, offset) => found[(source, offset)];
    }

    /// <summary>The first of our records stamped at or after the time; just after our last one when there is none.</summary>
    private async Task<long?> FirstAtAsync(TopicPartition target, OffsetMap own, long time, CancellationToken cancel)
    {
        var answer = (
            await cluster
                .FindOffsetsByTimeAsync(new Dictionary<TopicPartition, long> { [target] = time }, IsolationLevel.ReadUncommitted, cancel)
                .ConfigureAwait(false)
        )[target];
        var first = answer.Error is null ? answer.Offset : throw answer.Error;
        if (first is null or < 0 || first >= own.End)
        {
            return own.End;
        }

        // The cluster tells the first in the whole log. When an older record has that time already, what is ours has to be read.
        return first >= own.First
            ? first
            : await Task.Run(() => ReadFirstAt(target, own, time, cancel), cancel).ConfigureAwait(false) ?? own.End;
    }

    private long? ReadFirstAt(TopicPartition target, OffsetMap own, long time, CancellationToken cancel)
    {
        long? found = null;
        using var reader = new RangeReader(cluster, new ReaderOptions(IsolationLevel.ReadCommitted), clock, events);
        reader.Read(target, own.First!.Value, own.End!.Value, DeletedRecords.Pass, Take, cancel);
        return found;

        bool Take(in RecordView record)
        {
            found = record.Timestamp >= time ? record.Offset : null;
            return found is null;
        }
    }

    private async Task<long?> TimeAtAsync(TopicPartition source, long offset, BlockBufferPool pool, CancellationToken cancel)
    {
        var planned = work.Targets.SelectMany(t => t.Sources).First(s => s.Source == source);
        foreach (var segment in planned.Segments.Where(s => s.LastOffset >= offset))
        {
            var stored = catalog.Segment(work.Backup, source.Topic, source.Partition, segment.Entry);
            await foreach (
                var block in SegmentBlocks.ReadAsync(stored, pool, b => b.Stats.LastOffset >= offset, 0, cancel).ConfigureAwait(false)
            )
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

    /// <summary>
    /// What the records say of themselves, where this restore has put them: the same partition may hold other sources' records, or those of
    /// an earlier restore. Headers that contradict what was written say nothing of the groups' offsets.
    /// </summary>
    private async Task<Func<TopicPartition, long, long?>> ByScanAsync(TopicPartition[] sources, CancellationToken cancel)
    {
        var scan = new OriginalOffsetScan(cluster, clock, events);
        var scanned = new Dictionary<TopicPartition, OffsetMap>();
        foreach (var source in sources)
        {
            var (target, own) = maps[source];
            if (own.IsEmpty)
            {
                scanned[source] = own;
                continue;
            }

            var runs = await scan.ReadAsync(target, own.First!.Value, own.End!.Value, cancel).ConfigureAwait(false);
            if (runs.Count == 0)
            {
                throw ErrorIds.GroupOffsets.With(
                    $"The records in {target} have no {HeaderNames.OriginalOffset} header, so a scan cannot tell where they came from. No group's offsets were changed.",
                    target.ToString(),
                    "Restore with include_original_offset_header, or choose the strategy header-based or timestamp-based."
                );
            }

            if (runs.Count > 1 || !runs[0].Ranges.All(own.Agrees))
            {
                throw ErrorIds.GroupOffsets.With(
                    $"The {HeaderNames.OriginalOffset} headers in {target} do not name the offsets that the records have in {source}: an earlier restore wrote them, or another writer did. No group's offsets were changed.",
                    target.ToString(),
                    "Restore with include_original_offset_header, or choose the strategy header-based or timestamp-based."
                );
            }

            scanned[source] = runs[0];
        }

        return (source, offset) => scanned[source].Translate(offset);
    }
}
