using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Pacing;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Reads many partitions with one reader, a few at a time, on one thread. A partition is done when its end is reached, and never because
/// nothing comes (rules B3, B4, L4); one that fails leaves the others alone (B15).
/// </summary>
internal sealed class BatchPump(RunScope run, ReaderOptions readerOptions, int width, PacedPolling pace) : IBatchSink, IDisposable
{
    private const int MostRefusals = 4;

    /// <summary>So many times <see cref="Silence.Stall"/> a partition may give nothing.</summary>
    private const int MostStalls = 5;

    private readonly ThrottleWatch _throttle = new(run.Clock);
    private readonly ActivePartition?[] _slots = new ActivePartition?[width];
    private readonly Stack<int> _free = new(Enumerable.Range(0, width).Reverse());
    private readonly List<(int Slot, ReadFault Fault)> _faults = [];
    private readonly List<PartitionReading> _over = [];
    private readonly LogInspection _inspection = new(run);
    private readonly IBatchReader _reader = run.Cluster.OpenBatchReader(readerOptions);
    private readonly QuotaNotice _quota = new(run.Events, "backup");
    private KafkaBackupException? _clusterFault;

    /// <summary>The partitions that are being read.</summary>
    public IEnumerable<PartitionReading> UnderWay => _slots.OfType<ActivePartition>().Select(s => s.Reading);

    public bool HasRoom => _free.Count > 0;

    public bool IsEmpty => _free.Count == width;

    public void Add(PartitionReading reading)
    {
        var index = _free.Pop();
        _slots[index] = new ActivePartition(reading);
        Assign(index, _slots[index]!);
    }

    /// <summary>Hands out what has arrived. Returns the partitions that are over; the list is used again.</summary>
    public List<PartitionReading> Poll(CancellationToken stop)
    {
        _over.Clear();
        var idle = PollReader(stop);
        HandleFaults(stop);
        var isHeldBack = _throttle.IsHeldBack;
        var anyRefused = run.Proof.Refused.Count > 0;
        for (var index = 0; index < width; index++)
        {
            if (_slots[index] is { } slot && IsOver(index, slot, idle, isHeldBack, anyRefused, stop))
            {
                _over.Add(End(index, slot));
            }
        }

        return _over;
    }

    /// <summary>Reads no more. Returns the partitions under way.</summary>
    public List<PartitionReading> Stop()
    {
        Task.WaitAll(_slots.Select(s => s?.Looking).OfType<Task>().ToArray(), CancellationToken.None);
        _over.Clear();
        for (var index = 0; index < width; index++)
        {
            if (_slots[index] is { } slot)
            {
                _over.Add(End(index, slot));
            }
        }

        return _over;
    }

    public void Dispose() => _reader.Dispose();

    void IBatchSink.OnBatch(int slot, in RecordBatch batch)
    {
        pace.Count(batch.RecordCount);
        if (_slots[slot]?.Reading is { } reading)
        {
            try
            {
                reading.OnBatch(batch);
            }
            catch (KafkaBackupException error)
            {
                reading.Fail(error);
            }
        }
    }

    void IBatchSink.OnFacts(int slot, in LogFacts facts) => _slots[slot]?.Note(facts);

    void IBatchSink.OnError(int slot, ReadFault fault) => _faults.Add((slot, fault));

    void IBatchSink.OnClusterFault(KafkaBackupException error)
    {
        if (_clusterFault?.Message != error.Message)
        {
            run.Events.Verbose($"Reading the source: {error.Message}");
        }

        run.Status.Trouble(error);
        _clusterFault = error;
    }

    void IBatchSink.OnThrottled(TimeSpan wait)
    {
        _throttle.HeldBack(wait);
        _quota.HeldBack(wait);
    }

    private void Assign(int index, ActivePartition slot)
    {
        var id = slot.Reading.Work.Id;
        if (_inspection.IsGone(id.Topic))
        {
            slot.Reading.Fail(LogInspection.Gone(id));
            return;
        }

        try
        {
            _reader.Assign(id, slot.Reading.Position, index);
        }
        catch (KafkaBackupException error)
        {
            slot.Reading.Fail(error);
        }
    }

    /// <summary>
    /// Reads nothing more of the partition until it is known what became of its log. What is read so far is ended, so that its last record
    /// can be met again.
    /// </summary>
    private void Look(int index, ActivePartition slot, Task<LogSituation> looking)
    {
        _reader.Remove(index);
        slot.Looking = looking;
    }

    private PartitionReading End(int index, ActivePartition slot)
    {
        _reader.Remove(index);
        _slots[index] = null;
        _free.Push(index);
        TellTopic(slot.Reading);
        return slot.Reading;
    }

