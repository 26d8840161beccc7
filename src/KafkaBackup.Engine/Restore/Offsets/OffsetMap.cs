using System.Runtime.InteropServices;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Where a partition's records went, as ranges: a billion contiguous records are one (rule F2). Filled in source order.
/// </summary>
public sealed class OffsetMap
{
    private readonly List<OffsetRange> _ranges = [];

    public OffsetMap() { }

    public OffsetMap(IEnumerable<OffsetRange> ranges)
    {
        foreach (var range in ranges)
        {
            Add(range.SourceStart, range.TargetStart, range.Length);
        }
    }

    public IReadOnlyList<OffsetRange> Ranges => _ranges;

    public bool IsEmpty => _ranges.Count == 0;

    public long Records => _ranges.Sum(r => r.Length);

    public void Add(long source, long target, long length = 1)
    {
        if (_ranges.Count > 0)
        {
            ref var last = ref CollectionsMarshal.AsSpan(_ranges)[^1];
            if (last.SourceStart + last.Length == source && last.TargetStart + last.Length == target)
            {
                last = last with { Length = last.Length + length };
                return;
            }

            if (source < last.SourceStart + last.Length)
            {
                throw new ArgumentOutOfRangeException(nameof(source), source, "Records come in source order.");
            }
        }

        _ranges.Add(new OffsetRange(source, target, length));
    }

    /// <summary>The first target offset; null when nothing was restored.</summary>
    public long? First => _ranges.Count == 0 ? null : _ranges[0].TargetStart;

    /// <summary>The target offset just after the last record; null when nothing was restored.</summary>
    public long? End => _ranges.Count == 0 ? null : _ranges[^1].TargetStart + _ranges[^1].Length;

    /// <summary>
    /// Where a consumer that would read this source offset next has to go on: an offset in a gap maps to the next restored record, one
    /// before the first to the first, one at or past the last to just after the last (rule F3). Null when nothing was restored.
    /// </summary>
    public long? Translate(long sourceOffset)
    {
        var found = FirstEndingAfter(sourceOffset);
        return found == _ranges.Count ? End : _ranges[found].TargetStart + Math.Max(0, sourceOffset - _ranges[found].SourceStart);
    }

    /// <summary>Whether exactly these records are where the range says.</summary>
    public bool Agrees(OffsetRange range) =>
        TargetOf(range.SourceStart) == range.TargetStart
        && TargetOf(range.SourceStart + range.Length - 1) == range.TargetStart + range.Length - 1;

    /// <summary>Without the records before that source offset.</summary>
    public OffsetMap From(long sourceOffset) =>
        new(
            _ranges
                .Where(r => r.SourceStart + r.Length > sourceOffset)
                .Select(r =>
                {
                    var skip = Math.Max(0, sourceOffset - r.SourceStart);
                    return new OffsetRange(r.SourceStart + skip, r.TargetStart + skip, r.Length - skip);
                })
        );

    private long? TargetOf(long sourceOffset) =>
        FirstEndingAfter(sourceOffset) is var found && found < _ranges.Count && _ranges[found].SourceStart <= sourceOffset
            ? Translate(sourceOffset)
            : null;

    private int FirstEndingAfter(long sourceOffset)
    {
        var low = 0;
        var high = _ranges.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].SourceStart + _ranges[middle].Length > sourceOffset)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low;
    }

    /// <summary>Goes through the target offsets one by one.</summary>
    internal sealed class Walk(OffsetMap map)
    {
        private int _range;
        private long _inRange;

        public long Next()
        {
            var range = map._ranges[_range];
            var offset = range.TargetStart + _inRange;
            if (++_inRange == range.Length)
            {
                _range++;
                _inRange = 0;
            }

            return offset;
        }
    }
}
