using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Backup;

/// <summary>What a pump calls, all on the reader thread.</summary>
/// <param name="Begin">Makes the reading of a partition.</param>
/// <param name="Ended">For each partition that is over, and for those under way at a stop.</param>
/// <param name="Between">After each poll, for timers and progress.</param>
internal sealed record PumpEvents(
    Func<PartitionWork, PartitionReading> Begin,
    Action<PartitionReading> Ended,
    Action<IEnumerable<PartitionReading>> Between
);

/// <summary>
/// Reads many partitions with one reader, a few at a time, on one thread. A partition is done when its end is reached, and never because
/// nothing comes (rules B3, B4); one that fails leaves the others alone (B15).
/// </summary>
internal sealed class RecordPump(RunScope run, ReaderOptions readerOptions, int width, PacedPolling pace, PumpEvents pumpEvents)
    : IRecordSink
{
    private const int StallRetries = 4;

    private readonly ThrottleWatch _throttle = new(run.Clock);
    private readonly PumpSlot?[] _slots = new PumpSlot?[width];
    private readonly List<(int Slot, ReadFault Fault)> _faults = [];
    private readonly LogInspection _inspection = new(run);
    private ReaderOptions _options = readerOptions;
    private bool _asksTooMuch;
    private int _askedLess;
    private KafkaBackupException? _clusterFault;
    private int _active;

    /// <summary>The partitions that are being read.</summary>
    public IEnumerable<PartitionReading> UnderWay => _slots.OfType<PumpSlot>().Select(s => s.Reading);

    /// <summary>Reads until every partition is over or a stop is asked for. Returns with no partition assigned.</summary>
    /// <param name="waiting">Partitions still to read; taken from the front as slots come free.</param>
    public void Run(Queue<PartitionWork> waiting, CancellationToken stop)
    {
        var reader = run.Cluster.OpenReader(_options);
        try
        {
            while (!stop.IsCancellationRequested)
            {
                Fill(reader, waiting, stop);
                if (_active == 0)
                {
                    break;
                }

                if (_asksTooMuch && _options.CanAskLess)
                {
                    reader = AskLess(reader);
                }

                var idle = Poll(reader, stop);
                var isHeldBack = _throttle.IsHeldBack;
                HandleFaults(reader, stop);
                for (var index = 0; index < width; index++)
                {
                    if (_slots[index] is { } slot && IsOver(reader, index, slot, idle, isHeldBack, stop))
                    {
                        End(reader, index, slot);
                    }
                }

                pumpEvents.Between(UnderWay);
            }
        }
        finally
        {
            using (reader)
            {
                EndAll(reader);
            }
        }
    }

    void IRecordSink.OnRecord(int slot, in RecordView record)
    {
        pace.Count(record.PayloadBytes);
        if (_slots[slot]?.Reading is { } reading)
        {
            try
            {
                reading.OnRecord(record);
            }
            catch (KafkaBackupException error)
            {
                reading.Fail(error);
            }
        }
    }

    void IRecordSink.OnEnd(int slot, long offset) => _slots[slot]?.Reading.OnPosition(offset);

    void IRecordSink.OnError(int slot, ReadFault fault) => _faults.Add((slot, fault));

    void IRecordSink.OnClusterFault(KafkaBackupException error)
    {
        if (_clusterFault?.Message != error.Message)
        {
            run.Events.Verbose($"The client library reports: {error.Message}");
        }

        run.Status.Trouble(error);
        _clusterFault = error;
    }

    void IRecordSink.OnThrottled(TimeSpan wait) => _throttle.HeldBack(wait);

    /// <summary>
    /// A reader that asks for less goes on where this one is. To the library that is a new beginning, so what was read has to be met again.
    /// </summary>
    private IRecordReader AskLess(IRecordReader reader)
    {
        (_options, _asksTooMuch) = (_options.AskingLess(), false);
        if (_askedLess++ == 0)
        {
            run.Events.Warning("A quota on this user limits the speed of the backup.");
        }

        run.Events.Verbose($"Asking for {_options.FetchBytes} bytes at a time.");
        foreach (var (index, slot) in Occupied().Where(s => s.Slot is { Looking: null, Reading.IsOver: false }))
        {
            reader.Remove(index);
            slot.Reading.CloseSegment();
            slot.Looking = _inspection.RecallAsync(slot.Reading);
        }

        reader.Dispose();
        return run.Cluster.OpenReader(_options);
    }

    private void Fill(IRecordReader reader, Queue<PartitionWork> waiting, CancellationToken stop)
    {
        for (var index = 0; index < width && waiting.Count > 0 && !stop.IsCancellationRequested; index++)
        {
            if (_slots[index] is null)
            {
                _slots[index] = new PumpSlot(pumpEvents.Begin(waiting.Dequeue()));
                _active++;
                Assign(reader, index, _slots[index]!);
            }
        }
    }

    private void Assign(IRecordReader reader, int index, PumpSlot slot)
    {
        var id = slot.Reading.Work.Id;
        if (_inspection.IsGone(id.Topic))
        {
            slot.Reading.Fail(LogInspection.Gone(id));
            return;
        }

        try
        {
            reader.Assign(id, slot.Reading.Position, index);
        }
        catch (KafkaBackupException error)
        {
            slot.Reading.Fail(error);
        }
    }

    private void EndAll(IRecordReader reader)
    {
        Task.WaitAll(_slots.Select(s => s?.Looking).OfType<Task>().ToArray(), CancellationToken.None);
        Array.ForEach(Occupied(), s => End(reader, s.Index, s.Slot));
    }

    private (int Index, PumpSlot Slot)[] Occupied() =>
        _slots.Select((slot, index) => (index, slot!)).Where(s => s.Item2 is not null).ToArray();

    private void End(IRecordReader reader, int index, PumpSlot slot)
    {
        reader.Remove(index);
        _slots[index] = null;
        _active--;
        TellTopic(slot.Reading);
        pumpEvents.Ended(slot.Reading);
    }

    /// <summary>Returns the time in which a partition could have given something.</summary>
    private TimeSpan Poll(IRecordReader reader, CancellationToken stop)
    {
        if (!pace.MayPoll(out var most))
        {
            pace.WaitABit(stop);
            return TimeSpan.Zero;
        }

        var begun = run.Clock.GetTimestamp();
        pace.Polled(reader.Poll(this, most));
        return run.Clock.GetElapsedTime(begun);
    }

    private bool IsOver(IRecordReader reader, int index, PumpSlot slot, TimeSpan idle, bool isHeldBack, CancellationToken stop)
    {
        var reading = slot.Reading;
        if ((reading.Line.Failure ?? run.Proof.WhyRefused(reading.Work.Id.Topic)) is { } failure)
        {
            reading.Fail(failure);
        }

        if (slot.Looking is { } looking)
        {
            if (looking.IsCompleted && !reading.IsOver)
            {
                slot.Looking = null;
                Continue(reader, index, slot, looking.Result);
            }

            return reading.IsOver && looking.IsCompleted;
        }

        if (!reading.IsOver && reader.Position(index) is { } position)
        {
            if (position > slot.Furthest)
            {
                // Past aborted records, which nobody hands out, it gets on too.
                slot.Furthest = position;
                slot.BeginAnew();
            }

            reading.OnPosition(position);
        }

        if (reading.Moved)
        {
            reading.Moved = false;
            _clusterFault = null;
            slot.Refusals = 0;
            slot.BeginAnew();
        }
        else if (!reading.IsOver)
        {
            slot.Silence.Add(idle, isHeldBack);
            _asksTooMuch |= slot.Silence.AsksTooMuch(_askedLess);
            if (slot.Silence.IsStall)
            {
                Retry(reader, index, slot, stop);
            }
        }

        return reading.IsOver;
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

    private void Retry(IRecordReader reader, int index, PumpSlot slot, CancellationToken stop)
    {
        var reading = slot.Reading;
        slot.Silence.AskedAnew();
        reader.Remove(index);
        reading.CloseSegment();
        if (++slot.Retries > StallRetries)
        {
            // Perhaps there is nothing more to give: where the log ends now tells.
            slot.GivesUp = true;
            slot.Looking = _inspection.LookAsync(reading, stop);
            return;
        }

        // Meanwhile another leader may have cut the log and filled it again beyond where we stand, and to the library this is a new
        // beginning.
        run.Events.Verbose(
            $"Partition {reading.Work.Id} has given nothing for {Silence.Stall.TotalSeconds:0} s at offset {reading.Next}; asking for it anew."
        );
        slot.Looking = _inspection.RecallAsync(reading);
    }

    private void HandleFaults(IRecordReader reader, CancellationToken stop)
    {
        foreach (var (index, fault) in _faults)
        {
            if (_slots[index] is not { Looking: null, Reading: { IsOver: false } reading } slot)
            {
                continue;
            }

            if (fault.Kind == ReadFaultKind.UnknownPartition)
            {
                // Brokers that have just started say so of every topic.
                reader.Remove(index);
                reading.CloseSegment();
                slot.Looking = _inspection.AwaitTopicAsync(reading, fault, slot.UnknownSince ??= run.Clock.GetTimestamp(), stop);
            }
            else if (fault.Kind != ReadFaultKind.OutOfRange)
            {
                reading.Fail(LogInspection.Describe(reading.Work.Id, fault.Offset >= 0 ? fault.Offset : reading.Next, fault));
            }
            else if (++slot.Refusals > StallRetries)
            {
                reading.Fail(LogInspection.Refused(reading, fault));
            }
            else
            {
                // What is read so far is ended, so that its last record can be met again should the log have changed.
                reader.Remove(index);
                reading.CloseSegment();
                slot.Looking = _inspection.LookAsync(reading, stop);
            }
        }

        _faults.Clear();
    }

    private void Continue(IRecordReader reader, int index, PumpSlot slot, LogSituation found)
    {
        if (slot.GivesUp)
        {
            slot.Reading.Fail(LogInspection.GaveNothing(slot.Reading, found, Silence.Stall * slot.Retries, _clusterFault));
            return;
        }

        _inspection.Apply(slot.Reading, found);
        if (!slot.Reading.IsOver)
        {
            slot.Silence.AskedAnew();
            Assign(reader, index, slot);
        }
    }
}
