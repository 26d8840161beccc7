using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Foreign;

namespace KafkaBackup.Engine.Format.Segments;

/// <summary>Any segment, ours or a foreign tool's, for those who want its records and nothing else.</summary>
public static class SegmentFile
{
    /// <summary>The records, block by block in offset order; the caller disposes each block. Damage is a SegmentDamagedException.</summary>
    /// <param name="filter">Which blocks are wanted; null for all.</param>
    /// <param name="readAhead">See <see cref="SegmentReader.OpenAsync"/>.</param>
    public static async IAsyncEnumerable<RecordBlock> ReadBlocksAsync(
        string place,
        ReadRange read,
        long length,
        BlockBufferPool pool,
        Func<BlockInfo, bool>? filter,
        int readAhead,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        var start = await ReadStartAsync(read, length, cancel).ConfigureAwait(false);
        if (KbakSegment.IsOne(start.Span))
        {
            var foreign = await KbakSegment.OpenAsync(place, read, length, pool, cancel).ConfigureAwait(false);
            await foreach (var block in foreign.ReadBlocksAsync(cancel).ConfigureAwait(false))
            {
                if (filter is null || filter(block.Info))
                {
                    yield return block;
                }
                else
                {
                    block.Dispose();
                }
            }
        }
        else
        {
            using var own = await new SegmentOpening(place, read, length, start).OpenAsync(pool, readAhead, cancel).ConfigureAwait(false);
            await foreach (var block in own.ReadBlocksAsync(filter, cancel).ConfigureAwait(false))
            {
                yield return block;
            }
        }
    }

    /// <summary>
    /// Reads every byte. Of a foreign segment this is also the only way to its exact times and sizes: its figures are in the summary, its
    /// blocks are not listed, since it has none.
    /// </summary>
    public static async Task<SegmentCheck> CheckAsync(
        string place,
        ReadRange read,
        long length,
        BlockBufferPool pool,
        CancellationToken cancel
    )
    {
        if (!KbakSegment.IsOne((await ReadStartAsync(read, length, cancel).ConfigureAwait(false)).Span))
        {
            using var checker = new SegmentChecker(place, read, length, pool);
            return await checker.CheckAsync(cancel).ConfigureAwait(false);
        }

        var stats = default(BlockStats);
        var sha = "";
        List<SegmentDamage> damages = [];
        try
        {
            var foreign = await KbakSegment.OpenAsync(place, read, length, pool, cancel).ConfigureAwait(false);
            sha = foreign.Sha256;
            await foreach (var block in foreign.ReadBlocksAsync(cancel).ConfigureAwait(false))
            {
                using (block)
                {
                    stats = stats.Add(block.Info.Stats);
                }
            }
        }
        catch (SegmentDamagedException damaged)
        {
            damages.Add(damaged.Damage);
        }

        return new SegmentCheck
        {
            WholeBlocks = [],
            Damages = damages,
            Summary = new SegmentSummary(sha, length, 0, stats),
        };
    }

    private static async ValueTask<ReadOnlyMemory<byte>> ReadStartAsync(ReadRange read, long length, CancellationToken cancel)
    {
        var start = new byte[(int)Math.Min(length, SegmentOpening.HeadGuess)];
        var count = await read.ReadFullyAsync(0, start, cancel).ConfigureAwait(false);
        return start.AsMemory(0, count);
    }
}
