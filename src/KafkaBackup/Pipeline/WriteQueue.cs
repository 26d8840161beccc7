namespace KafkaBackup.Pipeline;

/// <summary>
/// The bounded way from the engine's threads to the pipeline thread. Writers wait while it is full; the reader takes all there is at once,
/// which makes a stream of records cheap. Once closed, writes are dropped and whoever waits is let go.
/// </summary>
internal sealed class WriteQueue(int capacity)
{
    private readonly object _gate = new();
    private readonly Queue<QueuedWrite> _writes = new(capacity);
    private bool _closed;

    public void Add(QueuedWrite write)
    {
        lock (_gate)
        {
            while (_writes.Count >= capacity && !_closed)
                Monitor.Wait(_gate);
            if (_closed)
                return;
            _writes.Enqueue(write);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>
    /// Fills the list with what is there, waiting for the first for a while. False once closed: there is nothing more to read.
    /// </summary>
    public bool TakeAll(List<QueuedWrite> taken, TimeSpan wait)
    {
        taken.Clear();
        lock (_gate)
        {
            if (_writes.Count == 0 && !_closed)
                Monitor.Wait(_gate, wait);
            if (_closed)
                return false;
            taken.AddRange(_writes);
            _writes.Clear();
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }
}
