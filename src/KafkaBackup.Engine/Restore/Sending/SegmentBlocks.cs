using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Segments;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Reading segments where damage is an error like any other: it ends one partition, and the user learns which records it costs.
/// </summary>
internal static class SegmentBlocks
{
    private const string Advice =
        "Put the file back from a copy and run again; or run again with -Force, which checks all that is still to come and leaves out what is damaged. With a checkpoint, or in transactional mode, the restore resumes here.";

    /// <exception cref="KafkaBackupException">SegmentCorrupt for damage; SegmentMissing and the store's own errors as they
    /// come.</exception>
    public static async IAsyncEnumerable<RecordBlock> ReadAsync(
        StoredSegment segment,
        BlockBufferPool pool,
        Func<BlockInfo, bool>? filter,
        int readAhead,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        var blocks = segment.ReadBlocksAsync(pool, filter, readAhead, cancel).GetAsyncEnumerator(cancel);
        await using (blocks.ConfigureAwait(false))
        {
            while (await MoveNextAsync(blocks).ConfigureAwait(false))
            {
                yield return blocks.Current;
            }
        }
    }

    private static async ValueTask<bool> MoveNextAsync(IAsyncEnumerator<RecordBlock> blocks)
    {
        try
        {
            return await blocks.MoveNextAsync().ConfigureAwait(false);
        }
        catch (SegmentDamagedException damaged)
        {
            throw ErrorIds.SegmentCorrupt.With(damaged.Damage.Message, damaged.Damage.Place, Advice, damaged);
        }
    }
}
