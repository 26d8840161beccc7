using KafkaBackup.Engine.Batches;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Reads whole batches over connections of its own: fetching goes on in the background, handing out on the thread that polls.
/// </summary>
internal sealed class WireBatchReader(WireConnections connections, ReaderOptions options) : IBatchReader
{
    private const string Damaged = "CORRUPT_MESSAGE";

    private static readonly TimeSpan Wait = TimeSpan.FromMilliseconds(5);

    private readonly FetchScheduler _scheduler = new(connections, options);
    private readonly PartCursor _cursor = new(options.Isolation == IsolationLevel.ReadCommitted, options.CheckCrcs);
    private readonly Dictionary<int, AssignedPartition> _bySlot = [];
    private readonly HashSet<TopicPartition> _assigned = [];
    private FetchedPart? _part;
    private RecordBatch _batch;
    private bool _hasBatch;
    private long _next;
    private bool _disposed;

    public void Assign(TopicPartition partition, long offset, int slot)
    {
        if (_bySlot.ContainsKey(slot))
        {
            throw new InvalidOperationException($"Slot {slot} is in use.");
        }

        if (!_assigned.Add(partition))
        {
            throw new InvalidOperationException($"{partition} is assigned already.");
        }

        var assigned = new AssignedPartition(partition, offset, slot);
        _bySlot.Add(slot, assigned);
        _scheduler.Add(assigned);
    }

    public void Remove(int slot)
    {
        if (_bySlot.Remove(slot, out var assigned))
        {
            _assigned.Remove(assigned.Partition);
            _scheduler.Remove(assigned);
        }
    }

    public long Poll(IBatchSink sink, long maxBytes = long.MaxValue)
    {
        var wait = Wait;
        while (true)
        {
            if (_part is null)
            {
                _part = _scheduler.TryTake(wait);
                HandOutNotices(sink);
                wait = TimeSpan.Zero;
                if (_part is null)
                {
                    return 0;
                }

                _cursor.Open(_part);
                _next = _part.Partition.Next;
            }

            var given = HandOut(_part, sink, maxBytes);
            if (given > 0)
            {
                return given;
            }
        }
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (_part is { } part)
        {
            _part = null;
            _scheduler.Done(part);
        }

        _scheduler.Dispose();
        _cursor.Dispose();
    }

    /// <summary>Hands out batches of one part until it is used up or there are bytes enough; returns their bytes.</summary>
    private long HandOut(FetchedPart part, IBatchSink sink, long maxBytes)
    {
        var partition = part.Partition;
        var given = 0L;
        while (!partition.IsRemoved && !partition.IsFailed && (_hasBatch || TryNext(part, sink)))
        {
            if (given > 0 && given + _batch.Length > maxBytes)
            {
                return given;
            }

            _hasBatch = false;
            given += _batch.Length;
            partition.Next = _batch.NextOffset;
            sink.OnBatch(partition.Slot, _batch);
        }

        End(part, sink);
        return given;
    }

    private bool TryNext(FetchedPart part, IBatchSink sink)
    {
        var partition = part.Partition;
        if (part.Fault is { } fault)
        {
            Fail(partition, fault, sink);
            return false;
        }

        try
        {
            _hasBatch = _cursor.TryNext(ref _next, out _batch);
        }
        catch (BatchDamagedException damaged)
        {
            partition.Next = _next;
            Fail(partition, new ReadFault(ReadFaultKind.BadMessage, _next, Damaged, damaged.Reason), sink);
        }

        return _hasBatch;
    }

    private void Fail(AssignedPartition partition, ReadFault fault, IBatchSink sink)
    {
        partition.IsFailed = true;
        _scheduler.Stop(partition);
        sink.OnError(partition.Slot, fault);
    }

    private void End(FetchedPart part, IBatchSink sink)
    {
        var partition = part.Partition;
        (_part, _hasBatch, _batch) = (null, false, default);
        _scheduler.Done(part);
        if (part.Facts is { } facts && !partition.IsRemoved && !partition.IsFailed)
        {
            partition.Next = Math.Max(partition.Next, facts.Position);
            sink.OnFacts(partition.Slot, facts);
        }
    }

    private void HandOutNotices(IBatchSink sink)
    {
        var (fault, throttled) = _scheduler.TakeNotices();
        if (fault is not null)
        {
            sink.OnClusterFault(fault);
        }

        if (throttled > TimeSpan.Zero)
        {
            sink.OnThrottled(throttled);
        }
    }
}
