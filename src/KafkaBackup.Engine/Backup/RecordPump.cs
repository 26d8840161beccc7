using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Pacing;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Reads many partitions with one reader, a few at a time, on one thread. A partition is done when its end is reached, and never because
/// nothing comes (SEMANTICS B3, B4); one that fails leaves the others alone (B15).
/// </summary>
internal sealed class RecordPump(
    IKafkaCluster cluster, ReaderOptions readerOptions, int width, RateLimiter limiter, TimeProvider clock, IEngineEvents events) : IRecordSink
{
    /// <summary>Without any progress for this long a partition is asked for anew; leader elections and broker restarts take up to a minute.</summary>
    private static readonly TimeSpan StallTime = TimeSpan.FromSeconds(20);

    private const int StallRetries = 4;

    private readonly PartitionReading?[] _slots = new PartitionReading?[width];
    private readonly long[] _movedAt = new long[width];
    private readonly int[] _retries = new int[width];
    private readonly List<(int Slot, ReadFault Fault)> _faults = [];
    private KafkaBackupException? _clusterFault;
    private long _polledBytes;

    /// <summary>Reads until every partition is over or a stop is asked for. Returns with no partition assigned.</summary>
    /// <param name="waiting">Partitions still to read; taken from the front as slots come free.</param>
    /// <param name="begin">Makes the reading of a partition.</param>
    /// <param name="ended">Called for each partition that is over, and for those under way at a stop.</param>
    /// <param name="between">Called after each poll, for timers and progress.</param>
    public void Run(
        Queue<PartitionWork> waiting, Func<PartitionWork, PartitionReading> begin, Action<PartitionReading> ended, Action<IEnumerable<PartitionReading>> between,
        CancellationToken stop)
    {
        using var reader = cluster.OpenReader(readerOptions);
        var active = 0;
        while (!stop.IsCancellationRequested)
        {
            active += Fill(reader, waiting, begin);
            if (active == 0)
            {
                break;
            }

            _polledBytes = 0;
            var records = reader.Poll(this);
            HandleFaults(reader);
            for (var slot = 0; slot < width; slot++)
            {
                if (_slots[slot] is { } reading && IsOver(reader, slot, reading))
                {
                    reader.Remove(slot);
                    _slots[slot] = null;
                    active--;
                    ended(reading);
                }
            }

            between(_slots.OfType<PartitionReading>());
            Pace(records, stop);
        }

        for (var slot = 0; slot < width; slot++)
        {
            if (_slots[slot] is { } reading)
            {
                reader.Remove(slot);
                _slots[slot] = null;
                ended(reading);
            }
        }
    }

    void IRecordSink.OnRecord(int slot, in RecordView record)
    {
        _polledBytes += record.PayloadBytes;
        if (_slots[slot] is { } reading)
        {
            try
            {
                reading.OnRecord(record);
            }
            catch (KafkaBackupException error)
            {
                reading.Fail(error);
            }
            catch (OperationCanceledException)
            {
                // The run is being given up while this thread waited for a buffer; the loop sees the token.
            }
        }
    }

    void IRecordSink.OnEnd(int slot, long offset) => _slots[slot]?.OnPosition(offset);

    void IRecordSink.OnError(int slot, ReadFault fault) => _faults.Add((slot, fault));

    void IRecordSink.OnClusterFault(KafkaBackupException error)
    {
        if (_clusterFault?.Message != error.Message)
        {
            events.Verbose($"The client library reports: {error.Message}");
        }

        _clusterFault = error;
    }

    private int Fill(IRecordReader reader, Queue<PartitionWork> waiting, Func<PartitionWork, PartitionReading> begin)
    {
        var filled = 0;
        for (var slot = 0; slot < width && waiting.Count > 0; slot++)
        {
            if (_slots[slot] is null)
            {
                var reading = begin(waiting.Dequeue());
                _slots[slot] = reading;
                _retries[slot] = 0;
                _movedAt[slot] = clock.GetTimestamp();
                reader.Assign(reading.Work.Id, reading.Position, slot);
                filled++;
            }
        }

        return filled;
    }

    private bool IsOver(IRecordReader reader, int slot, PartitionReading reading)
    {
        if (!reading.IsOver && reader.Position(slot) is { } position && position >= 0)
        {
            reading.OnPosition(position);
        }

        if (reading.Line.Failure is { } failure)
        {
            reading.Fail(failure);
        }

        if (reading.IsOver)
        {
            return true;
        }

        if (reading.Moved)
        {
            reading.Moved = false;
            _clusterFault = null;
            _retries[slot] = 0;
            _movedAt[slot] = clock.GetTimestamp();
        }
        else if (clock.GetElapsedTime(_movedAt[slot]) > StallTime)
        {
            Retry(reader, slot, reading);
        }

        return reading.IsOver;
    }

    private void Retry(IRecordReader reader, int slot, PartitionReading reading)
    {
        _movedAt[slot] = clock.GetTimestamp();
        if (++_retries[slot] > StallRetries)
        {
            var cause = _clusterFault is null ? "" : $" The client library says: {_clusterFault.Message}";
            reading.Fail(ErrorIds.PartitionStalled.With(
                $"Partition {reading.Work.Id} gave nothing for {StallTime.TotalSeconds * StallRetries:0} s at offset {reading.Next}, below its end {reading.Work.CountTo}.{cause}",
                reading.Work.Id.ToString(), inner: _clusterFault));
            return;
        }

        events.Verbose($"Partition {reading.Work.Id} has given nothing for {StallTime.TotalSeconds:0} s at offset {reading.Next}; asking for it anew.");
        reader.Remove(slot);
        reader.Assign(reading.Work.Id, reading.Position, slot);
    }

    private void HandleFaults(IRecordReader reader)
    {
        foreach (var (slot, fault) in _faults)
        {
            if (_slots[slot] is not { IsOver: false } reading)
            {
                continue;
            }

            if (fault.Kind == ReadFaultKind.OutOfRange)
            {
                LookAgain(reader, slot, reading);
            }
            else
            {
                reading.Fail(Describe(reading, fault));
            }
        }

        _faults.Clear();
    }

    /// <summary>Our position is outside the log: either its start moved past us, a gap, or its end came back, a truncation (SEMANTICS B16).</summary>
    private void LookAgain(IRecordReader reader, int slot, PartitionReading reading)
    {
        var id = reading.Work.Id;
        try
        {
            var start = Bound(id, OffsetBound.Earliest);
            var end = Bound(id, OffsetBound.HighWatermark);
            if (end < reading.Position)
            {
                reading.Fail(ErrorIds.LogTruncated.With(
                    $"Partition {id} now ends at offset {end}, before offset {reading.Position} that had been reached: its log was truncated.", id.ToString()));
                return;
            }

            if (start > reading.Next)
            {
                var to = Math.Min(start, reading.Work.StoreTo);
                reading.CloseSegment();
                reading.Line.AddGap(new GapEntry(
                    reading.Next, to, "The source deleted these records while they were to be read (retention or DeleteRecords).", clock.GetUtcNow()));
                events.Warning($"Partition {id}: offsets {reading.Next} to {to - 1} were deleted by the source before they could be read. The gap is recorded.");
                reading.SkipTo(Math.Max(to, start));
            }
            else if (start > reading.Position)
            {
                // Only our last record, which was to be met again, is gone: what follows it is all there.
                reading.SkipTo(reading.Next);
            }

            if (!reading.IsOver)
            {
                reader.Remove(slot);
                reader.Assign(id, reading.Position, slot);
            }
        }
        catch (KafkaBackupException error)
        {
            reading.Fail(error);
        }
    }

    private long Bound(TopicPartition id, OffsetBound bound)
    {
        // The reader thread has nothing else to do for this partition, and it happens once in a while: wait for the answer here.
        var answer = cluster.ListOffsetsAsync([id], bound, CancellationToken.None).GetAwaiter().GetResult()[id];
        return answer.Error is null ? answer.Offset ?? 0 : throw answer.Error;
    }

    private static KafkaBackupException Describe(PartitionReading reading, ReadFault fault)
    {
        var id = reading.Work.Id;
        var at = fault.Offset >= 0 ? fault.Offset : reading.Next;
        return fault.Kind switch
        {
            ReadFaultKind.Unauthorized => ErrorIds.ClusterUnauthorized.With(
                $"Reading topic {id.Topic} was refused ({fault.Code}).", id.Topic, $"Grant this user READ and DESCRIBE on topic {id.Topic}."),
            ReadFaultKind.UnknownPartition => ErrorIds.TopicNotFound.With($"Partition {id} is not there any more ({fault.Code}).", id.ToString()),
            ReadFaultKind.BadMessage => ErrorIds.PartitionRead.With(
                $"Partition {id} has a damaged batch at or after offset {at}: {fault.Message} ({fault.Code}). Everything before offset {reading.Next} is backed up.", id.ToString(),
                "The broker's log is damaged there: let another replica lead the partition, then run again."),
            _ => ErrorIds.PartitionRead.With($"Partition {id} could not be read at offset {at}: {fault.Message} ({fault.Code}).", id.ToString()),
        };
    }

    private void Pace(int records, CancellationToken stop)
    {
        if (records > 0 && limiter.Take(records, _polledBytes) is { Ticks: > 0 } wait)
        {
            stop.WaitHandle.WaitOne(wait);
        }
    }
}
