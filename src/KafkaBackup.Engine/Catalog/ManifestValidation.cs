using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// Heads and pages as anybody with write access to the store may have made them. A checksum says that they are as they were written, not by
/// whom: what no version of this tool writes is damage, found here and nowhere else, so that all behind it can rely on what it reads.
/// </summary>
internal static class ManifestValidation
{
    /// <summary>A backup that commits every second for 30 million years.</summary>
    public const long HighestGeneration = 1_000_000_000_000_000;

    public const int MaxPartitions = 1_000_000;

    /// <summary>More than anybody stores, and sums of a few stay within a long.</summary>
    private const long MostOfAll = 1L << 60;

    /// <summary>As <see cref="ManifestFile.ReadHead"/>; what contradicts itself or cannot be is damaged.</summary>
    public static HeadReading ReadHead(ReadOnlySpan<byte> file)
    {
        var reading = ManifestFile.ReadHead(file);
        return reading.Head is null || IsSound(reading.Head) ? reading : new HeadReading(HeadState.Damaged, null, reading.Version);
    }

    /// <summary>As <see cref="ManifestFile.ReadPage"/>; null too for what contradicts itself or cannot be.</summary>
    public static PageFile? ReadPage(PageReference reference, ReadOnlySpan<byte> content) =>
        ManifestFile.ReadPage(reference, content) is { } page && IsSound(page) ? page : null;

    /// <summary>False when the sums that others make of it would overflow.</summary>
    public static bool HasSaneTotals(Manifest manifest)
    {
        UInt128 stored = 0,
            bytes = 0,
            records = 0;
        foreach (var segment in manifest.Topics.Values.SelectMany(t => t.Partitions.Values).SelectMany(p => p.Segments))
        {
            if (segment.StoredBytes < 0 || segment.Bytes < 0 || segment.RecordCount < 0)
            {
                return false;
            }

            stored += (ulong)segment.StoredBytes;
            bytes += (ulong)segment.Bytes;
            records += (ulong)segment.RecordCount;
        }

        return stored < (ulong)MostOfAll && bytes < (ulong)MostOfAll && records < (ulong)MostOfAll;
    }

    public static bool IsSound(TopicDocument? topic) =>
        topic is { Name: not null, Configs: not null, Partitions: not null }
        && TopicFolder.IsTopic(topic.Name)
        && topic.PartitionCount is >= 0 and <= MaxPartitions
        && topic.Configs.Values.All(v => v is not null)
        && topic.Partitions.TrueForAll(IsSound)
        && topic.Partitions.DistinctBy(p => p.Partition).Count() == topic.Partitions.Count;

    private static bool IsSound(HeadDocument head) =>
        head.BackupId is not null
        && head.Generation is >= 0 and <= HighestGeneration
        && head.SegmentCount >= 0
        && All(head.RunPages, IsSound)
        && All(head.TopicPages, IsSound)
        && All(head.SegmentPages, IsSound)
        && All(head.GroupPages, IsSound)
        && All(head.Runs, IsSound)
        && All(head.Segments, IsSound)
        && All(head.Retired, r => r is { Page: not null } && r.Generation is >= 0 and <= HighestGeneration && IsSound(r.Page))
        && All(head.Partitions, p => IsSound(p) && p.Topic is not null && TopicFolder.IsTopic(p.Topic))
        && head.Partitions.DistinctBy(p => (p.Topic, p.Partition)).Count() == head.Partitions.Count;

    private static bool IsSound(PageFile page) =>
        page.BackupId is not null
        && (page.Runs is null || All(page.Runs, IsSound))
        && (page.Topics is null || All(page.Topics, IsSound))
        && (page.Segments is null || All(page.Segments, IsSound))
        && (page.Retired is null || All(page.Retired, key => key is not null))
        && (page.Groups is null || (page.Groups.RunId is not null && All(page.Groups.Groups, IsSound)));

    private static bool IsSound(PageReference? page) =>
        page is { Key: not null, Sha256: not null, Size: >= 0, Items: >= 0 }
        && page.Key.StartsWith(BackupKeys.Pages, StringComparison.Ordinal)
        && StoreKey.IsLegal(page.Key);

    private static bool IsSound(RunDocument? run) =>
        run is { RunId: not null, ToolVersion: not null, RequestedTopics: not null, RecordCount: >= 0 }
        && Enum.IsDefined(run.State)
        && Enum.IsDefined(run.Isolation)
        && run.RequestedTopics.TrueForAll(t => t is not null);

    private static bool IsSound(PartitionDocument? partition) =>
        partition is { Partition: >= 0 and < MaxPartitions, CapturedStart: >= 0, CapturedEnd: >= 0, NextOffset: >= 0 }
        && (partition.LastRecord is null || partition.LastRecord is { Offset: >= 0, Digest: not null })
        && (partition.Gaps is null || partition.Gaps.TrueForAll(g => g is { Reason: not null, FromOffset: >= 0, ToOffset: >= 0 }));

    private static bool IsSound(SegmentDocument? segment) =>
        segment
            is
        {
            Topic: not null,
            Key: not null,
            Sha256: not null,
            RunId: not null,
            Partition: >= 0 and < MaxPartitions,
            FirstOffset: >= 0,
            LastOffset: >= 0 and < long.MaxValue,
            StoredBytes: >= 0,
            Bytes: >= 0,
            RecordCount: >= 0,
            LargestRecord: >= 0,
            ZeroTimestamps: >= 0,
        }
        && TopicFolder.IsTopic(segment.Topic)
        && segment.Key.StartsWith(BackupKeys.Topics, StringComparison.Ordinal)
        && StoreKey.IsLegal(segment.Key);

    private static bool IsSound(GroupDocument? group) =>
        group is { Group: not null } && All(group.Offsets, o => o is { Topic: not null, Partition: >= 0 and < MaxPartitions });

    private static bool All<T>(List<T>? items, Predicate<T> isSound) => items is not null && items.TrueForAll(isSound);
}
