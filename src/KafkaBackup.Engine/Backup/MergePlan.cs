using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Which segments of a partition are worth being made one. Segments have tiers by size, each eight times the one below; eight neighbours of one
/// tier (or of lower ones among them) become one, which is of the next. So a record is written again once per tier, five times at most, however
/// long a backup goes on, and of N small segments only a handful per tier remain.
/// </summary>
internal static class MergePlan
{
    public const int Neighbours = 8;

    private const long LowestTier = 64 << 10;

    /// <summary>Runs of neighbours, in order and without overlap.</summary>
    /// <param name="maxBytes">No merged segment becomes larger (in payload bytes).</param>
    /// <param name="maxRecords">Nor has more records.</param>
    public static IReadOnlyList<IReadOnlyList<SegmentEntry>> For(PartitionEntry partition, long maxBytes, long maxRecords)
    {
        if (partition.Segments.Count < Neighbours)
        {
            return [];
        }

        for (var tier = LowestTier; tier < maxBytes * Neighbours; tier *= Neighbours)
        {
            if (Runs(partition, tier, maxBytes, maxRecords).ToArray() is { Length: > 0 } runs)
            {
                return runs;
            }
        }

        return [];
    }

    private static IEnumerable<IReadOnlyList<SegmentEntry>> Runs(PartitionEntry partition, long below, long maxBytes, long maxRecords)
    {
        var run = new List<SegmentEntry>();
        long bytes = 0, records = 0;
        foreach (var segment in partition.Segments)
        {
            var joins = segment.Bytes < below && bytes + segment.Bytes <= maxBytes && records + segment.RecordCount <= maxRecords
                && (run.Count == 0 || !partition.Gaps.Any(g => g.FromOffset > run[^1].LastOffset && g.FromOffset < segment.FirstOffset));
            if (!joins)
            {
                if (run.Count >= Neighbours)
                {
                    yield return run;
                }

                run = [];
                (bytes, records) = (0, 0);
                if (segment.Bytes >= below)
                {
                    continue;
                }
            }

            run.Add(segment);
            bytes += segment.Bytes;
            records += segment.RecordCount;
        }

        if (run.Count >= Neighbours)
        {
            yield return run;
        }
    }
}
