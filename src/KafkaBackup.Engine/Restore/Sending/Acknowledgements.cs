using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// What was sent to one target partition and is not acknowledged yet, and the delivery reports that are matched with it. Reports come in
/// the order of sending; the first one that is not what was expected is the fault, and nothing after it counts.
/// </summary>
internal sealed class Acknowledgements(
    RestoreScope scope,
    PartitionProgress progress,
    IRecordWriter writer,
    int batchBytes,
    Func<long, long>? expectedOffset
) : IDeliverySink
{
    private const int PollEvery = 512;

    /// <summary>Several batches of the smallest records; what is remembered of each record under way stays small too.</summary>
    private const int MostPending = 16_000;

    private static readonly TimeSpan RoomWait = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan DrainWait = TimeSpan.FromMilliseconds(100);

    private readonly long _room = LaneWriter.Room(scope, batchBytes);
    private readonly bool _isPaced = !scope.Limiter.IsUnlimited;
    private readonly AcknowledgementWatch _watch = new(scope, progress.Work.Target);
    private readonly Queue<SentRecords> _pending = new();
    private readonly Queue<long> _weights = new();
    private readonly Dictionary<long, int> _countsOfWhole = [];
    private KafkaBackupException? _trouble;
    private KafkaBackupException? _fatal;
    private WriteFault? _firstDropped;
    private int _sinceTaken;
    private long _unacknowledged;

    /// <summary>
    /// Holds delivered records back from the progress until they are released: in a transaction they count from its commit on.
    /// </summary>
    public bool HoldBack { get; init; }

    public SendFault? Fault { get; private set; }

    /// <summary>Sent and not acknowledged, in order.</summary>
    public IReadOnlyCollection<SentRecords> Unacknowledged => _pending;

    /// <summary>Behind the last record that was refused together with the one that the fault is about.</summary>
    public long RefusedUntil { get; private set; }

    public long Delivered { get; private set; } = progress.Done;

    public HeldRecords Held { get; } = new(progress);

    private TargetWork Work => progress.Work;

    /// <summary>What is larger than all the room goes alone.</summary>
    public bool HasRoom(long bytes) => _pending.Count < MostPending && (_unacknowledged == 0 || _unacknowledged + bytes <= _room);

    /// <summary>While there is no room. False on a fault or a stop.</summary>
    public bool GoOnWaiting(CancellationToken stop)
    {
        if (_unacknowledged < batchBytes && _pending.Count < MostPending)
        {
            // A large record waits for less than a batch, which would linger although it cannot fill any more.
            writer.Flush();
        }

        return Poll(RoomWait) && !stop.IsCancellationRequested;
    }

    /// <summary>Waits until everything sent is acknowledged. False on a fault.</summary>
    public bool Drain(CancellationToken abandon)
    {
        while (_pending.Count > 0 && !abandon.IsCancellationRequested)
        {
            writer.Flush();
            if (!Poll(DrainWait))
            {
                return false;
            }
        }

        return Fault is null && _pending.Count == 0;
    }

    /// <summary>What was sent is remembered until it is acknowledged, and reports that have come meanwhile are taken.</summary>
    public bool Add(in SentRecords sent, long weight, CancellationToken stop)
    {
        if (sent.Count > 1)
        {
            _countsOfWhole.Add(sent.Index, sent.Count);
        }

        if (_pending.Count == 0)
        {
            _watch.Restart();
        }

        _pending.Enqueue(sent);
        _weights.Enqueue(weight);
        _unacknowledged += weight;
        if (++_sinceTaken >= PollEvery || sent.Count > 1)
        {
            _sinceTaken = 0;
            if (!Poll(TimeSpan.Zero))
            {
                return false;
            }
        }

        if (_isPaced)
        {
            Pace(sent.Count, sent.Bytes, stop);
        }

        return true;
    }

    /// <summary>
    /// Either this can never be sent, or an earlier record's refusal has stopped the writer: then its report is on its way.
    /// </summary>
    public void Refuse(KafkaBackupException error, long index, int count, long sourceOffset, CancellationToken stop)
    {
        if (Drain(stop) || Fault is null)
        {
            var kind = error.Definition == ErrorIds.TargetRefused ? WriteFaultKind.Refused : WriteFaultKind.Uncertain;
            Fault = new SendFault(kind, "", error.Message, index, sourceOffset, error);
            RefusedUntil = index + count;
        }
    }

    public void OnDelivered(int slot, long tag, long offset)
    {
        // After a fault nothing counts; what was sent stays in the list until the log's end shows how far it came.
        if (Fault is not null || !_pending.TryDequeue(out var sent))
        {
            return;
        }

        _unacknowledged -= _weights.Dequeue();
        _countsOfWhole.Remove(sent.Index);
        var expected = expectedOffset?.Invoke(sent.Index);
        if (sent.Index != tag || (offset >= 0 && expected is { } at && offset != at))
        {
            Fault = new SendFault(
                WriteFaultKind.Other,
                "",
                "",
                sent.Index,
                sent.SourceOffset,
                ErrorIds.TargetChanged.With(
                    $"Record {sent.SourceOffset} of {Work.Sources[sent.Source].Source} was stored at offset {offset} of {Work.Target} instead of {expected}: something else writes to this partition.",
                    Work.Target.ToString(),
                    $"Find what writes there and stop it. {BeginAgain.Advice(scope.Options)}"
                )
            );
            return;
        }

        if (offset < 0 && expected is null)
        {
            // Stored before, in an attempt whose answer was lost: it follows its neighbour, if that is known.
            expected = Held.Last >= 0 ? Held.Last + 1 : null;
        }

        if ((offset >= 0 ? offset : expected) is not { } place)
        {
            Fault = new SendFault(
                WriteFaultKind.Uncertain,
                "",
                $"the target does not say where it stored the record with source offset {sent.SourceOffset}",
                sent.Index,
                sent.SourceOffset
            );
            return;
        }

        Delivered = sent.Index + sent.Count;
        Keep(sent, place);
    }

    public void OnFailed(int slot, long tag, WriteFault fault)
    {
        if (Fault is not null)
        {
            if (fault.Kind == WriteFaultKind.Refused && tag == RefusedUntil)
            {
                RefusedUntil += CountAt(tag);
            }

            return;
        }

        // Reports of records that were dropped because of another's failure may come before it: that one is the fault.
        _firstDropped ??= fault;
        if (fault.Kind != WriteFaultKind.Purged)
        {
            var sent = _pending.FirstOrDefault(p => p.Index == tag);
            Fault = new SendFault(fault.Kind, fault.Code, fault.Message, tag, sent.SourceOffset);
            RefusedUntil = tag + CountAt(tag);
        }
    }

    public void OnProducerFault(KafkaBackupException error, bool fatal)
    {
        _trouble = error;
        if (fatal)
        {
            _fatal ??= error;
        }
        else
        {
            scope.Status.SetAway(error.Message);
            scope.Events.Verbose($"{Work.Target}: {error.Message}");
        }
    }

    public void OnThrottled(TimeSpan wait)
    {
        scope.Quota.HeldBack(wait);
        _watch.HeldBack(wait);
    }

    private bool Poll(TimeSpan wait)
    {
        if (writer.Poll(this, wait) > 0)
        {
            _watch.Restart();
            _trouble = null;
            return Check();
        }

        if (_pending.Count > 0 && _watch.Look(_trouble) is { } tooLong)
        {
            Fault ??= new SendFault(WriteFaultKind.Uncertain, "", "", -1, -1, tooLong);
        }

        return Check();
    }

    private bool Check()
    {
        if (Fault is null && (_fatal is not null || _firstDropped is not null) && writer.Pending == 0)
        {
            Fault = new SendFault(WriteFaultKind.Uncertain, _firstDropped?.Code ?? "", _firstDropped?.Message ?? "", -1, -1, _fatal);
        }

        return Fault is null;
    }

    private void Keep(in SentRecords sent, long offset)
    {
        if (HoldBack)
        {
            Held.Add(sent, offset);
        }
        else
        {
            progress.Take(sent, offset);
        }
    }

    /// <summary>Records that one report is about.</summary>
    private int CountAt(long index) => _countsOfWhole.GetValueOrDefault(index, 1);

    private void Pace(int records, long bytes, CancellationToken stop)
    {
        if (scope.Limiter.Take(records, bytes) is { Ticks: > 0 } wait)
        {
            // Reports are taken before the wait, or the library's queue of them grows.
            Poll(TimeSpan.Zero);
            stop.WaitHandle.WaitOne(wait);
        }
    }
}
