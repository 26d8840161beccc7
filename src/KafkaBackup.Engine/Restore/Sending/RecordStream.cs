using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Restore;

/// <summary>A block of records to restore; the caller disposes it.</summary>
/// <param name="FirstIndex">The number, among all records for the target partition, of the first of the block's records that are
/// taken.</param>
/// <param name="Skip">How many of those are to be left out at the block's beginning.</param>
internal sealed record StreamBlock(SourceWork Source, SegmentWork Segment, RecordBlock Block, long FirstIndex, int Skip) : IDisposable
{
    /// <summary>Every record of the block is to be restored.</summary>
    public bool TakesAll { get; } = Source.Choice.TakesAll(Block.Info.Stats);

    public bool Takes(in RecordView record) => TakesAll || Source.Choice.Takes(record.Offset, record.Timestamp);

    public void Dispose() => Block.Dispose();
}

/// <summary>
/// The records for one target partition, in the order of the plan, from the n-th on. What lies before is skipped by the counts of plan and
/// block index wherever these are exact, so that a resume near the end of a large backup reads little.
/// </summary>
internal sealed class RecordStream(
    TargetWork work,
    BackupCatalog catalog,
    OpenedBackup backup,
    BlockBufferPool pool,
    int readAhead,
    SegmentProofs proofs
)
{
    public async IAsyncEnumerable<StreamBlock> ReadAsync(long skip, [EnumeratorCancellation] CancellationToken cancel)
    {
        long index = 0;
        foreach (var source in work.Sources)
        {
            foreach (var segment in source.Segments)
            {
                if (index + segment.RecordCount <= skip)
                {
                    index += segment.RecordCount;
                    continue;
                }

                await foreach (var block in ReadSegmentAsync(source, segment, index, skip, cancel).ConfigureAwait(false))
                {
                    yield return block;
                }

                index += segment.RecordCount;
            }
        }
    }

    public async IAsyncEnumerable<StreamBlock> ReadSegmentAsync(
        SourceWork source,
        SegmentWork segment,
        long index,
        long skip,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        var choice = source.Choice;
        var entry = segment.Entry;
        var damaged = choice.LeftOut.Any(lost => lost.First <= entry.LastOffset && lost.Last >= entry.FirstOffset);
        var stored = catalog.Segment(backup, source.Source.Topic, source.Source.Partition, entry, damaged);

        // Foreign segments tell nothing of a block before it is read; of ours the index says whether a block has to be looked into.
        bool Wanted(BlockInfo block)
        {
            if (!choice.MayHold(block.Stats))
            {
                return false;
            }

            if (choice.TakesAll(block.Stats) && index + block.Stats.RecordCount <= skip)
            {
                index += block.Stats.RecordCount;
                return false;
            }

            return true;
        }

        try
        {
            await foreach (var block in SegmentBlocks.ReadAsync(stored, pool, Wanted, readAhead, cancel).ConfigureAwait(false))
            {
                var count = choice.TakesAll(block.Info.Stats) ? block.Info.Stats.RecordCount : Count(block, choice);
                var leaveOut = Math.Clamp(skip - index, 0, count);
                var first = index;
                index += count;
                if (leaveOut == count)
                {
                    block.Dispose();
                    continue;
                }

                yield return new StreamBlock(source, segment, block, first, (int)leaveOut);
            }
        }
        finally
        {
            proofs.Add(stored.Key, stored.IsProven);
        }
    }

    private static long Count(RecordBlock block, RecordChoice choice)
    {
        long count = 0;
        foreach (var record in block)
        {
            count += choice.Takes(record.Offset, record.Timestamp) ? 1 : 0;
        }

        return count;
    }
}
