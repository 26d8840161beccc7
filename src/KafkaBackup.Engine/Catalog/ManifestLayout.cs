using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Catalog;

/// <summary>A page as stored, with its contents, so that the next commit can keep it or cut it again.</summary>
/// <param name="Whole">False when the page or its copy was found damaged: the next commit rewrites it.</param>
internal sealed record LaidOutPage<T>(PageReference Reference, IReadOnlyList<T> Items, bool Whole);

/// <summary>
/// How one manifest value is spread over head and pages. Every part has pages, which never change, and what the head itself holds: entries
/// that are in no page yet, or states that are newer than the page's.
/// </summary>
internal sealed record ManifestLayout
{
    public IReadOnlyList<LaidOutPage<RunEntry>> RunPages { get; init; } = [];

    public IReadOnlyList<RunEntry> Runs { get; init; } = [];

    /// <summary>Which topics a page describes.</summary>
    public IReadOnlyList<LaidOutPage<string>> TopicPages { get; init; } = [];

    /// <summary>Partitions whose state is in the head because it is newer than the page's.</summary>
    public IReadOnlySet<TopicPartition> Partitions { get; init; } = new HashSet<TopicPartition>();

    public IReadOnlyList<LaidOutPage<PlacedSegment>> SegmentPages { get; init; } = [];

    public IReadOnlyList<PlacedSegment> Segments { get; init; } = [];

    public IReadOnlyList<LaidOutPage<GroupSnapshot>> GroupPages { get; init; } = [];

    public IReadOnlyList<RetiredReference> Retired { get; init; } = [];

    public IEnumerable<PageReference> PageReferences =>
        RunPages
            .Select(p => p.Reference)
            .Concat(TopicPages.Select(p => p.Reference))
            .Concat(SegmentPages.Select(p => p.Reference))
            .Concat(GroupPages.Select(p => p.Reference))
            .Concat(Retired.Select(r => r.Page));

    public static IEnumerable<PageReference> PageReferencesOf(HeadDocument head) =>
        head.RunPages.Concat(head.TopicPages).Concat(head.SegmentPages).Concat(head.GroupPages).Concat(head.Retired.Select(r => r.Page));
}
