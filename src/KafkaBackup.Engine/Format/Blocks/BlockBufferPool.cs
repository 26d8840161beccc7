namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>
/// The memory of a job: block buffers up to a fixed budget. When it is spent, whoever wants a buffer waits until one comes back, which is
/// the whole back-pressure of backup and restore. Two sizes, so that a thousand quiet partitions can each hold an open block; a block of
/// one giant record gets what it needs, counted twice (it is compressed out of place), and one such is let through even beyond the budget,
/// since it could never be had otherwise. Safe for use from several threads.
/// </summary>
public sealed class BlockBufferPool : IDisposable
{
    /// <summary>Raw bytes of a quiet partition's block.</summary>
    public const int SmallBlock = 64 << 10;

    /// <summary>Raw bytes that a block is meant to have.</summary>
    public const int StandardBlock = 1 << 20;

    private readonly object _gate = new();
    private readonly Stack<BlockBuffer> _small = new();
    private readonly Stack<BlockBuffer> _standard = new();
    private readonly LinkedList<Waiter> _waiters = new();
    private readonly Stack<BatchRecords> _decoders = new();
    private long _inUse;
    private long _idle;
    private int _giants;
    private bool _disposed;

    public BlockBufferPool(long budgetBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(budgetBytes, 2 * CapacityOf(StandardBlock));
        BudgetBytes = budgetBytes;
    }

    public long BudgetBytes { get; }

    /// <summary>Bytes handed out and not yet returned.</summary>
    public long BytesInUse
    {
        get
        {
            lock (_gate)
            {
                return _inUse;
            }
        }
    }

    /// <summary>A buffer for a block of so many raw bytes, or false when the budget is spent or others wait already.</summary>
    public bool TryRent(int rawBytes, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out BlockBuffer? buffer)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            buffer = _waiters.Count == 0 ? Take(rawBytes) : null;
            return buffer is not null;
        }
    }

    /// <summary>Waits for a buffer. First come, first served.</summary>
    public ValueTask<BlockBuffer> RentAsync(int rawBytes, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_waiters.Count == 0 && Take(rawBytes) is { } buffer)
            {
                return new(buffer);
            }

            var waiter = new Waiter(this, rawBytes);
            waiter.Node = _waiters.AddLast(waiter);
            waiter.Watch(cancel);
            return new(waiter.Task);
        }
    }

    /// <summary>Blocks the calling thread until there is a buffer: the reader thread's way to wait.</summary>
    public BlockBuffer Rent(int rawBytes, CancellationToken cancel)
    {
        var rented = RentAsync(rawBytes, cancel);
        return rented.IsCompletedSuccessfully ? rented.Result : rented.AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Frees what lies idle; what is still out is freed as it returns. Those who wait get an error.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            FreeIdle();
            while (_decoders.TryPop(out var decoder))
            {
                decoder.Free();
            }

            while (_waiters.First is { } first)
            {
                _waiters.RemoveFirst();
                first.Value.Fail(new ObjectDisposedException(nameof(BlockBufferPool)));
            }
        }
    }

    /// <summary>What decodes batches: kept with its codecs' memory, for as many as are walked at once.</summary>
    internal BatchRecords RentDecoder()
    {
        lock (_gate)
        {
            return _decoders.TryPop(out var idle) ? idle : new BatchRecords(this);
        }
    }

    internal void Return(BatchRecords decoder)
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _decoders.Push(decoder);
                return;
            }
        }

        decoder.Free();
    }

    internal static long CapacityOf(int rawBytes) => (long)rawBytes + BlockHeader.Size;

    internal void Return(BlockBuffer buffer)
    {
        lock (_gate)
        {
            _inUse -= buffer.Charge;
            if (IsGiant(buffer))
            {
                _giants--;
                buffer.Free();
            }
            else if (_disposed)
            {
                buffer.Free();
            }
            else
            {
                _idle += buffer.Charge;
                StackFor(buffer.Capacity).Push(buffer);
            }

            ServeWaiters();
        }
    }

    private static bool IsGiant(BlockBuffer buffer) => buffer.Capacity > CapacityOf(StandardBlock);

    private Stack<BlockBuffer> StackFor(int capacity) => capacity <= CapacityOf(SmallBlock) ? _small : _standard;

    private BlockBuffer? Take(int rawBytes)
    {
        if (_disposed)
        {
            return null;
        }

        var giant = rawBytes > StandardBlock;
        var size =
            giant ? rawBytes
            : rawBytes > SmallBlock ? StandardBlock
            : SmallBlock;
        var charge = CapacityOf(size) * (giant ? 2 : 1);
        if (_inUse + charge > BudgetBytes && !(giant && _giants == 0))
        {
            return null;
        }

        var capacity = checked((int)CapacityOf(size));
        BlockBuffer? buffer = null;
        if (!giant && StackFor(capacity).TryPop(out buffer))
        {
            _idle -= charge;
        }
        else
        {
            if (_inUse + _idle + charge > BudgetBytes)
            {
                FreeIdle();
            }

            buffer = new BlockBuffer(this, capacity, charge);
        }

        _inUse += charge;
        _giants += giant ? 1 : 0;
        buffer.MarkRented();
        return buffer;
    }

    private void ServeWaiters()
    {
        while (_waiters.First is { } first && Take(first.Value.RawBytes) is { } next)
        {
            _waiters.RemoveFirst();
            first.Value.Give(next);
        }
    }

    private void FreeIdle()
    {
        while (_small.TryPop(out var buffer) || _standard.TryPop(out buffer))
        {
            buffer.Free();
        }

        _idle = 0;
    }

    private void Forget(Waiter waiter, CancellationToken cancel)
    {
        lock (_gate)
        {
            if (waiter.Node?.List is null)
            {
                return;
            }

            _waiters.Remove(waiter.Node);
            waiter.Cancel(cancel);
            ServeWaiters();
        }
    }

    private sealed class Waiter(BlockBufferPool pool, int rawBytes)
    {
        private readonly TaskCompletionSource<BlockBuffer> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private CancellationTokenRegistration _registration;

        public int RawBytes => rawBytes;

        public LinkedListNode<Waiter>? Node { get; set; }

        public Task<BlockBuffer> Task => _source.Task;

        public void Watch(CancellationToken cancel) =>
            _registration = cancel.UnsafeRegister(static (state, token) => ((Waiter)state!).Leave(token), this);

        public void Give(BlockBuffer buffer)
        {
            _registration.Unregister();
            _source.SetResult(buffer);
        }

        public void Fail(Exception error) => _source.SetException(error);

        public void Cancel(CancellationToken cancel) => _source.SetCanceled(cancel);

        private void Leave(CancellationToken cancel) => pool.Forget(this, cancel);
    }
}