    /// <summary>Returns the time in which a partition could have given something.</summary>
    private TimeSpan PollReader(CancellationToken stop)
    {
        if (!pace.MayPoll(out var most))
        {
            pace.WaitABit(stop);
            return TimeSpan.Zero;
        }

        var begun = run.Clock.GetTimestamp();
        pace.Polled(_reader.Poll(this, most));
        return run.Clock.GetElapsedTime(begun);
    }

    private bool IsOver(int index, ActivePartition slot, TimeSpan idle, bool isHeldBack, bool anyRefused, CancellationToken stop)
    {
        var reading = slot.Reading;
        var refused = anyRefused ? run.Proof.WhyRefused(reading.Work.Id.Topic) : null;
        if ((reading.Line.Failure ?? reading.Line.Damage ?? refused) is { } failure)
        {
            reading.Fail(failure);
        }

        if (slot.Looking is { } looking)
        {
            if (looking.IsCompleted && !reading.IsOver)
            {
                slot.Looking = null;
                Continue(index, slot, looking.Result);
            }

            return reading.IsOver && looking.IsCompleted;
        }

        if (slot.TakeMoved())
        {
            _clusterFault = null;
        }
        else if (!reading.IsOver)
        {
            slot.Silence.Add(idle, isHeldBack);
            if (slot.Silence.IsStall)
            {
                Stalled(index, slot, stop);
            }
        }

        return reading.IsOver;
    }

    /// <summary>
    /// An answer that brings nothing says nothing (rule L4). Answers that go on saying that the log ends before the captured end do; but a
    /// new leader may say so for a moment, so where the log ends is asked.
    /// </summary>
    private void Stalled(int index, ActivePartition slot, CancellationToken stop)
    {
        var reading = slot.Reading;
        slot.Silence.AskedAnew();
        slot.Stalls++;
        run.Events.Verbose(
            $"Partition {reading.Work.Id} has delivered nothing for {Silence.Stall.TotalSeconds * slot.Stalls:0} s at offset {reading.Next}."
        );
        if (slot.EndsShort || slot.Stalls == MostStalls)
        {
            Look(index, slot, _inspection.LookAsync(reading, stop));
        }
    }

    /// <summary>
    /// Without ids a truncated log and a topic created again look the same (rule B8): then it stops the topic's other partitions too, and
    /// keeps what they gave out of the next commit.
    /// </summary>
    private void TellTopic(PartitionReading reading)
    {
        if (reading.Failure is not { } failure)
        {
            return;
        }

        var topic = reading.Work.Id.Topic;
        if (failure.Definition == ErrorIds.TopicRecreated || (failure.Definition == ErrorIds.LogTruncated && !reading.Work.TopicIsProven))
        {
            run.Proof.Refuse(topic, failure);
        }
        else if (failure.Definition == ErrorIds.LogTruncated)
        {
            run.Proof.Suspect(topic);
        }
    }

    private void HandleFaults(CancellationToken stop)
    {
        foreach (var (index, fault) in _faults)
        {
            if (_slots[index] is { Looking: null, Reading.IsOver: false } slot)
            {
                HandleFault(index, slot, fault, stop);
            }
        }

        _faults.Clear();
    }

    private void HandleFault(int index, ActivePartition slot, ReadFault fault, CancellationToken stop)
    {
        var reading = slot.Reading;
        switch (fault.Kind)
        {
            case ReadFaultKind.UnknownPartition:
                // Brokers that have just started say so of every topic.
                Look(index, slot, _inspection.AwaitTopicAsync(reading, fault, slot.UnknownSince ??= run.Clock.GetTimestamp(), stop));
                break;
            case ReadFaultKind.Truncated when fault.Offset >= 0 && fault.Offset < reading.Next:
                reading.Fail(LogInspection.Truncated(reading, fault.Offset));
                break;
            case ReadFaultKind.OutOfRange or ReadFaultKind.Truncated when ++slot.Refusals > MostRefusals:
                reading.Fail(LogInspection.Refused(reading, fault));
                break;
            case ReadFaultKind.OutOfRange or ReadFaultKind.Truncated:
                Look(index, slot, _inspection.LookAsync(reading, stop));
                break;
            default:
                reading.Fail(LogInspection.Describe(reading.Work.Id, fault.Offset >= 0 ? fault.Offset : reading.Next, fault));
                break;
        }
    }

    private void Continue(int index, ActivePartition slot, LogSituation found)
    {
        if (slot.Stalls == MostStalls || (slot.Stalls > 0 && found.Error is null && found.End < slot.Reading.Work.CountTo))
        {
            slot.Reading.Fail(LogInspection.GaveNothing(slot.Reading, found, Silence.Stall * slot.Stalls, _clusterFault));
            return;
        }

        _inspection.Apply(slot.Reading, found);
        if (!slot.Reading.IsOver)
        {
            slot.Silence.AskedAnew();
            Assign(index, slot);
        }
    }
}
