using System.Diagnostics.CodeAnalysis;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>
/// The memory of a block that is being filled: starts small, grows when it fills if the pool has room, and what is too large for a shared
/// block gets one of its own. Not for several threads.
/// </summary>
internal sealed class OpenBlock(BlockBufferPool pool) : IDisposable
{
    private BlockBuffer? _buffer;
    private bool _busy;

    public int Length { get; private set; }

    /// <summary>Where the next bytes go.</summary>
    public unsafe byte* Next => _buffer!.Pointer + BlockHeader.Size + Length;

    /// <summary>Added: there is room for so many bytes now. Never waits.</summary>
    public AppendOutcome MakeRoom(long room, long offset)
    {
        if (HasRoom(room))
        {
            return AppendOutcome.Added;
        }

        return Length > 0
            ? TryGrow(room)
                ? AppendOutcome.Added
                : AppendOutcome.BlockFull
            : TryStart(room, offset)
                ? AppendOutcome.Added
                : AppendOutcome.PoolEmpty;
    }

    public void Advance(int count) => Length += count;

    /// <summary>Waits until there is memory for a new block that has room for so many bytes.</summary>
    public void Rent(long room, long offset, CancellationToken cancel) => _buffer = pool.Rent(RawBytesFor(room, offset), cancel);

    public async ValueTask RentAsync(long room, CancellationToken cancel) =>
        _buffer ??= await pool.RentAsync(RawBytesFor(room, -1), cancel).ConfigureAwait(false);

    /// <summary>The filled memory, which is the caller's now.</summary>
    public BlockBuffer Take()
    {
        if (_buffer is null || Length == 0)
        {
            throw new InvalidOperationException("A block without records cannot be sealed.");
        }

        // A partition that fills its blocks gets large ones at once.
        _busy = Length > BlockBufferPool.StandardBlock / 2;
        var buffer = _buffer;
        _buffer = null;
        Length = 0;
        return buffer;
    }

    public void Dispose()
    {
        ((IDisposable?)_buffer)?.Dispose();
        _buffer = null;
        Length = 0;
    }

    private bool HasRoom(long room)
    {
        if (_buffer is null)
        {
            return false;
        }

        // A giant's block is its own: what is left in its buffer is slack.
        var limit = Length == 0 ? BlockHeader.MaxRawLength : BlockBufferPool.StandardBlock;
        return room <= Math.Min(limit, _buffer.Capacity - BlockHeader.Size) - Length;
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
            Length + room > BlockBufferPool.StandardBlock
            || _buffer!.Capacity >= BlockBufferPool.CapacityOf(BlockBufferPool.StandardBlock)
            || !pool.TryRent(BlockBufferPool.StandardBlock, out var larger)
        )
        {
            return false;
        }

        new ReadOnlySpan<byte>(_buffer.Pointer, BlockHeader.Size + Length).CopyTo(larger.GetSpan());
        ((IDisposable)_buffer).Dispose();
        _buffer = larger;
        return true;
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
