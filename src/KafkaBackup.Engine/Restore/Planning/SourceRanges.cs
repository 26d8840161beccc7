using System.Runtime.InteropServices;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Which source offsets a partition's stored records cover. Segments without holes tell it by themselves, of others the block index is
/// read; the holes inside one block (compaction, transaction markers) are not told, for that would mean reading every record.
/// </summary>
internal sealed class SourceRanges(BackupCatalog catalog, OpenedBackup backup)
{
    private const int IndexesAtOnce = 8;
    private const long PoolBytes = 16L << 20;
    private const long NoTarget = -1;

    public async Task<IReadOnlyList<OffsetRange>> OfAsync(TopicPartition source, PartitionEntry partition, CancellationToken cancel)
    {
        using var pool = new BlockBufferPool(PoolBytes);
        var parts = new IReadOnlyList<OffsetRange>[partition.Segments.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = IndexesAtOnce, CancellationToken = cancel };
        await Parallel
            .ForAsync(
                0,
                parts.Length,
                options,
                async (i, c) => parts[i] = await OfAsync(source, partition.Segments[i], pool, c).ConfigureAwait(false)
            )
            .ConfigureAwait(false);
        var ranges = new List<OffsetRange>();
        foreach (var part in parts.SelectMany(p => p))
        {
            Add(ranges, part);
        }

        return ranges;
    }

    private async Task<IReadOnlyList<OffsetRange>> OfAsync(
        TopicPartition source,
        SegmentEntry segment,
        BlockBufferPool pool,
        CancellationToken cancel
    )
    {
        if (backup.IsForeign || segment.LastOffset - segment.FirstOffset + 1 == segment.RecordCount)
        {
            return [Range(segment.FirstOffset, segment.LastOffset)];
        }

        using var reader = await catalog
            .Segment(backup, source.Topic, source.Partition, segment)
            .OpenAsync(pool, 0, cancel)
            .ConfigureAwait(false);
        return reader.Blocks.Select(b => Range(b.Stats.FirstOffset, b.Stats.LastOffset)).ToArray();
    }

    private static OffsetRange Range(long first, long last) => new(first, NoTarget, last - first + 1);

    private static void Add(List<OffsetRange> ranges, OffsetRange next)
    {
        if (ranges.Count > 0 && ranges[^1].SourceStart + ranges[^1].Length == next.SourceStart)
        {
            ref var last = ref CollectionsMarshal.AsSpan(ranges)[^1];
            last = last with { Length = last.Length + next.Length };
        }
        else
        {
            ranges.Add(next);
        }
    }
}
