using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// How far the partitions' newest records lie apart in time: what a snapshot that is not cut at one instant costs (rule B9).
/// </summary>
public static class HeadSkew
{
    /// <param name="topics">Null for all.</param>
    /// <returns>Null with fewer than two partitions that hold records with a time.</returns>
    public static TimeSpan? Of(Manifest manifest, IReadOnlySet<string>? topics = null)
    {
        var heads = manifest
            .Topics.Values.Where(t => topics is null || topics.Contains(t.Name))
            .SelectMany(t => t.Partitions.Values)
            .Where(p => p.Segments.Count > 0)
            .Select(p => p.Segments[^1].HeadTimestamp);
        return Between(heads);
    }

    public static TimeSpan? Between(IEnumerable<long> headTimestamps)
    {
        long low = long.MaxValue,
            high = long.MinValue;
        var count = 0;
        foreach (var head in headTimestamps.Where(h => h >= 0))
        {
            low = Math.Min(low, head);
            high = Math.Max(high, head);
            count++;
        }

        if (count < 2)
        {
            return null;
        }

        // A TimeSpan holds 29,000 years; Kafka's times reach further.
        var apart = high - low;
        return apart < TimeSpan.MaxValue.TotalMilliseconds ? TimeSpan.FromMilliseconds(apart) : TimeSpan.MaxValue;
    }
}
