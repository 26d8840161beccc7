using System.Buffers.Binary;

namespace KafkaBackup.LocalBroker.Log;

internal sealed partial class PartitionLog
{
    /// <summary>Moves the log start; false when the offset is not inside the log.</summary>
    public bool DeleteBefore(long offset)
    {
        lock (_gate)
        {
            if (offset < _logStart)
                return true;
            if (offset > _logEnd)
                return false;
            _logStart = offset;
            _producers.Forget(offset);
            if (_logStart == _logEnd)
                ReplaceFile(null);
            Wake();
            return true;
        }
    }

    /// <summary>Retention by time: drops leading batches that hold nothing at or past the timestamp.</summary>
    public void Expire(long before)
    {
        lock (_gate)
        {
            if (_file is null)
                return;
            var start = _logEnd;
            foreach (var (_, header) in _file.Batches(_file.Find(_logStart)))
            {
                if (header.MaxTimestamp < before)
                    continue;
                start = Math.Max(header.BaseOffset, _logStart);
                break;
            }

            DeleteBefore(start);
        }
    }

    /// <summary>Drops whole leading batches while at least that many bytes remain behind them.</summary>
    public void ExpireBySize(long keepBytes)
    {
        lock (_gate)
        {
            if (_file is null)
                return;
            var start = _logStart;
            foreach (var (position, header) in _file.Batches(_file.Find(_logStart)))
            {
                if (_file.Size - (position + header.Size) < keepBytes)
                    break;
                start = header.LastOffset + 1;
            }

            DeleteBefore(start);
        }
    }

    /// <summary>An unclean election: the end of the log is lost, and later batches come under a higher leader epoch.</summary>
    public void Truncate(long offset)
    {
        lock (_gate)
        {
            if (offset < _logStart || offset > _logEnd)
                throw new ArgumentOutOfRangeException(nameof(offset), $"The log holds {_logStart} to {_logEnd}.");
            Rewrite(file =>
            {
                foreach (var (bytes, header) in StoredBatches())
                {
                    if (header.LastOffset < offset)
                        file.Append(bytes, header);
                    else if (header.BaseOffset < offset)
                        AppendRebuilt(
                            file,
                            header with
                            {
                                LastOffsetDelta = (int)(offset - 1 - header.BaseOffset),
                            },
                            BatchReader.Records(bytes).Where(r => r.Offset < offset)
                        );
                }
            });
            _logEnd = offset;
            _epochs.RemoveAll(e => e.StartOffset >= offset && e != _epochs[0]);
            RecoverProducers();
            Wake();
        }
    }

    /// <summary>
    /// Keeps the newest record of each key below the last stable offset, drops aborted records and, when asked, tombstones.
    /// Offsets stay; batches keep their head, as Kafka's cleaner leaves them. A batch that lost all of its records stays as an
    /// empty one where it is the last of its producer, or the last of the log unless <paramref name="dropEmptyTail"/>.
    /// </summary>
    public void Compact(bool dropTombstones, bool dropEmptyTail)
    {
        lock (_gate)
        {
            if (_file is null)
                return;
            var limit = Stable();
            var newest = NewestByKey(limit);
            var lastOfProducer = new Dictionary<long, long>();
            foreach (var (_, header) in _file.Batches())
            {
                if (header.HasProducer && !header.IsControl)
                    lastOfProducer[header.ProducerId] = header.BaseOffset;
            }

            Rewrite(file =>
            {
                foreach (var (bytes, header) in StoredBatches())
                {
                    if (header.IsControl || header.LastOffset >= limit)
                    {
                        file.Append(bytes, header);
                        continue;
                    }

                    var kept = BatchReader.Records(bytes).Where(r => IsAlive(header, r, newest, dropTombstones)).ToList();
                    if (kept.Count == header.Count)
                        file.Append(bytes, header);
                    else if (
                        kept.Count > 0
                        || (header.HasProducer && lastOfProducer[header.ProducerId] == header.BaseOffset)
                        || (header.LastOffset + 1 == _logEnd && !dropEmptyTail)
                    )
                        AppendRebuilt(file, header, kept);
                }
            });
            Wake();
        }
    }

    /// <summary>Flips a byte of the stored batch that holds the offset, past its head, so that its checksum no longer fits.</summary>
    public void Corrupt(long offset)
    {
        lock (_gate)
        {
            if (_file is null || offset < _logStart || offset >= _logEnd)
                throw new ArgumentOutOfRangeException(nameof(offset), $"The log holds {_logStart} to {_logEnd}.");
            var position = _file.Find(offset);
            var bytes = _file.BatchAt(position, _file.HeaderAt(position));
            bytes[^1] ^= 0x55;
            _file.Overwrite(position + bytes.Length - 1, bytes.AsSpan(bytes.Length - 1));
        }
    }

    private IEnumerable<(byte[] Bytes, BatchHeader Header)> StoredBatches() =>
        _file is null
            ? []
            : _file.Batches().Where(b => b.Header.LastOffset >= _logStart).Select(b => (_file.BatchAt(b.Position, b.Header), b.Header));

    private Dictionary<string, long> NewestByKey(long limit)
    {
        var newest = new Dictionary<string, long>();
        foreach (var (bytes, header) in StoredBatches())
        {
            if (header.IsControl || header.LastOffset >= limit)
                continue;
            foreach (var record in BatchReader.Records(bytes))
            {
                if (record.Key is { } key && !IsAborted(header, record.Offset))
                    newest[Convert.ToBase64String(key.Span)] = record.Offset;
            }
        }

        return newest;
    }

    private bool IsAlive(in BatchHeader header, in RecordView record, Dictionary<string, long> newest, bool dropTombstones) =>
        record.Key is { } key
        && !IsAborted(header, record.Offset)
        && newest[Convert.ToBase64String(key.Span)] == record.Offset
        && !(dropTombstones && record.Value is null);

    private bool IsAborted(BatchHeader header, long offset) =>
        header.IsTransactional && _producers.Aborted.Any(a => a.Covers(header.ProducerId, offset));

    private static void AppendRebuilt(LogFile file, BatchHeader header, IEnumerable<RecordView> records)
    {
        const short codecBits = 7;
        var builder = new BatchBuilder();
        foreach (var record in records)
            builder.Add(record, header.BaseOffset);
        var bytes = builder.Build(
            header with
            {
                Attributes = (short)(header.Attributes & ~codecBits),
                MaxTimestamp = builder.Count == 0 || header.IsLogAppendTime ? header.MaxTimestamp : builder.MaxTimestamp,
            }
        );
        file.Append(bytes, BatchHeader.Read(bytes));
    }

    private void Rewrite(Action<LogFile> write)
    {
        var file = NewFile();
        try
        {
            write(file);
        }
        catch
        {
            file.Release();
            throw;
        }

        ReplaceFile(file);
    }

    private void ReplaceFile(LogFile? file)
    {
        _file?.Release();
        _file = file;
    }

    private void RecoverProducers()
    {
        _producers.Clear();
        foreach (var (bytes, header) in StoredBatches())
        {
            if (!header.IsControl)
            {
                _producers.Appended(header);
                continue;
            }

            var key = BatchReader.Records(bytes).Single().Key.GetValueOrDefault();
            var commit = BinaryPrimitives.ReadInt16BigEndian(key.Span[2..]) == 1;
            _producers.Ended(header.ProducerId, header.ProducerEpoch, commit, header.BaseOffset);
        }
    }
}
