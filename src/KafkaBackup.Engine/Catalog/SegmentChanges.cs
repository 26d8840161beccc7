using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// What distinguishes two manifest values in their segments. Costs what changed: parts that are the same object are not looked into.
/// </summary>
internal sealed class SegmentChanges
{
    private readonly Dictionary<string, SegmentEntry> _removed = new(StringComparer.Ordinal);

    private SegmentChanges() { }

    public List<PlacedSegment> Added { get; } = [];

    public bool AnyRemoved => _removed.Count > 0;

    /// <summary>Keys that the next manifest does not name any more; those whose entry was only corrected are not among them.</summary>
    public List<string> Retired { get; private set; } = [];

    public bool IsRemoved(PlacedSegment segment) => _removed.ContainsKey(segment.Entry.Key);

    public static SegmentChanges Between(Manifest? previous, Manifest next)
    {
        var changes = new SegmentChanges();
        foreach (var (name, topic) in next.Topics)
        {
            var before = previous?.Topics.GetValueOrDefault(name);
            if (ReferenceEquals(before, topic))
            {
                continue;
            }

            foreach (var (number, partition) in topic.Partitions)
            {
                changes.Compare(name, number, before?.Partitions.GetValueOrDefault(number)?.Segments ?? [], partition.Segments);
            }

            foreach (var (number, partition) in before?.Partitions ?? new Dictionary<int, PartitionEntry>())
            {
                if (!topic.Partitions.ContainsKey(number))
                {
                    changes.Compare(name, number, partition.Segments, []);
                }
            }
        }

        foreach (var gone in previous?.Topics.Values.Where(t => !next.Topics.ContainsKey(t.Name)) ?? [])
        {
            foreach (var (number, partition) in gone.Partitions)
            {
                changes.Compare(gone.Name, number, partition.Segments, []);
            }
        }

        var named = changes.Added.Select(a => a.Entry.Key).ToHashSet(StringComparer.Ordinal);
        changes.Retired = changes._removed.Keys.Where(k => !named.Contains(k)).Order(StringComparer.Ordinal).ToList();
        return changes;
    }

    private void Compare(string topic, int partition, IReadOnlyList<SegmentEntry> before, IReadOnlyList<SegmentEntry> after)
    {
        if (ReferenceEquals(before, after))
        {
            return;
        }

        var same = 0;
        while (same < before.Count && same < after.Count && IsSame(before[same], after[same]))
        {
            same++;
        }

        // A manifest that was tampered with may name one twice.
        var rest = new Dictionary<string, SegmentEntry>(StringComparer.Ordinal);
        foreach (var segment in before.Skip(same))
        {
            rest[segment.Key] = segment;
        }

        for (var i = same; i < after.Count; i++)
        {
            if (rest.TryGetValue(after[i].Key, out var old) && IsSame(old, after[i]))
            {
                rest.Remove(old.Key);
            }
            else
            {
                Added.Add(new PlacedSegment(topic, partition, after[i]));
            }
        }

        foreach (var removed in rest.Values)
        {
            _removed[removed.Key] = removed;
        }
    }

    private static bool IsSame(SegmentEntry left, SegmentEntry right) => ReferenceEquals(left, right) || left == right;
}
