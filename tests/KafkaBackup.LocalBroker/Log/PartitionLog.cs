namespace KafkaBackup.LocalBroker.Log;

/// <summary>
/// One partition's log: batches in a file, its bounds, its producers and its leader epochs. All members take the lock, so
/// any thread may call them. The log is created on the first append: a thousand empty partitions cost no file.
/// Appending lives here, reading in the other part.
/// </summary>
internal sealed partial class PartitionLog(string directory, string name, int firstEpoch) : IDisposable
{
    private readonly object _gate = new();
    private readonly ProducerStates _producers = new();
    private readonly List<(int Epoch, long StartOffset)> _epochs = [(firstEpoch, 0)];
    private readonly HashSet<AppendSignal> _waiting = [];
    private LogFile? _file;
    private int _epoch = firstEpoch;
    private int _fileNumber;
    private long _logStart;
    private long _logEnd;
    private bool _disposed;

    public int LeaderEpoch
    {
        get
        {
            lock (_gate)
                return _epoch;
        }
    }

    public long LogStart
    {
        get
        {
            lock (_gate)
                return _logStart;
        }
    }

    public long LogEnd
    {
        get
        {
            lock (_gate)
                return _logEnd;
        }
    }

    public long LastStableOffset
    {
        get
        {
            lock (_gate)
                return Stable();
        }
    }

    public void ForgetProducers()
    {
        lock (_gate)
            _producers.Clear();
    }

    public IReadOnlyList<ProducerSnapshot> Producers()
    {
        lock (_gate)
            return [.. _producers.Snapshot()];
    }

    /// <summary>Appends what a producer sent, after the checks a broker makes. The batch is changed in place.</summary>
    public AppendOutcome Append(Memory<byte> batch, TopicLimits limits, long now)
    {
        if (BatchRules.Check(batch, limits, now) is { } refused)
            return refused;
        var header = BatchHeader.Read(batch.Span);
        lock (_gate)
        {
            if (_disposed)
                return new AppendOutcome(ErrorCode.UnknownTopicOrPartition);
            var (error, duplicateOf) = _producers.Check(header);
            if (error != ErrorCode.None)
                return new AppendOutcome(error);
            if (duplicateOf is { } offset)
                return new AppendOutcome(ErrorCode.None, offset, LogStart: _logStart);
            if (limits.LogAppendTime)
                BatchHeader.StampAppendTime(batch.Span, now);
            var baseOffset = AppendLocked(batch.Span);
            return new AppendOutcome(ErrorCode.None, baseOffset, limits.LogAppendTime ? now : -1, _logStart);
        }
    }

    /// <summary>Appends without any check: seeds, and whatever a test wants to find in a log.</summary>
    public long AppendUnchecked(Span<byte> batch)
    {
        lock (_gate)
            return AppendLocked(batch);
    }

    /// <summary>Writes the marker that ends a producer's transaction here.</summary>
    public void EndTransaction(long producerId, short epoch, bool commit, long now, int coordinatorEpoch)
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            var offset = AppendLocked(BatchBuilder.Marker(producerId, epoch, commit, now, coordinatorEpoch));
            _producers.Ended(producerId, epoch, commit, offset);
        }
    }

    public void Subscribe(AppendSignal signal)
    {
        lock (_gate)
            _waiting.Add(signal);
    }

    public void Unsubscribe(AppendSignal signal)
    {
        lock (_gate)
            _waiting.Remove(signal);
    }

    /// <summary>A new leader: later batches carry the new epoch.</summary>
    public void RaiseEpoch()
    {
        lock (_gate)
        {
            _epochs.Add((++_epoch, _logEnd));
            Wake();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _file?.Release();
            _file = null;
            Wake();
        }
    }

    private long AppendLocked(Span<byte> batch)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        BatchHeader.Place(batch, _logEnd, _epoch);
        var header = BatchHeader.Read(batch);
        _file ??= NewFile();
        _file.Append(batch, header);
        _logEnd = header.LastOffset + 1;
        _producers.Appended(header);
        Wake();
        return header.BaseOffset;
    }

    private LogFile NewFile()
    {
        Directory.CreateDirectory(directory);
        return new LogFile(Path.Combine(directory, $"{name}.{_fileNumber++}.log"));
    }

    private long Stable() => _producers.FirstOpenOffset ?? _logEnd;

    private void Wake()
    {
        foreach (var signal in _waiting)
            signal.Set();
    }
}

/// <summary>What became of an append. Offsets mean something only without an error.</summary>
internal readonly record struct AppendOutcome(
    ErrorCode Error,
    long BaseOffset = -1,
    long AppendTime = -1,
    long LogStart = -1,
    string? Message = null
);
