namespace KafkaBackup.Engine.Cluster;

/// <summary>Something to hand out: the outcome of a batch, or a fault of the writer as a whole.</summary>
internal readonly record struct WriterReport(TargetLine? Line, OutgoingBatch? Batch, KafkaBackupException? Error, bool Fatal)
{
    /// <summary>How long a quota holds this user back.</summary>
    public TimeSpan Throttled { get; init; }
}

/// <summary>
/// The batches of one writer between the thread that sends and polls and the task that talks to brokers: what is on its way, and which
/// outcomes wait to be handed out. Everything in here and in its lines is guarded by <see cref="Gate"/>.
/// </summary>
internal sealed class Deliveries(bool stopAtFirstFailure, Transaction? transaction, WriterErrors errors)
{
    private const int MostSpare = 8;

    private readonly Dictionary<int, TargetLine> _lines = [];
    private readonly Queue<WriterReport> _reports = new();
    private readonly Stack<OutgoingBatch> _spare = new();
    private string? _lastTold;
    private bool _isDropping;

    public object Gate { get; } = new();

    public IReadOnlyCollection<TargetLine> Lines => _lines.Values;

    /// <summary>Why nothing more is sent; null while it is.</summary>
    public KafkaBackupException? Stopped { get; private set; }

    public bool IsStopped => Stopped is not null;

    public bool IsClosed { get; private set; }

    /// <summary>Nothing may be sent at the moment.</summary>
    public bool IsHeld => IsClosed || IsStopped || _isDropping;

    /// <summary>Something was given up that may be stored all the same.</summary>
    public bool IsInDoubt { get; private set; }

    public TargetLine Open(TopicPartition partition, int slot, PartitionSequence? given)
    {
        lock (Gate)
        {
            var line = new TargetLine(partition, slot, given);
            _lines.Add(slot, line);
            return line;
        }
    }

    public void Close(int slot)
    {
        lock (Gate)
        {
            _lines.Remove(slot);
        }
    }

    public OutgoingBatch Rent()
    {
        lock (Gate)
        {
            return _spare.TryPop(out var batch) ? batch : new OutgoingBatch();
        }
    }

    /// <summary>Under the gate, or once nobody else knows the batch.</summary>
    public void Recycle(OutgoingBatch batch)
    {
        if (IsClosed || _spare.Count >= MostSpare)
        {
            batch.Free();
        }
        else
        {
            _spare.Push(batch);
        }
    }

    /// <summary>Puts a batch at the end of its partition's line.</summary>
    public void Add(TargetLine line, OutgoingBatch batch)
    {
        lock (Gate)
        {
            line.Batches.Enqueue(batch);
            if (IsStopped)
            {
                Fail(batch, WriteFaults.Abandoned(batch));
                Report(line);
            }
        }
    }

    /// <summary>Waits until there is something to hand out.</summary>
    public bool TryTake(TimeSpan wait, out WriterReport report)
    {
        lock (Gate)
        {
            if (_reports.TryDequeue(out report))
            {
                return true;
            }

            return wait > TimeSpan.Zero && Monitor.Wait(Gate, wait) && _reports.TryDequeue(out report);
        }
    }

    /// <summary>What was handed out is not needed any more, unless a request still refers to it.</summary>
    public void HandedOut(OutgoingBatch batch)
    {
        lock (Gate)
        {
            if (batch.IsAbandoned)
            {
                batch.IsReported = true;
            }
            else
            {
                Recycle(batch);
            }
        }
    }

    /// <summary>Under the gate: the request of a batch that was given up has ended.</summary>
    public void Released(OutgoingBatch batch)
    {
        if (batch.IsReported || IsClosed)
        {
            Recycle(batch);
        }

        batch.IsAbandoned = false;
    }

    /// <summary>Says what keeps the writer waiting; the same thing only once until something was stored.</summary>
    public void Tell(KafkaBackupException trouble)
    {
        lock (Gate)
        {
            if (_lastTold != trouble.Message)
            {
                _lastTold = trouble.Message;
                Enqueue(new WriterReport(null, null, trouble, false));
            }
        }
    }

    /// <summary>Under the gate: a broker makes this user wait, because a quota is used up.</summary>
    public void TellThrottled(TimeSpan wait) => Enqueue(new WriterReport { Throttled = wait });

    /// <summary>Nothing more is sent: what is not under way has failed.</summary>
    public void Stop(KafkaBackupException reason)
    {
        lock (Gate)
        {
            if (IsStopped)
            {
                return;
            }

            Stopped = reason;
            Enqueue(new WriterReport(null, null, reason, true));
            foreach (var line in _lines.Values)
            {
                FailWaiting(line);
                Report(line);
            }
        }
    }

    /// <summary>Under the gate: what would be sent again is not, once the writer has stopped.</summary>
    public void GiveUpIfStopped(OutgoingBatch batch)
    {
        if (IsStopped && batch.State == BatchState.Waiting)
        {
            Fail(batch, WriteFaults.Abandoned(batch));
        }
    }

