using System.Diagnostics.CodeAnalysis;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>What came of offering a record to a block.</summary>
public enum AppendOutcome
{
    Added,

    /// <summary>Not added: seal the block and offer the record again.</summary>
    BlockFull,

    /// <summary>Not added: the pool is empty. Seal another open block, or wait.</summary>
    PoolEmpty,
}

/// <summary>
/// Collects one partition's records into blocks. A quiet partition's block starts small and grows when it fills, if the pool has room; a
/// record too large for a shared block gets one of its own. Not for several threads.
/// </summary>
public sealed class BlockBuilder(BlockBufferPool pool) : IDisposable
{
    private BlockBuffer? _buffer;
    private BlockStats _stats;
    private int _length;
    private bool _busy;

    public bool IsEmpty => _stats.RecordCount == 0;

    public int RawLength => _length;

    public BlockStats Stats => _stats;

    /// <summary>Never waits.</summary>
    public AppendOutcome TryAppend(in RecordView record)
    {
        CheckOrder(record.Offset);
        var payload = RecordEncoder.PayloadBytes(record);
        var room = RecordEncoder.RoomFor(record, payload);
        if (!HasRoom(room))
        {
            if (_stats.RecordCount > 0 && !TryGrow(room))
            {
                return AppendOutcome.BlockFull;
            }

            if (_stats.RecordCount == 0 && !TryStart(room, record.Offset))
            {
                return AppendOutcome.PoolEmpty;
            }
        }

        Put(record, payload);
        return AppendOutcome.Added;
    }

    /// <summary>As TryAppend, but waits while the pool is empty. False: not added, seal the block and offer the record again.</summary>
    public bool Append(in RecordView record, CancellationToken cancel)
    {
        var outcome = TryAppend(record);
        if (outcome == AppendOutcome.PoolEmpty)
        {
            var room = RecordEncoder.RoomFor(record, RecordEncoder.PayloadBytes(record));
            _buffer = pool.Rent(RawBytesFor(room, record.Offset), cancel);
            outcome = TryAppend(record);
        }

        return outcome == AppendOutcome.Added;
    }

    /// <summary>After PoolEmpty: waits for memory that has room for the record, then offer it again.</summary>
    public async ValueTask WaitForRoomAsync(long room, CancellationToken cancel) =>
        _buffer ??= await pool.RentAsync(RawBytesFor(room, -1), cancel).ConfigureAwait(false);

    /// <summary>What WaitForRoomAsync needs to know of a record: a view cannot wait.</summary>
    public static long RoomFor(in RecordView record) => RecordEncoder.RoomFor(record, RecordEncoder.PayloadBytes(record));

    /// <summary>Takes the block out; the builder starts a new one with the next record.</summary>
    public RawBlock Seal()
    {
        if (_buffer is null || _stats.RecordCount == 0)
        {
            throw new InvalidOperationException("A block without records cannot be sealed.");
        }

        var sealedBlock = new RawBlock(_buffer, _length, _stats);
        // A partition that fills its blocks gets large ones at once.
        _busy = _length > BlockBufferPool.StandardBlock / 2;
        _buffer = null;
        _length = 0;
        _stats = default;
        return sealedBlock;
    }

    /// <summary>Drops what is open.</summary>
    public void Dispose()
    {
        ((IDisposable?)_buffer)?.Dispose();
        _buffer = null;
        _length = 0;
        _stats = default;
    }

    private void CheckOrder(long offset)
    {
        if (offset < 0 || (_stats.RecordCount > 0 && offset <= _stats.LastOffset))
        {
            throw new ArgumentException($"Record offset {offset} is not past the block's last one, {_stats.LastOffset}.", nameof(offset));
        }
    }

    private bool HasRoom(long room)
    {
        if (_buffer is null)
        {
            return false;
        }

        // A giant record's block is its own: what is left in its buffer is slack.
        var limit = _stats.RecordCount == 0 ? BlockHeader.MaxRawLength : BlockBufferPool.StandardBlock;
        return room <= Math.Min(limit, _buffer.Capacity - BlockHeader.Size) - _length;
    }

    private bool TryStart(long room, long offset)
    {
        ((IDisposable?)_buffer)?.Dispose();
        _buffer = null;
        return (_busy && room <= BlockBufferPool.StandardBlock && pool.TryRent(BlockBufferPool.StandardBlock, out _buffer))
            || pool.TryRent(RawBytesFor(room, offset), out _buffer);
    }

    private unsafe bool TryGrow(long room)
    {
        if (
            _length + room > BlockBufferPool.StandardBlock
            || _buffer!.Capacity >= BlockBufferPool.CapacityOf(BlockBufferPool.StandardBlock)
            || !pool.TryRent(BlockBufferPool.StandardBlock, out var larger)
        )
        {
            return false;
        }

        new ReadOnlySpan<byte>(_buffer.Pointer, BlockHeader.Size + _length).CopyTo(larger.GetSpan());
        ((IDisposable)_buffer).Dispose();
        _buffer = larger;
        return true;
    }

    private unsafe void Put(in RecordView record, long payload)
    {
        var start = _buffer!.Pointer + BlockHeader.Size + _length;
        var end = RecordEncoder.Write(start, record, _stats.LastOffset, _stats.LastTimestamp);
        _length += (int)(end - start);
        _stats = _stats.Add(record.Offset, record.Timestamp, payload);
    }

    private static int RawBytesFor(long room, long offset)
    {
        if (room > BlockHeader.MaxRawLength)
        {
            ThrowTooLarge(room, offset);
        }

        return (int)room;
    }

    [DoesNotReturn]
    private static void ThrowTooLarge(long room, long offset) =>
        throw ErrorIds.PartitionRead.With(
            $"The record at offset {offset} has {room} bytes; the format's limit is {BlockHeader.MaxRawLength}.",
            offset,
            "This topic cannot be backed up as it is: exclude it, or remove the record."
        );
}
