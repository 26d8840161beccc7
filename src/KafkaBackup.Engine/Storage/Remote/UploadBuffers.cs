namespace KafkaBackup.Engine.Storage.Remote;

/// <summary>
/// The memory of uploads: one budget for what they are filling and for what is on its way, over all uploads of a store. Parts are made of
/// small chunks, so that an upload holds what it was given and not a whole part; chunks are used again. Who wants a chunk when the budget
/// is spent waits for one to come back, which is the back-pressure; where nothing is on its way, none would, and it is let through: that
/// much memory lies in the open uploads themselves, of which the largest are then asked to end.
/// </summary>
internal sealed class UploadBuffers(int budgetBytes, int unsentBytes)
{
    public const int ChunkSize = 64 << 10;

    private readonly object _gate = new();
    private readonly Stack<byte[]> _free = new();
    private readonly LinkedList<Waiter> _waiters = new();
    private readonly int _budget = Math.Max(1, budgetBytes / ChunkSize);
    private readonly int _mostUnsent = Math.Max(1, unsentBytes / ChunkSize);
    private int _out;
    private int _leaving;
    private int _leavingChunks;
    private int _uploads;

    /// <summary>The memory that was made so far.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
            {
                return (long)(_out + _free.Count) * ChunkSize;
            }
        }
    }

    /// <summary>An upload begins; it holds memory until <see cref="Closed"/>.</summary>
    public void Opened() => Interlocked.Increment(ref _uploads);

    public void Closed() => Interlocked.Decrement(ref _uploads);

    /// <summary>
    /// Unsent parts are at their limit, and an upload that fills this one has its share of it or more. The share is fixed: asking only the
    /// largest would leave the rest growing towards an idle one that nobody can ask.
    /// </summary>
    public bool IsCrowdedBy(UploadPart filling)
    {
        lock (_gate)
        {
            return _out - _leavingChunks > _mostUnsent && (long)filling.Chunks * _uploads >= _mostUnsent;
        }
    }

    /// <summary>First come, first served.</summary>
    public ValueTask<byte[]> RentAsync(CancellationToken cancel)
    {
        lock (_gate)
        {
            if (_waiters.Count == 0 && HasRoom)
            {
                return new(Take());
            }

            cancel.ThrowIfCancellationRequested();
            var waiter = new Waiter();
            waiter.Node = _waiters.AddLast(waiter);
            waiter.Watch(Forget, cancel);
            return new(waiter.Task);
        }
    }

    /// <summary>
    /// All are kept as long as the store is: one let go would lie about as old garbage beside the new one that takes its place.
    /// </summary>
    public void Return(IReadOnlyCollection<byte[]> chunks)
    {
        lock (_gate)
        {
            foreach (var chunk in chunks)
            {
                _free.Push(chunk);
            }

            _out -= chunks.Count;
            Serve();
        }
    }

    /// <summary>From here to <see cref="Left"/> so many chunks are on their way, and come back by themselves.</summary>
    public void Leaving(int chunks)
    {
        lock (_gate)
        {
            _leaving++;
            _leavingChunks += chunks;
        }
    }

    public void Left(int chunks)
    {
        lock (_gate)
        {
            _leaving--;
            _leavingChunks -= chunks;
            Serve();
        }
    }

    private bool HasRoom => _out < _budget || _leaving == 0;

    private byte[] Take()
    {
        _out++;
        return _free.TryPop(out var chunk) ? chunk : GC.AllocateUninitializedArray<byte>(ChunkSize);
    }

    private void Serve()
    {
        while (_waiters.First is { } first && HasRoom)
        {
            _waiters.RemoveFirst();
            first.Value.Give(Take());
        }
    }

    private void Forget(Waiter waiter, CancellationToken cancel)
    {
        lock (_gate)
        {
            if (waiter.Node?.List is not null)
            {
                _waiters.Remove(waiter.Node);
                waiter.GiveUp(cancel);
            }
        }
    }

    private sealed class Waiter
    {
        private readonly TaskCompletionSource<byte[]> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private CancellationTokenRegistration _registration;

        public LinkedListNode<Waiter>? Node { get; set; }

        public Task<byte[]> Task => _source.Task;

        public void Watch(Action<Waiter, CancellationToken> leave, CancellationToken cancel) =>
            _registration = cancel.UnsafeRegister(_ => leave(this, cancel), null);

        public void Give(byte[] chunk)
        {
            _registration.Unregister();
            _source.SetResult(chunk);
        }

        public void GiveUp(CancellationToken cancel) => _source.SetCanceled(cancel);
    }
}