    /// <summary>Under the gate: a batch has failed for good.</summary>
    public static void Fail(OutgoingBatch batch, WriteFault fault) => (batch.State, batch.Fault) = (BatchState.Failed, fault);

    /// <summary>Under the gate: the first batch of the line that is not under way has failed for good.</summary>
    public void Fail(TargetLine line, WriteFault fault)
    {
        if (line.Batches.FirstOrDefault(b => b.State == BatchState.Waiting) is { } first)
        {
            Fail(first, fault);
            Report(line);
        }
    }

    /// <summary>Under the gate: queues the outcomes that are final, in the order of sending.</summary>
    public void Report(TargetLine line)
    {
        while (line.TryTake(out var batch))
        {
            Enqueue(new WriterReport(line, batch, null, false));
            if (batch.State == BatchState.Stored)
            {
                _lastTold = null;
            }
            else if (!IsStopped)
            {
                GoOnBehind(line, batch);
            }
        }
    }

    /// <summary>Everything that is not known to be stored is given up, and reported as such. Nobody waits for what is under way.</summary>
    /// <returns>Whether something may be stored all the same.</returns>
    public bool Purge()
    {
        lock (Gate)
        {
            var inDoubt = false;
            foreach (var line in _lines.Values)
            {
                foreach (var batch in line.Batches.Where(b => b.State == BatchState.UnderWay))
                {
                    (batch.IsAbandoned, batch.MayBeStored, batch.State) = (true, true, BatchState.Waiting);
                }

                line.UnderWay = 0;
                inDoubt |= line.Batches.Any(b => b is { State: BatchState.Waiting, MayBeStored: true });
                var next = Unstored(line);
                FailWaiting(line);
                while (line.TryTake(out var batch))
                {
                    Enqueue(new WriterReport(line, batch, null, false));
                }

                line.Resume(next);
            }

            IsInDoubt |= inDoubt;
            return inDoubt;
        }
    }

    /// <summary>From here on nothing new is sent, until <see cref="Drop"/>.</summary>
    public void Hold()
    {
        lock (Gate)
        {
            _isDropping = true;
        }
    }

    /// <summary>Takes back <see cref="Hold"/>, when the transaction's end has not come.</summary>
    public void Unhold()
    {
        lock (Gate)
        {
            _isDropping = false;
        }
    }

    /// <summary>Nothing is under way: everything is forgotten, unreported.</summary>
    public void Drop()
    {
        lock (Gate)
        {
            foreach (var line in _lines.Values)
            {
                var next = Unstored(line);
                IsInDoubt |= line.Batches.Any(b => b.MayBeStored && b.State != BatchState.Stored);
                foreach (var batch in line.Batches)
                {
                    Recycle(batch);
                }

                line.Batches.Clear();
                line.IsRecovering = false;
                line.Resume(next);
            }

            for (var left = _reports.Count; left > 0; left--)
            {
                var report = _reports.Dequeue();
                if (report.Batch is { } batch)
                {
                    Recycle(batch);
                }
                else
                {
                    _reports.Enqueue(report);
                }
            }
        }
    }

    /// <summary>The transaction has ended.</summary>
    public void EndTransaction()
    {
        lock (Gate)
        {
            (_isDropping, IsInDoubt) = (false, false);
            foreach (var line in _lines.Values)
            {
                line.IsInTransaction = false;
            }
        }
    }

    public void Close()
    {
        lock (Gate)
        {
            IsClosed = true;
            foreach (var batch in _lines.Values.SelectMany(l => l.Batches).Where(b => b.State != BatchState.UnderWay))
            {
                batch.Free();
            }

            foreach (var report in _reports)
            {
                if (report.Batch is { IsAbandoned: false } batch)
                {
                    batch.Free();
                }
            }

            foreach (var batch in _spare)
            {
                batch.Free();
            }

            _lines.Clear();
            _reports.Clear();
            _spare.Clear();
        }
    }

    /// <summary>A batch has failed, and none behind it is under way.</summary>
    private void GoOnBehind(TargetLine line, OutgoingBatch failed)
    {
        if (transaction is not null)
        {
            transaction.RequireAbort();
            IsInDoubt |= failed.MayBeStored;
            FailWaiting(line);
        }
        else if (stopAtFirstFailure || failed.MayBeStored)
        {
            Stop(errors.Stopped(failed.Fault!));
            return;
        }

        if (failed.FirstRecord >= 0)
        {
            // It took no place in the sequence.
            line.Resume(failed.FirstRecord);
        }
    }

    private static void FailWaiting(TargetLine line)
    {
        foreach (var batch in line.Batches.Where(b => b.State == BatchState.Waiting))
        {
            Fail(batch, WriteFaults.Abandoned(batch));
        }
    }

    /// <summary>Where the sequence goes on when everything that is not stored is forgotten.</summary>
    private static long Unstored(TargetLine line) =>
        line.Batches.FirstOrDefault(b => b.State != BatchState.Stored && b.FirstRecord >= 0)?.FirstRecord ?? line.NextRecord;

    private void Enqueue(WriterReport report)
    {
        _reports.Enqueue(report);
        Monitor.PulseAll(Gate);
    }
}
