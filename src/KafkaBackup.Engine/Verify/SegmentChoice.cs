using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Verify;

/// <summary>
/// Of segments that overlap (a merged one and its parts, a dead run's and its rerun's) the set without overlap that holds the most records;
/// of equal ones that of fewer segments.
/// </summary>
internal static class SegmentChoice
{
    /// <param name="taken">Named already; whatever overlaps these is not chosen.</param>
    public static IReadOnlyList<FoundSegment> Choose(IReadOnlyList<SegmentEntry> taken, IReadOnlyList<FoundSegment> found)
    {
        var free = found
            .Where(f => !taken.Any(t => t.FirstOffset <= f.Entry.LastOffset && f.Entry.FirstOffset <= t.LastOffset))
            .OrderBy(f => f.Entry.LastOffset)
            .ThenBy(f => f.Header.CreatedAt)
            .ToArray();

        // best[n]: the best choice among the first n, by where they end.
        var best = new (long Records, int Segments, int Before, bool Takes)[free.Length + 1];
        for (var n = 1; n <= free.Length; n++)
        {
            var before = CountBefore(free, free[n - 1].Entry.FirstOffset);
            var with = (Records: best[before].Records + free[n - 1].Entry.RecordCount, Segments: best[before].Segments + 1);
            var without = best[n - 1];
            best[n] =
                with.Records > without.Records || (with.Records == without.Records && with.Segments <= without.Segments)
                    ? (with.Records, with.Segments, before, true)
                    : (without.Records, without.Segments, n - 1, false);
        }

        var chosen = new List<FoundSegment>();
        for (var n = free.Length; n > 0; n = best[n].Before)
        {
            if (best[n].Takes)
            {
                chosen.Add(free[n - 1]);
            }
        }

        chosen.Reverse();
        return chosen;
    }

    /// <summary>How many end before the offset.</summary>
    private static int CountBefore(FoundSegment[] byEnd, long offset)
    {
        var (low, high) = (0, byEnd.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = byEnd[middle].Entry.LastOffset < offset ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
