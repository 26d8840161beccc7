using System.Buffers;
using System.Runtime.InteropServices;
using KafkaBackup.Engine.Batches;

namespace KafkaBackup.Engine.Cluster;

internal enum BatchState
{
    /// <summary>Complete, and not under way: it was never sent, or has to be sent again.</summary>
    Waiting,
    UnderWay,
    Stored,
    Failed,
}

/// <summary>
/// One batch on its way to a partition, in memory of its own that is used again for later batches, and the tags of its reports: one for
/// each of its records, or one for all.
/// </summary>
internal sealed unsafe class OutgoingBatch : MemoryManager<byte>
{
    private const int Granularity = 64 * 1024;

    private readonly List<TagRun> _tags = [];
    private byte* _memory;
    private int _capacity;

    public int Length { get; private set; }

    public int Count { get; private set; }

    /// <summary>What its records count for in the bound of what is queued.</summary>
    public long QueuedBytes { get; private set; }

    public BatchState State { get; set; }

    /// <summary>The number of its first record in its partition's sequence; -1 while it has none.</summary>
    public long FirstRecord { get; set; }

    /// <summary>A request with it may have reached a broker without an answer that says that it was not stored.</summary>
    public bool MayBeStored { get; set; }

    /// <summary>Nobody waits for its outcome any more, only a request still refers to its memory.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>Its outcome was handed out while a request still referred to it.</summary>
    public bool IsReported { get; set; }

    /// <summary>Where its first record was stored; -1 when that is not known.</summary>
    public long Offset { get; set; }

    /// <summary>Why it failed.</summary>
    public WriteFault? Fault { get; set; }

    /// <summary>Of single records, by their place in the batch.</summary>
    public IReadOnlyDictionary<int, WriteFault>? RecordFaults { get; set; }

    public IReadOnlyList<TagRun> Tags => _tags;

    /// <summary>A batch as it came, whose records are reported together.</summary>
    public void Fill(in RecordBatch batch, long tag)
    {
        Fill(batch.Bytes.Span, null, batch.RecordCount, batch.Length);
        _tags.Add(new TagRun(tag, 1));
    }

    /// <param name="tags">The tags of its records, in their order.</param>
    public void Fill(ReadOnlySpan<byte> batch, List<TagRun>? tags, int count, long queuedBytes)
    {
        if (batch.Length > _capacity)
        {
            _capacity = checked((batch.Length + Granularity - 1) / Granularity * Granularity);
            _memory = (byte*)NativeMemory.Realloc(_memory, (nuint)_capacity);
        }

        batch.CopyTo(new Span<byte>(_memory, batch.Length));
        (Length, Count, QueuedBytes) = (batch.Length, count, queuedBytes);
        (State, FirstRecord) = (BatchState.Waiting, -1);
        (MayBeStored, IsAbandoned, IsReported) = (false, false, false);
        (Offset, Fault, RecordFaults) = (-1, null, null);
        _tags.Clear();
        _tags.AddRange(tags ?? []);
    }

    public void Stamp(long producerId, short epoch, bool transactional) =>
        BatchStamp.ForProduce(GetSpan(), producerId, epoch, FirstRecord, transactional);

    public override Span<byte> GetSpan() => new(_memory, Length);

    public ReadOnlyMemory<byte> Content => CreateMemory(Length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_memory + elementIndex);

    public override void Unpin() { }

    protected override void Dispose(bool disposing)
    {
        NativeMemory.Free(_memory);
        _memory = null;
        (_capacity, Length) = (0, 0);
    }

    public void Free() => ((IDisposable)this).Dispose();
}

/// <summary>Tags that follow one another without a gap: <see cref="First"/>, the next, and so on.</summary>
internal readonly record struct TagRun(long First, int Count);
