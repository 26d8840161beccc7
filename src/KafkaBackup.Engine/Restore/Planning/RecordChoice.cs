using KafkaBackup.Engine.Format.Blocks;

namespace KafkaBackup.Engine.Restore;

/// <summary>Source offsets, both inclusive.</summary>
internal readonly record struct OffsetSpan(long First, long Last);

/// <summary>
/// Which records of one source partition a plan takes: those in the time window, without what is left out. All who count, read or look up
/// records ask here, so that "the n-th record" is the same record for each of them.
/// </summary>
internal sealed class RecordChoice
{
    private readonly TimeWindow _window;
    private readonly OffsetSpan[] _out;

    /// <param name="bounds">The first and the last record of an interrupted run's plan; null for whatever there is.</param>
    /// <param name="leftOut">Damaged parts of the backup.</param>
    public RecordChoice(TimeWindow window, OffsetSpan? bounds, IReadOnlyList<OffsetSpan> leftOut)
    {
        _window = window;
        Bounds = bounds;
        LeftOut = leftOut;
        _out = bounds is { } inside
            ? [.. leftOut, new OffsetSpan(long.MinValue, inside.First - 1), new OffsetSpan(inside.Last + 1, long.MaxValue)]
            : [.. leftOut];
    }

    public OffsetSpan? Bounds { get; }

    public IReadOnlyList<OffsetSpan> LeftOut { get; }

    public bool MayHold(in BlockStats records) =>
        MayHold(new OffsetSpan(records.FirstOffset, records.LastOffset), records.MinTimestamp, records.MaxTimestamp);

    public bool MayHold(OffsetSpan offsets, long minTimestamp, long maxTimestamp)
    {
        if (!_window.Overlaps(minTimestamp, maxTimestamp))
        {
            return false;
        }

        foreach (var gone in _out)
        {
            if (gone.First <= offsets.First && offsets.Last <= gone.Last)
            {
                return false;
            }
        }

        return true;
    }

    public bool TakesAll(in BlockStats records) =>
        TakesAll(new OffsetSpan(records.FirstOffset, records.LastOffset), records.MinTimestamp, records.MaxTimestamp);

    public bool TakesAll(OffsetSpan offsets, long minTimestamp, long maxTimestamp)
    {
        if (!_window.IsUnbounded && !(_window.Contains(minTimestamp) && _window.Contains(maxTimestamp)))
        {
            return false;
        }

        foreach (var gone in _out)
        {
            if (gone.First <= offsets.Last && offsets.First <= gone.Last)
            {
                return false;
            }
        }

        return true;
    }

    public bool Takes(long offset, long timestamp)
    {
        foreach (var gone in _out)
        {
            if (gone.First <= offset && offset <= gone.Last)
            {
                return false;
            }
        }

        return _window.Contains(timestamp);
    }
}
