using KafkaBackup.Engine.Batches;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>A batch that does not hold what it claims (rule L2).</summary>
/// <param name="Offset">The first offset that is not in the block because of it.</param>
public sealed record BatchFault(long Offset, string Problem);

/// <summary>
/// Walks through every batch of a sealed block once, decompressing it, and finds what the block's header must say. Memory does not depend
/// on what the batches decompress to. One walker serves one thread, for any number of blocks.
/// </summary>
public sealed class BlockWalker : IDisposable
{
    private readonly BatchWalker _walker = new();

    /// <summary>
    /// Afterwards the block has its figures and may be compressed, unless it is empty: batches of which no record counts, a damaged batch
    /// and all behind it are dropped. A block of records has its figures already.
    /// </summary>
    /// <returns>The batch at which the block had to end, if there is one.</returns>
    public BatchFault? Walk(RawBlock block)
    {
        ArgumentNullException.ThrowIfNull(block);
        if (block.IsWalked)
        {
            return null;
        }

        var (content, stats, allCompressed) = (block.ContentMemory, default(BlockStats), true);
        var (from, end) = block.Window;
        var (start, at, position) = (0, 0, from);
        BatchFault? fault = null;
        while (at < content.Length)
        {
            try
            {
                var batch = BlockBatches.Next(content[at..]);
                var facts = Walk(batch, from, end);
                if (facts.Records > 0)
                {
                    stats = stats.Add(Figures(facts));
                    allCompressed &= batch.Codec != BatchCodec.None;
                }
                else if (stats.RecordCount > 0)
                {
                    // Its end is cut below its first record, so it is the last one.
                    break;
                }
                else
                {
                    start = at + batch.Length;
                }

                at += batch.Length;
                position = batch.NextOffset;
            }
            catch (BatchDamagedException damaged)
            {
                fault = new BatchFault(position, damaged.Message);
                break;
            }
        }

        block.Settle(start, at - start, stats, allCompressed);
        return fault;
    }

    public void Dispose() => _walker.Dispose();

    private BatchFacts Walk(in RecordBatch batch, long from, long end)
    {
        if (batch.IsControl)
        {
            throw new BatchDamagedException("it is a control batch", RecordBatch.AttributesPlace);
        }

        var facts = _walker.Walk(batch, from, end);
        return batch.Codec == BatchCodec.None || facts.LongestRecord <= BatchRecords.LongestRecord(facts.LargestPayload)
            ? facts
            : throw new BatchDamagedException($"a record of it takes {facts.LongestRecord:N0} bytes", RecordBatch.HeaderLength);
    }

    private static BlockStats Figures(in BatchFacts facts) =>
        new()
        {
            RecordCount = facts.Records,
            PayloadBytes = facts.PayloadBytes,
            FirstOffset = facts.FirstOffset,
            LastOffset = facts.LastOffset,
            MinTimestamp = facts.SmallestTimestamp,
            MaxTimestamp = facts.LargestTimestamp,
            LastTimestamp = facts.LastTimestamp,
            LargestRecord = (int)Math.Min(facts.LargestPayload, int.MaxValue),
            ZeroTimestamps = facts.ZeroTimestamps,
        };
}
