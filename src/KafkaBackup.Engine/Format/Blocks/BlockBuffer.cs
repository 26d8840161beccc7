using System.Buffers;
using System.Runtime.InteropServices;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>
/// A piece of native memory that holds one block, with room for its header in front. Native, because records are handed out by address and
/// because a giant one must be gone the moment it is returned. Owned by one holder at a time; dispose gives it back to the pool.
/// </summary>
public sealed unsafe class BlockBuffer : MemoryManager<byte>
{
    private readonly BlockBufferPool? _pool;
    private readonly NativeBlock _memory;
    private readonly byte* _pointer;
    private int _rented;

    /// <param name="pool">Null for memory outside any budget, which dispose frees.</param>
    internal BlockBuffer(BlockBufferPool? pool, int capacity, long charge)
    {
        _pool = pool;
        Capacity = capacity;
        Charge = charge;
        _memory = new NativeBlock((nuint)capacity);
        _pointer = (byte*)_memory.DangerousGetHandle();
    }

    public int Capacity { get; }

    /// <summary>What the pool counts for it.</summary>
    internal long Charge { get; }

    internal byte* Pointer => _pointer;

    /// <summary>Decodes the batches of a block in this memory.</summary>
    internal BatchRecords RentDecoder() => _pool?.RentDecoder() ?? new BatchRecords(null);

    /// <summary>
    /// Memory of its own for a worker or a reader: not from a pool, so that holding one buffer and wanting another cannot lock up.
    /// </summary>
    internal static BlockBuffer OutsidePool(int capacity)
    {
        var buffer = new BlockBuffer(null, capacity, 0);
        buffer.MarkRented();
        return buffer;
    }

    public override Span<byte> GetSpan() => new(_pointer, Capacity);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_pointer + elementIndex, default, this);

    public override void Unpin()
    {
        // Native memory does not move.
    }

    internal void MarkRented() => Volatile.Write(ref _rented, 1);

    internal void Free() => _memory.Dispose();

    protected override void Dispose(bool disposing)
    {
        // Returned twice, it would be two blocks' memory at once: only the first return counts.
        if (Interlocked.Exchange(ref _rented, 0) == 0)
        {
            return;
        }

        if (_pool is null)
        {
            Free();
        }
        else
        {
            _pool.Return(this);
        }
    }

    /// <summary>Frees the memory of a buffer that was dropped without dispose, too.</summary>
    private sealed class NativeBlock : SafeHandle
    {
        public NativeBlock(nuint size)
            : base(0, ownsHandle: true) => SetHandle((nint)NativeMemory.Alloc(size));

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            NativeMemory.Free((void*)handle);
            return true;
        }
    }
}
