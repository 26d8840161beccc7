using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Hands out records, out of whole batches. They are shown where they lie, without an object each; a batch of which only a part was asked
/// for is copied and goes on the next time.
/// </summary>
internal sealed unsafe class RecordReader(IBatchReader batches, IsolationLevel isolation) : IRecordReader, IBatchSink
{
    /// <summary>What is handed out at a time, so that whoever polls gets to its other work.</summary>
    private const long BytesAtATime = 1 << 20;

    private readonly Dictionary<int, Reading> _bySlot = [];
    private readonly BatchCursor _cursor = new();
    private HeaderSlice[] _headers = new HeaderSlice[8];
    private byte[] _copy = [];
    private (Reading Reading, LogFacts Facts)? _held;
    private Reading? _left;
    private IRecordSink? _sink;
    private int _wanted;
    private int _given;

    public void Assign(TopicPartition partition, long offset, int slot)
    {
        batches.Assign(partition, offset, slot);
        _bySlot.Add(slot, new Reading(slot, offset));
    }

    public void Remove(int slot)
    {
        if (_bySlot.Remove(slot, out var reading))
        {
            reading.IsOver = true;
            batches.Remove(slot);
        }
    }

    public int Poll(IRecordSink sink, int maxRecords = int.MaxValue)
    {
        (_sink, _wanted, _given) = (sink, Math.Max(1, maxRecords), 0);
        try
        {
            if (_left is { } left)
            {
                HandOut(left);
                if (_left is not null)
                {
                    return _given;
                }
            }

            if (_held is { } held)
            {
                _held = null;
                TakeFacts(held.Reading, held.Facts);
            }

            // With a limit one batch at a time: what is left of it is all that has to be kept.
            var most = maxRecords == int.MaxValue ? BytesAtATime : 1;
            do
            {
                if (batches.Poll(this, most) == 0)
                {
                    break;
                }
            } while (most == 1 && _left is null && _given < _wanted);

            return _given;
        }
        finally
        {
            _sink = null;
        }
    }

    public long? Position(int slot) => _bySlot.TryGetValue(slot, out var reading) && reading.HasArrived ? reading.Next : null;

    public void Dispose()
    {
        batches.Dispose();
        _cursor.Dispose();
    }

    void IBatchSink.OnBatch(int slot, in RecordBatch batch)
    {
        if (!_bySlot.TryGetValue(slot, out var reading) || reading.IsOver)
        {
            return;
        }

        reading.HasArrived = true;
        if (!Open(reading, batch))
        {
            return;
        }

        HandOut(reading);
        if (_left is not null)
        {
            Keep(batch);
        }
    }

    void IBatchSink.OnFacts(int slot, in LogFacts facts)
    {
        if (!_bySlot.TryGetValue(slot, out var reading))
        {
            return;
        }

        if (_left is not null)
        {
            _held = (reading, facts);
        }
        else
        {
            TakeFacts(reading, facts);
        }
    }

    void IBatchSink.OnError(int slot, ReadFault fault)
    {
        if (_bySlot.TryGetValue(slot, out var reading) && !reading.IsOver)
        {
            reading.IsOver = true;
            _sink!.OnError(slot, fault);
        }
    }

    void IBatchSink.OnThrottled(TimeSpan wait) => _sink!.OnThrottled(wait);

    void IBatchSink.OnClusterFault(KafkaBackupException error) => _sink!.OnClusterFault(error);

    private bool Open(Reading reading, in RecordBatch batch)
    {
        try
        {
            _cursor.Open(batch);
            (reading.Epoch, reading.Kind) = (
                batch.LeaderEpoch,
                batch.IsLogAppendTime ? TimestampKind.LogAppendTime : TimestampKind.CreateTime
            );
            reading.BatchEnd = batch.NextOffset;
            return true;
        }
        catch (BatchDamagedException damaged)
        {
            Fail(reading, damaged);
            return false;
        }
    }

