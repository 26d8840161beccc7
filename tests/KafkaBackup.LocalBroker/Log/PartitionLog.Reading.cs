namespace KafkaBackup.LocalBroker.Log;

internal sealed partial class PartitionLog
{
    /// <summary>What a fetch gets: whole batches from the one that holds the offset, up to the isolation level's end.</summary>
    public ReadOutcome Read(long offset, int maxBytes, bool committed, bool atLeastOne)
    {
        lock (_gate)
        {
            var stable = Stable();
            var bounds = new ReadOutcome(ErrorCode.None, _logEnd, stable, _logStart, null, []);
            if (_disposed)
                return bounds with { Error = ErrorCode.UnknownTopicOrPartition };
            if (offset < _logStart || offset > _logEnd)
                return bounds with { Error = ErrorCode.OffsetOutOfRange };
            var limitOffset = committed ? stable : _logEnd;
            if (offset >= limitOffset || _file is null)
                return bounds;
            var start = _file.Find(offset);
            var limit = limitOffset >= _logEnd ? _file.Size : _file.Find(limitOffset);
            if (start >= limit)
                return bounds;
            var end = _file.EndWithin(start, limit, maxBytes, atLeastOne);
            if (end == start)
                return bounds;
            var upper = end >= _file.Size ? _logEnd : _file.HeaderAt(end).BaseOffset;
            return bounds with
            {
                Slice = new FileSlice(_file, start, checked((int)(end - start))),
                Aborted = committed ? [.. _producers.Aborted.Where(a => a.LastOffset >= offset && a.FirstOffset < upper)] : [],
            };
        }
    }

    /// <summary>Bytes a fetch from the offset could get now, without reading them.</summary>
    public long Available(long offset, bool committed)
    {
        lock (_gate)
        {
            var limit = committed ? Stable() : _logEnd;
            if (_file is null || offset >= limit || offset < _logStart)
                return 0;
            return (limit >= _logEnd ? _file.Size : _file.Find(limit)) - _file.Find(offset);
        }
    }

    /// <summary>The first record at or past the timestamp, as ListOffsets answers; null when there is none.</summary>
    public TimedOffset? FindByTime(long timestamp, bool committed)
    {
        lock (_gate)
        {
            if (_file is null)
                return null;
            var limit = committed ? Stable() : _logEnd;
            foreach (var (position, header) in _file.BatchesReaching(timestamp))
            {
                if (header.LastOffset < _logStart)
                    continue;
                foreach (var record in BatchReader.Records(_file.BatchAt(position, header)))
                {
                    if (record.Timestamp >= timestamp && record.Offset >= _logStart)
                        return record.Offset < limit ? new TimedOffset(record.Offset, record.Timestamp, header.LeaderEpoch) : null;
                }
            }

            return null;
        }
    }

    /// <summary>The record with the largest timestamp.</summary>
    public TimedOffset? FindMaxTimestamp()
    {
        lock (_gate)
        {
            if (_file is null)
                return null;
            TimedOffset? best = null;
            foreach (var (position, header) in _file.Batches(_file.Find(_logStart)))
            {
                if (best is { } sofar && header.MaxTimestamp <= sofar.Timestamp)
                    continue;
                foreach (var record in BatchReader.Records(_file.BatchAt(position, header)))
                {
                    if (record.Offset >= _logStart && (best is null || record.Timestamp > best.Value.Timestamp))
                        best = new TimedOffset(record.Offset, record.Timestamp, header.LeaderEpoch);
                }
            }

            return best;
        }
    }

    public int EpochAt(long offset)
    {
        lock (_gate)
            return _epochs.LastOrDefault(e => e.StartOffset <= offset, _epochs[0]).Epoch;
    }

    /// <summary>The largest known epoch not above the asked one, and where its records end; (-1, -1) when unknown.</summary>
    public (int Epoch, long EndOffset) EpochEnd(int epoch)
    {
        lock (_gate)
        {
            if (epoch > _epoch)
                return (-1, -1);
            for (var i = _epochs.Count - 1; i >= 0; i--)
            {
                if (_epochs[i].Epoch <= epoch)
                    return (_epochs[i].Epoch, i + 1 < _epochs.Count ? _epochs[i + 1].StartOffset : _logEnd);
            }

            return (-1, -1);
        }
    }

    /// <summary>All batches as stored, for tests that look at a log from behind.</summary>
    public IReadOnlyList<byte[]> Batches()
    {
        lock (_gate)
            return _file is null ? [] : [.. _file.Batches(_file.Find(_logStart)).Select(b => _file.BatchAt(b.Position, b.Header))];
    }

    public IReadOnlyList<AbortedTransaction> AbortedTransactions()
    {
        lock (_gate)
            return [.. _producers.Aborted];
    }
}

internal readonly record struct TimedOffset(long Offset, long Timestamp, int LeaderEpoch);

internal readonly record struct ReadOutcome(
    ErrorCode Error,
    long HighWatermark,
    long LastStableOffset,
    long LogStart,
    FileSlice? Slice,
    IReadOnlyList<AbortedTransaction> Aborted
);
