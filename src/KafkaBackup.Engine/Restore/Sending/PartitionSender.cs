using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Sends one target partition's records in order and matches delivery reports with what was sent. Reports come in the order of sending; the
/// first one that is not what was expected is the fault, and nothing after it counts.
/// </summary>
internal sealed class PartitionSender(
    RestoreScope scope,
    PartitionProgress progress,
    IRecordWriter writer,
    BatchSizing sizing,
    Func<long, long>? expectedOffset
) : IDeliverySink
{
    private const int Slot = WriterPool.LentWriter.Slot;
    private const int PollEvery = 512;

    /// <summary>Several batches of the smallest records; what is remembered of each record under way stays small too.</summary>
    private const int MostPending = 16_000;

    private static readonly TimeSpan RoomWait = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan DrainWait = TimeSpan.FromMilliseconds(100);

    private readonly int _batchBytes = sizing.Bytes;
    private readonly long _room = LaneWriter.Room(scope, sizing.Bytes);
    private readonly bool _isPaced = !scope.Limiter.IsUnlimited;
    private readonly AcknowledgementWatch _watch = new(scope, progress.Work.Target);
    private readonly OriginalHeaders _originals = new();
    private readonly KeptBatches _kept = new(scope, writer, sizing.IsSingle(progress.Done) || sizing.WithoutCodec ? 0 : sizing.KeptBytes);
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

    /// <summary>The number of the next record to send.</summary>
    public long Next { get; private set; } = progress.Done;

    public TargetWork Work => progress.Work;

    public HeldRecords Held { get; } = new(progress);

    /// <summary>
    /// Sends all records of the block from the index on and up to the limit (exclusive). False when a fault or a stop came between.
    /// </summary>
    public bool Send(StreamBlock block, long limit, CancellationToken stop)
    {
        var source = SourceIndex(block.Source);
        var batches = _kept.Of(block);
        return CanStayWhole(block, batches, limit)
            ? SendBatches(block, batches, source, stop)
            : SendRecords(block, batches, source, limit, stop);
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

    public void OnDelivered(int slot, long tag, long offset)
    {
        // After a fault nothing counts; what was sent stays in the list for whoever finds out how far it came.
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

    /// <summary>No record of the block has to be looked at.</summary>
    private static bool CanStayWhole(StreamBlock block, IReadOnlyList<PlannedBatch> batches, long limit) =>
        batches.Count > 0
        && block.Skip == 0
        && block.FirstIndex + block.Block.Info.Stats.RecordCount <= limit
        && batches.All(batch => batch.Keep);

    private bool SendBatches(StreamBlock block, IReadOnlyList<PlannedBatch> batches, int source, CancellationToken stop)
    {
        var (records, bytes) = (block.Block.Info.Stats.RecordCount, block.Block.Info.Stats.PayloadBytes);
        foreach (var (batch, _) in batches)
        {
            if (Fault is not null || stop.IsCancellationRequested)
            {
                return false;
            }

            // What one batch's records take is not known without decoding it; what all of the block's take is.
            var share = batch.RecordCount == records ? bytes : (long)((double)bytes * batch.RecordCount / records);
            (records, bytes) = (records - batch.RecordCount, bytes - share);
            if (!SendWhole(batch, source, Next, share, stop))
            {
                return false;
            }
        }

        return Fault is null;
    }

    private bool SendRecords(StreamBlock block, IReadOnlyList<PlannedBatch> batches, int source, long limit, CancellationToken stop)
    {
        if (batches.Count == 0)
        {
            writer.Compress(Slot, BatchCodec.None);
        }

        var (skip, index, number) = (block.Skip, block.FirstIndex, -1);
        var (isNew, isWhole, payload) = (false, false, 0L);
        foreach (var record in block.Block)
        {
            while (batches.Count > 0 && (number < 0 || record.Offset > batches[number].Batch.LastOffset))
            {
                (number, isNew, isWhole) = (number + 1, true, false);
            }

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

            if (isNew && batches[number] is { Keep: true } planned && StandsWhole(planned.Batch, record.Offset, index, limit))
            {
                (isWhole, payload) = (true, 0);
            }

            if (isWhole)
            {
                var batch = batches[number].Batch;
                (isNew, payload, index) = (false, payload + record.PayloadBytes, index + 1);
                if (record.Offset == batch.LastOffset && !SendWhole(batch, source, index - batch.RecordCount, payload, stop))
                {
                    return false;
                }

                continue;
            }

            if (isNew)
            {
                writer.Compress(Slot, sizing.WithoutCodec ? BatchCodec.None : batches[number].Batch.Codec);
            }

            if (!SendRecord(record, source, index, isNew ? BatchFate.Rebuilt : BatchFate.None, stop))
            {
                return false;
            }

            (isNew, index) = (false, index + 1);
        }

        return Fault is null;
    }

    private static bool StandsWhole(in RecordBatch batch, long offset, long index, long limit) =>
        offset == batch.BaseOffset && index + batch.RecordCount <= limit;

    private bool SendRecord(in Records.RecordView record, int source, long index, BatchFate fate, CancellationToken stop)
    {
        var extra = scope.Options.IncludeOriginalOffsetHeader ? _originals.For(record.Offset, record.Timestamp) : default;
        var bytes = record.PayloadBytes;
        try
        {
            while (!HasRoom(bytes) || writer.Send(Slot, record, extra, index) == SendOutcome.QueueFull)
            {
                if (!GoOnWaiting(stop))
                {
                    return false;
                }
            }
        }
        catch (KafkaBackupException error)
        {
            Refuse(error, index, 1, record.Offset, stop);
            return false;
        }

        return Sent(new SentRecords(index, 1, source, record.Offset, bytes, fate), bytes, stop);
    }

    private bool SendWhole(in RecordBatch batch, int source, long index, long payload, CancellationToken stop)
    {
        try
        {
            while (!HasRoom(batch.Length) || writer.SendBatch(Slot, batch, index) == SendOutcome.QueueFull)
            {
                if (!GoOnWaiting(stop))
                {
                    return false;
                }
            }
        }
        catch (KafkaBackupException error)
        {
            Refuse(error, index, batch.RecordCount, batch.BaseOffset, stop);
            return false;
        }

        _countsOfWhole.Add(index, batch.RecordCount);
        return Sent(new SentRecords(index, batch.RecordCount, source, batch.BaseOffset, payload, BatchFate.Kept), batch.Length, stop);
    }

    /// <summary>What was sent is remembered until it is acknowledged, and reports that have come meanwhile are taken.</summary>
    private bool Sent(in SentRecords sent, long weight, CancellationToken stop)
    {
        if (_pending.Count == 0)
        {
            _watch.Restart();
        }

        _pending.Enqueue(sent);
        _weights.Enqueue(weight);
        _unacknowledged += weight;
        Next = sent.Index + sent.Count;
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
    private void Refuse(KafkaBackupException error, long index, int count, long sourceOffset, CancellationToken stop)
    {
        if (Drain(stop) || Fault is null)
        {
            var kind = error.Definition == ErrorIds.TargetRefused ? WriteFaultKind.Refused : WriteFaultKind.Uncertain;
            Fault = new SendFault(kind, "", error.Message, index, sourceOffset, error);
            RefusedUntil = index + count;
        }
    }

    /// <summary>What is larger than all the room goes alone.</summary>
    private bool HasRoom(long bytes) => _pending.Count < MostPending && (_unacknowledged == 0 || _unacknowledged + bytes <= _room);

    private bool GoOnWaiting(CancellationToken stop)
    {
        if (_unacknowledged < _batchBytes && _pending.Count < MostPending)
        {
            // A large record waits for less than a batch, which would linger although it cannot fill any more.
            writer.Flush();
        }

        return Poll(RoomWait) && !stop.IsCancellationRequested;
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
