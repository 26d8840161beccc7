using KafkaBackup.Engine.Batches;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>
/// Collects one partition's record batches, as they came, into blocks of segments of version 2: one copy of their bytes, nothing is
/// decoded. What the records amount to is found later, by <see cref="BlockWalker"/>. A batch too large for a shared block gets one of its
/// own. Not for several threads.
/// </summary>
public sealed class BatchBlockBuilder(BlockBufferPool pool) : IDisposable
{
    private readonly OpenBlock _block = new(pool);
    private long _from;
    private long _end;
    private long _records;
    private bool _endIsCut;

    public bool IsEmpty => _block.Length == 0;

    public int RawLength => _block.Length;

    /// <summary>The last offset that the block covers; a record need not have it.</summary>
    public long LastOffset => _end - 1;

    /// <summary>
    /// Never waits. Of the batch's records those from <paramref name="fromOffset"/> (inclusive) to <paramref name="toOffset"/> (exclusive)
    /// count. A batch without records is passed over.
    /// </summary>
    /// <exception cref="BatchDamagedException">Numbers in its header that contradict each other.</exception>
    /// <exception cref="ArgumentException">No offset of the batch counts, or it is not past the block's last one.</exception>
    public AppendOutcome TryAppend(in RecordBatch batch, long fromOffset = 0, long toOffset = long.MaxValue)
    {
        RecordRules.CheckHeader(batch);
        var (from, end) = (Math.Max(fromOffset, batch.BaseOffset), Math.Min(toOffset, batch.NextOffset));
        if (from >= end || (!IsEmpty && from < _end))
        {
            throw new ArgumentException(
                $"The offsets from {from} to {end} of the batch at {batch.BaseOffset} do not follow the block's last one, {LastOffset}."
            );
        }

        if (batch.RecordCount == 0)
        {
            return AppendOutcome.Added;
        }

        // Only a block's first batch may be cut below, only its last one above; and its header counts records in 32 bits.
        if (!IsEmpty && (_endIsCut || from > batch.BaseOffset || _records + batch.RecordCount > int.MaxValue))
        {
            return AppendOutcome.BlockFull;
        }

        var outcome = _block.MakeRoom(batch.Length, batch.BaseOffset);
        if (outcome == AppendOutcome.Added)
        {
            Put(batch, from, end);
        }

        return outcome;
    }

    /// <summary>As TryAppend, but waits while the pool is empty. False: not added, seal the block and offer the batch again.</summary>
    public bool Append(in RecordBatch batch, long fromOffset, long toOffset, CancellationToken cancel)
    {
        var outcome = TryAppend(batch, fromOffset, toOffset);
        if (outcome == AppendOutcome.PoolEmpty)
        {
            _block.Rent(batch.Length, batch.BaseOffset, cancel);
            outcome = TryAppend(batch, fromOffset, toOffset);
        }

        return outcome == AppendOutcome.Added;
    }

    /// <summary>Takes the block out; the builder starts a new one with the next batch.</summary>
    public RawBlock Seal()
    {
        var length = _block.Length;
        var sealedBlock = new RawBlock(_block.Take(), length, _from, _end);
        _records = 0;
        return sealedBlock;
    }

    /// <summary>Drops what is open.</summary>
    public void Dispose() => _block.Dispose();

    private unsafe void Put(in RecordBatch batch, long from, long end)
    {
        _from = IsEmpty ? from : _from;
        _records = IsEmpty ? batch.RecordCount : _records + batch.RecordCount;
        (_end, _endIsCut) = (end, end < batch.NextOffset);
        batch.Bytes.Span.CopyTo(new Span<byte>(_block.Next, batch.Length));
        _block.Advance(batch.Length);
    }
}
