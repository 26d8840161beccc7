using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>What came of offering a record or a batch to a block.</summary>
public enum AppendOutcome
{
    Added,

    /// <summary>Not added: seal the block and offer it again.</summary>
    BlockFull,

    /// <summary>Not added: the pool is empty. Seal another open block, or wait.</summary>
    PoolEmpty,
}

/// <summary>
/// Collects one partition's records into blocks of segments of version 1; see <see cref="OpenBlock"/> for their memory. Not for several
/// threads.
/// </summary>
public sealed class BlockBuilder(BlockBufferPool pool) : IDisposable
{
    private readonly OpenBlock _block = new(pool);
    private BlockStats _stats;

    public bool IsEmpty => _stats.RecordCount == 0;

    public int RawLength => _block.Length;

    public BlockStats Stats => _stats;

    /// <summary>Never waits.</summary>
    public AppendOutcome TryAppend(in RecordView record)
    {
        CheckOrder(record.Offset);
        var payload = RecordEncoder.PayloadBytes(record);
        var outcome = _block.MakeRoom(RecordEncoder.RoomFor(record, payload), record.Offset);
        if (outcome == AppendOutcome.Added)
        {
            Put(record, payload);
        }

        return outcome;
    }

    /// <summary>As TryAppend, but waits while the pool is empty. False: not added, seal the block and offer the record again.</summary>
    public bool Append(in RecordView record, CancellationToken cancel)
    {
        var outcome = TryAppend(record);
        if (outcome == AppendOutcome.PoolEmpty)
        {
            _block.Rent(RoomFor(record), record.Offset, cancel);
            outcome = TryAppend(record);
        }

        return outcome == AppendOutcome.Added;
    }

    /// <summary>After PoolEmpty: waits for memory that has room for the record, then offer it again.</summary>
    public ValueTask WaitForRoomAsync(long room, CancellationToken cancel) => _block.RentAsync(room, cancel);

    /// <summary>What WaitForRoomAsync needs to know of a record: a view cannot wait.</summary>
    public static long RoomFor(in RecordView record) => RecordEncoder.RoomFor(record, RecordEncoder.PayloadBytes(record));

    /// <summary>Takes the block out; the builder starts a new one with the next record.</summary>
    public RawBlock Seal()
    {
        var length = _block.Length;
        var sealedBlock = new RawBlock(_block.Take(), length, _stats);
        _stats = default;
        return sealedBlock;
    }

    /// <summary>Drops what is open.</summary>
    public void Dispose()
    {
        _block.Dispose();
        _stats = default;
    }

    private void CheckOrder(long offset)
    {
        if (offset < 0 || (_stats.RecordCount > 0 && offset <= _stats.LastOffset))
        {
            throw new ArgumentException($"Record offset {offset} is not past the block's last one, {_stats.LastOffset}.", nameof(offset));
        }
    }

    private unsafe void Put(in RecordView record, long payload)
    {
        var start = _block.Next;
        var end = RecordEncoder.Write(start, record, _stats.LastOffset, _stats.LastTimestamp);
        _block.Advance((int)(end - start));
        _stats = _stats.Add(record.Offset, record.Timestamp, payload);
    }
}
