using System.Runtime.InteropServices;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Where a partition's records went, as ranges: a billion contiguous records are one (SEMANTICS F2). Filled in source order.
/// </summary>
public sealed class OffsetMap
{
    private readonly List<OffsetRange> _ranges = [];

    public OffsetMap()
    {
    }

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

    /// <summary>
    /// Where a consumer that would read this source offset next has to go on: an offset in a gap maps to the next restored record, one before
    /// the first to the first, one at or past the last to just after the last (SEMANTICS F3). Null when nothing was restored.
    /// </summary>
    public long? Translate(long sourceOffset)
    {
        if (_ranges.Count == 0)
        {
            return null;
        }

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

        if (low == _ranges.Count)
        {
            var last = _ranges[^1];
            return last.TargetStart + last.Length;
        }

        var range = _ranges[low];
        return range.TargetStart + Math.Max(0, sourceOffset - range.SourceStart);
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
