using System.Buffers;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// What goes to one target partition, in order. The first <see cref="Window"/> batches have a place in the partition's sequence and may be
/// under way; the others wait behind them.
/// </summary>
internal sealed class TargetLine(TopicPartition partition, int slot, PartitionSequence? given)
{
    /// <summary>A broker recognises this many batches of a producer when they come again.</summary>
    public const int MostUnderWay = 5;

    public TopicPartition Partition { get; } = partition;

    public int Slot { get; } = slot;

    /// <summary>The sequence that is continued here; null where the writer's own producer begins one.</summary>
    public PartitionSequence? Given { get; } = given;

    /// <summary>All that has no final outcome yet, or has not been reported.</summary>
    public Queue<OutgoingBatch> Batches { get; } = new();

    public int Window { get; private set; }

    public int UnderWay { get; set; }

    /// <summary>The number of the next record in this partition's sequence.</summary>
    public long NextRecord { get; private set; } = given?.NextRecord ?? 0;

    /// <summary>
    /// The broker has stored something of this producer. Before that it takes any sequence number, so that only one batch may be under way:
    /// a second could be stored although the first is refused.
    /// </summary>
    public bool IsKnownThere { get; set; }

    /// <summary>The coordinator knows that the running transaction writes here.</summary>
    public bool IsInTransaction { get; set; }

    /// <summary>Attempts in a row that failed.</summary>
    public int Failures { get; set; }

    /// <summary>Nothing is sent before this timestamp.</summary>
    public long NotBefore { get; set; }

    /// <summary>Since when the cluster says that it knows no such partition; 0 while it does not say so.</summary>
    public long UnknownSince { get; set; }

    /// <summary>An attempt failed: what is under way is waited for, then everything that is not stored is sent again, in order.</summary>
    public bool IsRecovering { get; set; }

    /// <summary>The next batch to send; null while nothing may be sent.</summary>
    public OutgoingBatch? Next(long now)
    {
        if (now < NotBefore || (IsRecovering && UnderWay > 0))
        {
            return null;
        }

        IsRecovering = false;
        var limit = IsKnownThere ? MostUnderWay : 1;
        var place = 0;
        foreach (var batch in Batches)
        {
            if (place == limit || batch.State == BatchState.Failed)
            {
                return null;
            }

            if (batch.State == BatchState.Waiting)
            {
                return batch;
            }

            place++;
        }

        return null;
    }

    /// <summary>Gives a batch its place in the sequence, unless it has one from an earlier attempt.</summary>
    /// <returns>Whether it is new.</returns>
    public bool Enter(OutgoingBatch batch)
    {
        if (batch.FirstRecord >= 0)
        {
            return false;
        }

        batch.FirstRecord = NextRecord;
        NextRecord += batch.Count;
        Window++;
        return true;
    }

    /// <summary>Whether a batch before this one is not stored: then the broker refuses this one for its sequence number.</summary>
    public bool HasUnstoredBefore(OutgoingBatch batch) =>
        Batches.TakeWhile(before => before != batch).Any(before => before.State != BatchState.Stored);

    /// <summary>The first batch, once its outcome is final.</summary>
    public bool TryTake(out OutgoingBatch batch)
    {
        if (!Batches.TryPeek(out batch!) || batch.State is not (BatchState.Stored or BatchState.Failed))
        {
            return false;
        }

        if (batch.State == BatchState.Failed && UnderWay > 0)
        {
            // What is under way behind it decides whether the sequence can go on where this one stood.
            return false;
        }

        Batches.Dequeue();
        Window = Math.Max(0, Window - 1);
        return true;
    }

    /// <summary>The sequence goes on at this record: what had a place behind it gets another one.</summary>
    public void Resume(long nextRecord)
    {
        NextRecord = nextRecord;
        Window = 0;
        foreach (var batch in Batches)
        {
            batch.FirstRecord = -1;
        }
    }

    /// <summary>The writer's own producer is a new one, or has a new epoch: its sequences begin at 0.</summary>
    public void Restart()
    {
        if (Given is null)
        {
            Resume(0);
            IsKnownThere = false;
        }
    }
}

/// <summary>Records of one partition that wait for their batch to fill. Of the thread that sends.</summary>
internal sealed class BatchInProgress(WriterOptions options) : IDisposable
{
    /// <summary>What a record takes at most beside its content: its length and five more numbers, and two for each header.</summary>
    private const int RecordOverhead = 36;
    private const int HeaderOverhead = 10;

    private readonly BatchBuilder _builder = new();
    private readonly ArrayBufferWriter<byte> _headers = new();
    private readonly List<TagRun> _tags = [];
    private long _queuedBytes;

    public required BatchCodec Codec { get; set; }

    /// <summary>The codec's own; null for its default.</summary>
    public required int? Level { get; init; }

    public bool IsEmpty => _builder.Count == 0;

    public bool IsFull => _builder.Count >= options.BatchRecords || _builder.PlainBytes >= options.BatchBytes;

    /// <summary>When the first record came.</summary>
    public long Since { get; private set; }

    public static long SizeOf(in RecordView record, ReadOnlySpan<HeaderSlice> extra)
    {
        var size = (long)record.PayloadBytes + RecordOverhead + (HeaderOverhead * (record.Headers.Length + extra.Length));
        foreach (ref readonly var header in extra)
        {
            size += header.NameLength + Math.Max(0, header.ValueLength);
        }

        return size;
    }

    /// <summary>Whether a record of that size still goes into this batch.</summary>
    public bool Takes(long size) => IsEmpty || _builder.PlainBytes + size <= options.BatchBytes;

    public void Add(in RecordView record, ReadOnlySpan<HeaderSlice> extra, long tag, long size, long now)
    {
        if (IsEmpty)
        {
            _builder.Begin(Codec, Level);
            Since = now;
        }

        _headers.ResetWrittenCount();
        foreach (ref readonly var header in record.Headers)
        {
            RecordFields.AppendHeader(_headers, header.Name, header.Value, header.ValueIsNull);
        }

        foreach (ref readonly var header in extra)
        {
            RecordFields.AppendHeader(_headers, header.Name, header.Value, header.ValueIsNull);
        }

        var fields = new RecordFields
        {
            Key = record.Key,
            KeyIsNull = record.KeyIsNull,
            Value = record.Value,
            ValueIsNull = record.ValueIsNull,
            HeaderCount = record.Headers.Length + extra.Length,
            RawHeaders = _headers.WrittenSpan,
        };
        _builder.Append(_builder.Count, record.Timestamp, fields);
        _queuedBytes += size;
        if (_tags.Count > 0 && _tags[^1] is var run && run.First + run.Count == tag)
        {
            _tags[^1] = run with { Count = run.Count + 1 };
        }
        else
        {
            _tags.Add(new TagRun(tag, 1));
        }
    }

    /// <summary>Moves what has come together into the batch, and begins again.</summary>
    public void Seal(OutgoingBatch batch)
    {
        batch.Fill(_builder.Build().Span, _tags, _builder.Count, _queuedBytes);
        Clear();
    }

    public void Clear()
    {
        _builder.Begin(Codec, Level);
        _tags.Clear();
        _queuedBytes = 0;
    }

    public void Dispose() => _builder.Dispose();
}
