using System.Runtime.ExceptionServices;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Cluster;

/// <summary>Takes a record and says whether more are wanted. May wait, and may throw: then the reading ends with what it threw.</summary>
internal delegate bool RecordHandler(in RecordView record);

/// <summary>What to do about records that retention or DeleteRecords removes before they are read.</summary>
internal enum DeletedRecords
{
    Refuse,

    /// <summary>Pass over them as long as nothing was handed out: as if the reading had begun a little later.</summary>
    PassAtStart,
    Pass,
}

/// <summary>
/// Reads offsets [from, end) of one partition after the other, on the caller's thread, for those who look at records rather than store
/// them. The end is reached by a record, by the position or by an end-of-log event, never because nothing comes (rules B3, B4).
/// </summary>
internal sealed class RangeReader(IKafkaCluster cluster, ReaderOptions options, TimeProvider clock, IEngineEvents events)
    : IRecordSink,
        IDisposable
{
    private const int Slot = 0;
    private const int Retries = 4;

    private readonly ThrottleWatch _throttle = new(clock);
    private ReaderOptions _options = options;
    private int _askedLess;
    private IRecordReader? _reader;
    private RecordHandler? _handler;
    private ExceptionDispatchInfo? _thrown;
    private ReadFault? _fault;
    private KafkaBackupException? _clusterFault;
    private TopicPartition _partition = new("", -1);
    private long _next;
    private long _end;
    private bool _moved;
    private bool _begun;
    private bool _done;

    /// <exception cref="KafkaBackupException">PartitionRead, PartitionStalled, LogTruncated, TopicNotFound,
    /// ClusterUnauthorized.</exception>
    public void Read(TopicPartition partition, long from, long end, DeletedRecords deleted, RecordHandler handler, CancellationToken cancel)
    {
        if (from >= end)
        {
            return;
        }

        (_partition, _next, _end, _handler) = (partition, from, end, handler);
        (_done, _moved, _begun, _fault, _thrown, _clusterFault) = (false, false, false, null, null, null);
        _reader ??= cluster.OpenReader(_options);
        _reader.Assign(partition, from, Slot);
        try
        {
            ReadToEnd(deleted, cancel);
        }
        finally
        {
            _reader?.Remove(Slot);
            _handler = null;
        }
    }

    public void Dispose() => _reader?.Dispose();

    void IRecordSink.OnRecord(int slot, in RecordView record)
    {
        _moved = true;
        if (_done || record.Offset < _next)
        {
            return;
        }

        if (record.Offset >= _end)
        {
            _done = true;
            return;
        }

        _begun = true;
        try
        {
            _done = !_handler!(record);
        }
        catch (Exception error)
        {
            // A sink must not throw: thrown again once the poll is over.
            _thrown = ExceptionDispatchInfo.Capture(error);
            _done = true;
        }

        _next = record.Offset + 1;
        _done |= _next >= _end;
    }

    void IRecordSink.OnEnd(int slot, long offset) => _done |= offset >= _end;

    void IRecordSink.OnError(int slot, ReadFault fault) => _fault = fault;

    void IRecordSink.OnClusterFault(KafkaBackupException error) => _clusterFault = error;

    void IRecordSink.OnThrottled(TimeSpan wait) => _throttle.HeldBack(wait);

    private void ReadToEnd(DeletedRecords deleted, CancellationToken cancel)
    {
        var silence = new Silence();
        var retries = 0;
        long? position = null;
        while (!_done)
        {
            cancel.ThrowIfCancellationRequested();
            if (silence.AsksTooMuch(_askedLess) && _options.CanAskLess)
            {
                AskLess();
            }

            var reader = _reader!;
            var begun = clock.GetTimestamp();
            reader.Poll(this);
            _thrown?.Throw();
            if (_done)
            {
                return;
            }

            if (_fault is { } fault)
            {
                _fault = null;
                Recover(reader, fault, deleted, ++retries, cancel);
                continue;
            }

            var now = reader.Position(Slot);
            _done = now >= _end;
            if (_moved || now != position)
            {
                (_moved, position, retries, _clusterFault) = (false, now, 0, null);
                silence.End();
                continue;
            }

            silence.Add(clock.GetElapsedTime(begun), _throttle.IsHeldBack);
            if (silence.IsStall)
            {
                silence.AskedAnew();
                Retry(reader, ++retries);
            }
        }
    }

    private void AskLess()
    {
        _options = _options.AskingLess();
        _askedLess++;
        events.Verbose($"The cluster holds back this user's reads (its quota); asking for {_options.FetchBytes} bytes at a time.");
        var done = _reader!;
        _reader = null;
        done.Dispose();
        _reader = cluster.OpenReader(_options);
        _reader.Assign(_partition, _next, Slot);
    }

    private void Retry(IRecordReader reader, int retries)
    {
        if (retries > Retries)
        {
            var cause = _clusterFault is null ? "" : $" {_clusterFault.Message}";
            throw ErrorIds.PartitionStalled.With(
                $"Partition {_partition} gave nothing for {Silence.Stall.TotalSeconds * retries:0} s at offset {_next}, below its end {_end}.{cause}",
                _partition.ToString(),
                "Check the partition's leader, then run again.",
                _clusterFault
            );
        }

        events.Verbose(
            $"Partition {_partition} has delivered nothing for {Silence.Stall.TotalSeconds:0} s at offset {_next}; requesting it again."
        );
        AssignAnew(reader);
    }

    /// <summary>Out of range is how a log that has changed below us shows (rule B16): its start moved up, or its end came back.</summary>
    private void Recover(IRecordReader reader, ReadFault fault, DeletedRecords deleted, int retries, CancellationToken cancel)
    {
        if (fault.Kind != ReadFaultKind.OutOfRange || retries > Retries)
        {
            throw Describe(fault);
        }

        var start = Ask(OffsetBound.Earliest, cancel);
        var end = Ask(OffsetBound.HighWatermark, cancel);
        if (end < _next)
        {
            throw ErrorIds.LogTruncated.With(
                $"Partition {_partition} now ends at offset {end}, before offset {_next} that had been reached: its log was truncated.",
                _partition.ToString(),
                "The topic changed while it was read: run again."
            );
        }

        if (start > _next && !(deleted == DeletedRecords.Pass || (deleted == DeletedRecords.PassAtStart && !_begun)))
        {
            throw ErrorIds.PartitionRead.With(
                $"Offsets {_next} to {start - 1} of partition {_partition} were deleted (retention or DeleteRecords) before they could be read.",
                _partition.ToString(),
                "Run again: reading begins at the new start of the log."
            );
        }

        _next = Math.Max(_next, start);
        _done = _next >= _end;
        AssignAnew(reader);
    }

    private void AssignAnew(IRecordReader reader)
    {
        reader.Remove(Slot);
        reader.Assign(_partition, _next, Slot);
    }

    private long Ask(OffsetBound bound, CancellationToken cancel)
    {
        var answer = cluster.ListOffsetsAsync([_partition], bound, cancel).GetAwaiter().GetResult()[_partition];
        return answer.Error is { } error ? throw error : answer.Offset ?? 0;
    }

    private KafkaBackupException Describe(ReadFault fault) =>
        fault.Kind switch
        {
            ReadFaultKind.Unauthorized => ErrorIds.ClusterUnauthorized.With(
                $"Reading topic {_partition.Topic} was refused ({fault.Code}).",
                _partition.Topic,
                $"Grant this user READ and DESCRIBE on topic {_partition.Topic}."
            ),
            ReadFaultKind.UnknownPartition => ErrorIds.TopicNotFound.With(
                $"Partition {_partition} is not there any more ({fault.Code}).",
                _partition.ToString()
            ),
            ReadFaultKind.BadMessage => Damaged(_partition, _next, fault),
            ReadFaultKind.Truncated => ErrorIds.LogTruncated.With(
                $"Partition {_partition} lost records below offset {_next}, which had been reached: its log was truncated ({fault.Message}).",
                _partition.ToString(),
                "The topic changed while it was read: run again."
            ),
            ReadFaultKind.Recreated => ErrorIds.TopicRecreated.With(
                $"Topic {_partition.Topic} was deleted and created again while partition {_partition} was read, at offset {_next}.",
                _partition.ToString(),
                "The topic changed while it was read: run again."
            ),
            _ => ErrorIds.PartitionRead.With(
                $"Partition {_partition} could not be read at offset {_next}: {fault.Message} ({fault.Code}).",
                _partition.ToString(),
                "Run again."
            ),
        };

    internal static KafkaBackupException Damaged(TopicPartition partition, long next, ReadFault fault) =>
        ErrorIds.PartitionRead.With(
            $"Partition {partition} has a damaged batch at or after offset {next}: {fault.Message} ({fault.Code}).",
            partition.ToString(),
            "The broker's log is damaged there: let another replica lead the partition, then run again."
        );
}