    /// <summary>Hands out what the cursor has, until it ends or enough was given: then <see cref="_left"/> is the rest's owner.</summary>
    private void HandOut(Reading reading)
    {
        _left = null;
        try
        {
            while (!reading.IsOver)
            {
                if (_given >= _wanted)
                {
                    _left = reading;
                    return;
                }

                if (!_cursor.MoveNext())
                {
                    reading.Next = Math.Max(reading.Next, reading.BatchEnd);
                    return;
                }

                if (_cursor.Offset >= reading.Next)
                {
                    Show(reading);
                }
            }
        }
        catch (BatchDamagedException damaged)
        {
            Fail(reading, damaged);
        }
    }

    private void Show(Reading reading)
    {
        fixed (byte* pinned = _cursor.RawHeaders)
        {
            var count = _cursor.HeaderCount == 0 ? 0 : ReadHeaders();
            var record = new RecordView
            {
                Offset = _cursor.Offset,
                Timestamp = _cursor.Timestamp,
                TimestampKind = reading.Kind,
                Key = _cursor.Key,
                KeyIsNull = _cursor.KeyIsNull,
                Value = _cursor.Value,
                ValueIsNull = _cursor.ValueIsNull,
                Headers = _headers.AsSpan(0, count),
                LeaderEpoch = reading.Epoch,
            };
            reading.Next = record.Offset + 1;
            _given++;
            _sink!.OnRecord(reading.Slot, in record);
        }
    }

    /// <summary>Their addresses hold as long as the caller keeps the cursor's bytes pinned.</summary>
    private int ReadHeaders()
    {
        if (_headers.Length < _cursor.HeaderCount)
        {
            _headers = new HeaderSlice[Math.Max(_cursor.HeaderCount, 2 * _headers.Length)];
        }

        var count = 0;
        var headers = _cursor.Headers;
        while (headers.MoveNext())
        {
            _headers[count++] = new HeaderSlice(
                Address(headers.Name),
                headers.Name.Length,
                Address(headers.Value),
                headers.ValueIsNull ? -1 : headers.Value.Length
            );
        }

        return count;
    }

    private static byte* Address(ReadOnlySpan<byte> pinned) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(pinned));

    /// <summary>The batch is the caller's only until it returns; the rest of it goes on from a copy.</summary>
    private void Keep(in RecordBatch batch)
    {
        if (_copy.Length < batch.Length)
        {
            _copy = new byte[batch.Length];
        }

        batch.Bytes.CopyTo(_copy);
        Open(_left!, RecordBatch.Open(_copy.AsMemory(0, batch.Length)));
    }

    private void TakeFacts(Reading reading, in LogFacts facts)
    {
        if (reading.IsOver)
        {
            return;
        }

        reading.HasArrived = true;
        reading.Next = Math.Max(reading.Next, facts.Position);
        var end = isolation == IsolationLevel.ReadCommitted ? facts.LastStable : facts.HighWatermark;
        if (reading.Next >= end && reading.ToldEnd != end)
        {
            reading.ToldEnd = end;
            _sink!.OnEnd(reading.Slot, end);
        }
    }

    private void Fail(Reading reading, BatchDamagedException damaged)
    {
        reading.IsOver = true;
        batches.Remove(reading.Slot);
        _sink!.OnError(reading.Slot, new ReadFault(ReadFaultKind.BadMessage, reading.Next, "CORRUPT_MESSAGE", damaged.Reason));
    }

    /// <summary>One assignment.</summary>
    private sealed class Reading(int slot, long offset)
    {
        public int Slot => slot;

        /// <summary>One past the last record handed out, or past what holds none.</summary>
        public long Next { get; set; } = offset;

        public bool HasArrived { get; set; }

        /// <summary>Removed, or ended by an error.</summary>
        public bool IsOver { get; set; }

        public long ToldEnd { get; set; } = -1;

        /// <summary>Of the batch that the cursor has.</summary>
        public int Epoch { get; set; }

        public TimestampKind Kind { get; set; }

        public long BatchEnd { get; set; }
    }
}
