using KafkaBackup.Engine.Format.Blocks;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Gathers the blocks of small segments, of whichever version, into blocks of batches. Wherever something does not fit, seal the block and
/// call again.
/// </summary>
internal sealed class MergedBatches(BlockBufferPool pool) : IDisposable
{
    private readonly BatchBlockBuilder _builder = new(pool);
    private readonly RecordBatcher _records = new();

    public bool IsEmpty => _builder.IsEmpty;

    public RawBlock Seal() => _builder.Seal();

    /// <summary>Puts in what lies past the offset; false when the block was full before the last of it.</summary>
    public bool Add(RecordBlock block, ref long after) =>
        block.Info.HoldsBatches ? Flush() && AddBatches(block, ref after) : AddRecords(block, ref after);

    /// <summary>Puts in the records that still wait for their batch to be full.</summary>
    public bool Flush()
    {
        if (_records.Count > 0)
        {
            if (_builder.TryAppend(_records.Build()) != AppendOutcome.Added)
            {
                return false;
            }

            _records.Clear();
        }

        return true;
    }

    public void Dispose()
    {
        _builder.Dispose();
        _records.Dispose();
    }

    private bool AddBatches(RecordBlock block, ref long after)
    {
        var (first, last) = (block.Info.Stats.FirstOffset, block.Info.Stats.LastOffset);
        foreach (var (batch, _) in block.Batches)
        {
            var end = Math.Min(last, batch.LastOffset);
            if (end > after)
            {
                if (_builder.TryAppend(batch, first, last + 1) != AppendOutcome.Added)
                {
                    return false;
                }

                after = end;
            }
        }

        return true;
    }

    private bool AddRecords(RecordBlock block, ref long after)
    {
        foreach (var record in block)
        {
            if (record.Offset > after)
            {
                if (!_records.TryAppend(record) && (!Flush() || !_records.TryAppend(record)))
                {
                    return false;
                }

                after = record.Offset;
            }
        }

        return true;
    }
}
