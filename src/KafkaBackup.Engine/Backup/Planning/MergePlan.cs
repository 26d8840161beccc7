using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Which segments of a partition are worth being made one. Segments have tiers by size, each eight times the one below; eight of one tier,
/// with only smaller ones between them, become one, which is of the next. So a record is written again once or twice per tier, however long
/// a backup goes on, and of any number of small segments only a handful per tier remain. (Counting smaller neighbours too would not do: a
/// large segment would be written again for every seven small ones.)
/// </summary>
internal static class MergePlan
{
    public const int Neighbours = 8;

    private const long LowestTier = 1 << 10;

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
        var ofTier = 0;
        long bytes = 0,
            records = 0;
        foreach (var segment in partition.Segments)
        {
            var joins =
                segment.Bytes < below
                && bytes + segment.Bytes <= maxBytes
                && records + segment.RecordCount <= maxRecords
                && (run.Count == 0 || !partition.Gaps.Any(g => g.FromOffset > run[^1].LastOffset && g.FromOffset < segment.FirstOffset));
            if (!joins)
            {
                if (ofTier >= Neighbours)
                {
                    yield return run;
                }

                run = [];
                (ofTier, bytes, records) = (0, 0, 0);
                if (segment.Bytes >= below)
                {
                    continue;
                }
            }

            run.Add(segment);
            ofTier += below == LowestTier || segment.Bytes >= below / Neighbours ? 1 : 0;
            bytes += segment.Bytes;
            records += segment.RecordCount;
        }

        if (ofTier >= Neighbours)
        {
            yield return run;
        }
    }
}
