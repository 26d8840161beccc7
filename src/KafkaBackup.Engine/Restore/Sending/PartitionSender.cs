using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>Why sending came to an end before its limit.</summary>
/// <param name="SourceOffset">The record it is about; -1 when it is not about one.</param>
internal sealed record SendFault(
    WriteFaultKind Kind,
    string Code,
    string Message,
    long Index,
    long SourceOffset,
    KafkaBackupException? Error = null
)
{
    public string Text => Code.Length == 0 ? Message : $"{Message} ({Code})";
}

/// <summary>
/// Sends one target partition's records in order and matches delivery reports with what was sent. Reports come in the order of sending; the
/// first one that is not what was expected is the fault, and nothing after it counts.
/// </summary>
internal sealed class PartitionSender(
    RestoreScope scope,
    PartitionProgress progress,
    IRecordWriter writer,
    int batchBytes,
    Func<long, long>? expectedOffset
) : IDeliverySink
{
    private const int Slot = WriterShelf.LentWriter.Slot;
    private const int PollEvery = 512;

    /// <summary>Several batches of the smallest records; what is remembered of each record under way stays small too.</summary>
    private const int MostPending = 16_000;

    private static readonly TimeSpan RoomWait = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan DrainWait = TimeSpan.FromMilliseconds(100);

    private readonly long _room = LaneWriter.Room(scope, batchBytes);
    private readonly bool _isPaced = !scope.Limiter.IsUnlimited;
    private readonly AcknowledgementWatch _watch = new(scope, progress.Work.Target);
    private readonly OriginalHeaders _originals = new();
    private readonly Queue<Pending> _pending = new();
    private readonly Queue<(int Source, long SourceOffset, long TargetOffset, int Bytes)> _held = new();
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
    public IReadOnlyCollection<Pending> Unacknowledged => _pending;

    /// <summary>Behind the last record that was refused together with the one that the fault is about.</summary>
    public long RefusedUntil { get; private set; }

    public long Delivered { get; private set; } = progress.Done;

    /// <summary>The number of the next record to send.</summary>
    public long Next { get; private set; } = progress.Done;

    public TargetWork Work => progress.Work;

    /// <summary>Held back: where the first and the last one are; -1 for none.</summary>
    public long FirstHeld { get; private set; } = -1;

    public long LastHeld { get; private set; } = -1;

    /// <summary>The first offset between two that are held back which is not ours.</summary>
    public long? HoleAt { get; private set; }

    /// <summary>
    /// Sends all records of the block from the index on and up to the limit (exclusive). False when a fault or a stop came between.
    /// </summary>
    public bool Send(StreamBlock block, long limit, CancellationToken stop)
    {
        var source = SourceIndex(block.Source);
        var skip = block.Skip;
        var index = block.FirstIndex;
        foreach (var record in block.Block)
        {
            if (!block.Takes(record))
            {
                continue;
            }

            if (skip > 0)
            {
                skip--;
                index++;
                continue;
            }

            if (index >= limit || Fault is not null || stop.IsCancellationRequested)
            {
                return index >= limit && Fault is null;
            }

            var extra = scope.Options.IncludeOriginalOffsetHeader ? _originals.For(record.Offset, record.Timestamp) : default;
            if (!Offer(record, extra, index, stop))
            {
                return false;
            }

            if (_pending.Count == 0)
            {
                _watch.Restart();
            }

            _pending.Enqueue(new Pending(index, source, record.Offset, record.PayloadBytes));
            _unacknowledged += record.PayloadBytes;
            Next = index + 1;

            index++;
            if (++_sinceTaken >= PollEvery)
            {
                _sinceTaken = 0;
                if (!Poll(TimeSpan.Zero))
                {
                    return false;
                }
            }

            if (_isPaced)
            {
                Pace(record.PayloadBytes, stop);
            }
        }

        return Fault is null;
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

    /// <summary>What was held back is in the target for good.</summary>
    public void Release()
    {
        progress.Take(_held);
        (FirstHeld, LastHeld, HoleAt) = (-1, -1, null);
    }

    public void OnDelivered(int slot, long tag, long offset)
    {
        // After a fault nothing counts; what was sent stays in the list for whoever finds out how far it came.
        if (Fault is not null || !_pending.TryDequeue(out var sent))
        {
            return;
        }

        _unacknowledged -= sent.Bytes;
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
            expected = LastHeld >= 0 ? LastHeld + 1 : null;
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

        Delivered = sent.Index + 1;
        Keep(sent, place);
    }

    public void OnFailed(int slot, long tag, WriteFault fault)
    {
        if (Fault is not null)
        {
            if (fault.Kind == WriteFaultKind.Refused && tag == RefusedUntil)
            {
                RefusedUntil++;
            }

            return;
        }

        // Reports of records that were dropped because of another's failure may come before it: that one is the fault.
        _firstDropped ??= fault;
        if (fault.Kind != WriteFaultKind.Purged)
        {
            var sent = _pending.FirstOrDefault(p => p.Index == tag);
            Fault = new SendFault(fault.Kind, fault.Code, fault.Message, tag, sent.SourceOffset);
            RefusedUntil = tag + 1;
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

    /// <summary>Hands the record to the writer as soon as there is room. False when it could not, or must not any more.</summary>
    private bool Offer(in Records.RecordView record, ReadOnlySpan<Records.HeaderSlice> extra, long index, CancellationToken stop)
    {
        try
        {
            while (HasNoRoom(record) || writer.Send(Slot, record, extra, index) == SendOutcome.QueueFull)
            {
                if (_unacknowledged < batchBytes && _pending.Count < MostPending)
                {
                    // A large record waits for less than a batch, which would linger although it cannot fill any more.
                    writer.Flush();
                }

                if (!Poll(RoomWait) || stop.IsCancellationRequested)
                {
                    return false;
                }
            }

            return true;
        }
        catch (KafkaBackupException error)
        {
            // Either this record can never be sent, or an earlier one's refusal has stopped the writer: then its report is on its way.
            if (Drain(stop) || Fault is null)
            {
                var kind = error.Definition == ErrorIds.TargetRefused ? WriteFaultKind.Refused : WriteFaultKind.Uncertain;
                Fault = new SendFault(kind, "", error.Message, index, record.Offset, error);
                RefusedUntil = index + 1;
            }

            return false;
        }
    }

    /// <summary>A record larger than all the room goes alone.</summary>
    private bool HasNoRoom(in Records.RecordView record) =>
        _pending.Count >= MostPending || (_unacknowledged > 0 && _unacknowledged + record.PayloadBytes > _room);

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

    private void Keep(Pending sent, long offset)
    {
        if (HoldBack)
        {
            Hold(sent, offset);
        }
        else
        {
            progress.Take(sent.Source, sent.SourceOffset, offset, sent.Bytes);
        }
    }

    private void Hold(Pending sent, long offset)
    {
        if (FirstHeld < 0)
        {
            FirstHeld = offset;
        }
        else if (offset != LastHeld + 1)
        {
            HoleAt ??= LastHeld + 1;
        }

        LastHeld = offset;
        _held.Enqueue((sent.Source, sent.SourceOffset, offset, sent.Bytes));
    }

    private int SourceIndex(SourceWork source)
    {
        for (var i = 0; i < Work.Sources.Count; i++)
        {
            if (ReferenceEquals(Work.Sources[i], source))
            {
                return i;
            }
        }

        throw new InvalidOperationException($"{source.Source} does not go into {Work.Target}.");
    }

    private void Pace(int bytes, CancellationToken stop)
    {
        if (scope.Limiter.Take(1, bytes) is { Ticks: > 0 } wait)
        {
            // Reports are taken before the wait, or the library's queue of them grows.
            Poll(TimeSpan.Zero);
            stop.WaitHandle.WaitOne(wait);
        }
    }

    internal readonly record struct Pending(long Index, int Source, long SourceOffset, int Bytes);
}
