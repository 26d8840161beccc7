using System.Threading.Channels;
using KafkaBackup.Engine.Records;
using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Compare;

/// <summary>Which records of a side's partition are compared, and by what they are aligned.</summary>
/// <param name="OrderedBy">Position, Offset, or OriginalOffset for a side whose records carry their original offset in a header.</param>
/// <param name="Original">Which of the records' original offsets orders, counted from the newest: 1 for the newest.</param>
/// <param name="From">The first number (of the kind that orders) that counts; 0 for all.</param>
/// <param name="Skip">Records to pass over first.</param>
/// <param name="Most">No more records than this; null for all.</param>
internal sealed record FeedOptions(ComparisonEncoding Form, AlignMode OrderedBy, int Original, long From, long Skip, long? Most);

/// <summary>Takes records of one partition as they are read.</summary>
internal abstract class RecordTaker
{
    /// <summary>False when no more are wanted. May wait.</summary>
    public abstract bool Take(in RecordView record);

    /// <summary>
    /// Whether a stretch of records may be passed over because only their number still counts. Takes them as counted then.
    /// </summary>
    public virtual bool TakeWhole(long count, long lastTimestamp) => false;
}

/// <summary>
/// One side of one partition on its way to the comparison: a reader's thread fills chunks, the comparison empties them. A few chunks are
/// under way at most; when they are full the reader waits. Once the other side has ended, what is left here is only counted.
/// </summary>
internal sealed class SideFeed : RecordTaker, IDisposable
{
    private const int UnderWay = 4;

    private readonly FeedOptions _options;
    private readonly CancellationToken _cancel;
    private readonly Channel<RecordChunk> _full = Channel.CreateBounded<RecordChunk>(
        new BoundedChannelOptions(UnderWay) { SingleReader = true, SingleWriter = true }
    );
    private readonly Channel<RecordChunk> _free = Channel.CreateUnbounded<RecordChunk>();
    private readonly ComparisonEncoding _form;
    private RecordChunk _filling = new();
    private long _skipped;
    private long _taken;
    private long _countTo = -1;

    public SideFeed(FeedOptions options, CancellationToken cancel)
    {
        (_options, _cancel, _form) = (options, cancel, options.Form);
    }

    /// <summary>Records that were counted after <see cref="CountRest"/> and are in no chunk. Final once the feed has ended.</summary>
    public long Counted { get; private set; }

    /// <summary>The newest record's time that was seen. Final once the feed has ended.</summary>
    public long? HeadTimestamp { get; private set; }

    public override bool Take(in RecordView record)
    {
        var order = OrderOf(record);
        if (order >= 0 && order < _options.From)
        {
            return true;
        }

        if (_skipped < _options.Skip)
        {
            _skipped++;
            return true;
        }

        if (Volatile.Read(ref _countTo) is >= 0 and var countTo)
        {
            if (Counted + _taken >= countTo)
            {
                return false;
            }

            Counted++;
            HeadTimestamp = record.Timestamp;
            return true;
        }

        HeadTimestamp = record.Timestamp;

        var size = ComparisonEncoding.SizeOf(record);
        if (!_filling.HasRoom(size))
        {
            HandOn();
        }

        _filling.Add(record.Offset, order, _form.Write(record, _filling.Room(size)));
        return ++_taken != _options.Most;
    }

    public override bool TakeWhole(long count, long lastTimestamp)
    {
        if (Volatile.Read(ref _countTo) != long.MaxValue || _options.From > 0)
        {
            return false;
        }

        Counted += count;
        HeadTimestamp = lastTimestamp;
        return true;
    }

    /// <summary>For the reader: it has nothing more, or failed.</summary>
    public void End(Exception? error)
    {
        if (error is null && _filling.Count > 0)
        {
            HandOn();
        }

        _full.Writer.Complete(error);
    }

    /// <summary>For the comparison: the next chunk, in exchange for the one before; null at the end. Throws what reading threw.</summary>
    public async ValueTask<RecordChunk?> NextAsync(RecordChunk? done)
    {
        if (done is not null)
        {
            done.Clear();
            _free.Writer.TryWrite(done);
        }

        while (await _full.Reader.WaitToReadAsync(_cancel).ConfigureAwait(false))
        {
            if (_full.Reader.TryRead(out var chunk))
            {
                return chunk;
            }
        }

        return null;
    }

    /// <summary>For the comparison: the other side has ended, so records need not be handed on any more.</summary>
    /// <param name="most">Of all records of this side, at most so many are counted.</param>
    public void CountRest(long? most) => Volatile.Write(ref _countTo, most ?? long.MaxValue);

    public void Dispose()
    {
        _filling.Dispose();
        while (_full.Reader.TryRead(out var chunk) || _free.Reader.TryRead(out chunk))
        {
            chunk.Dispose();
        }
    }

    private long OrderOf(in RecordView record) =>
        _options.OrderedBy == AlignMode.OriginalOffset
            ? OriginalOffset.Number(record.Headers, HeaderNames.OriginalOffsetBytes, _options.Original) ?? -1
            : record.Offset;

    private void HandOn()
    {
        if (!_full.Writer.TryWrite(_filling))
        {
            // The reader's own thread has nothing else to do than wait: that is the back-pressure.
            _full.Writer.WriteAsync(_filling, _cancel).AsTask().GetAwaiter().GetResult();
        }

        _filling = _free.Reader.TryRead(out var chunk) ? chunk : new RecordChunk();
    }
}
