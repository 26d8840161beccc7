using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// What one commit writes: new pages, then the head. Worked out without touching the store, from the value before, how that lies in the
/// store, and the value after.
/// </summary>
internal sealed class CommitPlan
{
    // A head with full tails has some 100 KB; pages of this size have some 400 KB.
    private const int SegmentsInPage = 1000;
    private const int SegmentsInHead = 100;
    private const int RunsInPage = 500;
    private const int RunsInHead = 20;
    private const int PartitionsInPage = 500;
    private const int PartitionsInHead = 100;

    private readonly Manifest _next;
    private readonly List<(string Key, byte[] Content)> _pages = [];

    private CommitPlan(Manifest next) => _next = next;

    /// <summary>Keys below the backup; each is written with its copy before the head.</summary>
    public IReadOnlyList<(string Key, byte[] Content)> NewPages => _pages;

    public byte[] Head { get; private set; } = [];

    public ManifestLayout Layout { get; private set; } = new();

    /// <param name="deleted">Generations whose retired objects have been deleted meanwhile: their pages are no longer named.</param>
    public static CommitPlan Make(Manifest? previous, ManifestLayout layout, Manifest next, IReadOnlySet<long> deleted)
    {
        var plan = new CommitPlan(next);
        var segments = plan.CutSegments(previous, layout, deleted);
        var runs = plan.CutRuns(layout);
        var topics = plan.CutTopics(previous, layout);
        plan.Layout = new ManifestLayout
        {
            SegmentPages = segments.Pages,
            Segments = segments.Tail,
            Retired = segments.Retired,
            RunPages = runs.Pages,
            Runs = runs.Tail,
            TopicPages = topics.Pages,
            Partitions = topics.InHead,
            GroupPages = plan.CutGroups(layout),
        };
        plan.Head = ManifestFile.WriteHead(plan.MakeHead());
        return plan;
    }

    private (List<LaidOutPage<PlacedSegment>> Pages, List<PlacedSegment> Tail, List<RetiredReference> Retired) CutSegments(
        Manifest? previous,
        ManifestLayout layout,
        IReadOnlySet<long> deleted
    )
    {
        var changes = SegmentChanges.Between(previous, _next);
        var (pages, tail) = PageCutting.Update(
            layout.SegmentPages,
            layout.Segments,
            changes.AnyRemoved ? changes.IsRemoved : null,
            changes.Added,
            SegmentsInPage,
            SegmentsInHead
        );
        var retired = layout.Retired.Where(r => !deleted.Contains(r.Generation)).ToList();
        if (changes.Retired.Count > 0)
        {
            var page = Write("retired", changes.Retired.Count, new PageFile { Retired = changes.Retired });
            retired.Add(new RetiredReference(_next.Generation, page));
        }

        return (
            Write("segments", pages, items => new PageFile { Segments = items.Select(ManifestMapping.ToDocument).ToList() }),
            tail,
            retired
        );
    }

    private (List<LaidOutPage<RunEntry>> Pages, List<RunEntry> Tail) CutRuns(ManifestLayout layout)
    {
        var known = layout.RunPages.SelectMany(p => p.Items).Concat(layout.Runs).ToHashSet();
        var wanted = _next.Runs.ToHashSet();
        var added = _next.Runs.Where(r => !known.Contains(r)).ToList();
        var (pages, tail) = PageCutting.Update(layout.RunPages, layout.Runs, r => !wanted.Contains(r), added, RunsInPage, RunsInHead);
        return (Write("runs", pages, items => new PageFile { Runs = items.Select(ManifestMapping.ToDocument).ToList() }), tail);
    }

    private List<LaidOutPage<GroupSnapshot>> CutGroups(ManifestLayout layout) =>
        Write(
            "groups",
            _next.GroupSnapshots.Select(snapshot => new PlannedPage<GroupSnapshot>(
                layout.GroupPages.FirstOrDefault(p => p.Whole && ReferenceEquals(p.Items[0], snapshot))?.Reference,
                [snapshot]
            )),
            items => new PageFile { Groups = ManifestMapping.ToDocument(items[0]) }
        );

    /// <summary>
    /// A partition whose state changed goes into the head, until too many are there; then, and when a topic itself changed, the pages they
    /// are on are written anew.
    /// </summary>
    private (List<LaidOutPage<string>> Pages, HashSet<TopicPartition> InHead) CutTopics(Manifest? previous, ManifestLayout layout)
    {
        var changed = new HashSet<string>(StringComparer.Ordinal);
        var inHead = layout.Partitions.Where(p => _next.Topics.ContainsKey(p.Topic)).ToHashSet();
        foreach (var topic in _next.Topics.Values)
        {
            if (previous?.Topics.GetValueOrDefault(topic.Name) is not { } before || !TopicChanges.SameDescription(before, topic))
            {
                changed.Add(topic.Name);
            }
            else if (!ReferenceEquals(before, topic))
            {
                inHead.UnionWith(TopicChanges.ChangedPartitions(before, topic));
            }
        }

        if (inHead.Count > PartitionsInHead)
        {
            changed.UnionWith(inHead.Select(p => p.Topic));
        }

        var planned = PlanTopicPages(layout, changed);
        foreach (var page in planned.Where(p => p.Kept is null))
        {
            var written = page.Items.ToHashSet(StringComparer.Ordinal);
            inHead.RemoveWhere(p => written.Contains(p.Topic));
        }

        var pages = Write(
            "topics",
            planned,
            items => new PageFile { Topics = items.Select(t => ManifestMapping.ToDocument(_next.Topics[t])).ToList() }
        );
        return (pages, inHead);
    }

    private List<PlannedPage<string>> PlanTopicPages(ManifestLayout layout, HashSet<string> changed)
    {
        var kept = new List<PlannedPage<string>>();
        var loose = new SortedSet<string>(_next.Topics.Keys, StringComparer.Ordinal);
        foreach (var page in layout.TopicPages)
        {
            if (page.Whole && page.Items.All(t => _next.Topics.ContainsKey(t) && !changed.Contains(t)))
            {
                kept.Add(new PlannedPage<string>(page.Reference, page.Items));
                loose.ExceptWith(page.Items);
            }
        }

        // Otherwise new topics would make a page each: the last page is filled up first.
        if (loose.Count > 0 && kept.Count > 0 && kept[^1].Items.Sum(PartitionsOf) < PartitionsInPage / 2)
        {
            loose.UnionWith(kept[^1].Items);
            kept.RemoveAt(kept.Count - 1);
        }

        var items = new List<string>();
        var count = 0;
        foreach (var topic in loose)
        {
            if (items.Count > 0 && count + PartitionsOf(topic) > PartitionsInPage)
            {
                kept.Add(new PlannedPage<string>(null, items));
                (items, count) = ([], 0);
            }

            items.Add(topic);
            count += PartitionsOf(topic);
        }

        if (items.Count > 0)
        {
            kept.Add(new PlannedPage<string>(null, items));
        }

        return kept;
    }

    private int PartitionsOf(string topic) => Math.Max(1, _next.Topics[topic].Partitions.Count);

    private List<LaidOutPage<T>> Write<T>(string kind, IEnumerable<PlannedPage<T>> pages, Func<IReadOnlyList<T>, PageFile> makeFile) =>
        pages.Select(p => new LaidOutPage<T>(p.Kept ?? Write(kind, p.Items.Count, makeFile(p.Items)), p.Items, Whole: true)).ToList();

    private PageReference Write(string kind, int items, PageFile file)
    {
        file.BackupId = _next.BackupId;
        var content = ManifestFile.WritePage(file);
        var key = BackupKeys.NewPage(_next.Generation, kind);
        _pages.Add((key, content));
        return new PageReference(key, ManifestFile.Hash(content), content.Length, items);
    }

    private HeadDocument MakeHead() =>
        new()
        {
            BackupId = _next.BackupId,
            Generation = _next.Generation,
            CreatedAt = _next.CreatedAt,
            UpdatedAt = _next.UpdatedAt,
            SourceClusterId = _next.SourceClusterId,
            Complete = _next.Complete,
            SegmentCount = Layout.SegmentPages.Sum(p => (long)p.Items.Count) + Layout.Segments.Count,
            RunPages = [.. Layout.RunPages.Select(p => p.Reference)],
            Runs = [.. Layout.Runs.Select(ManifestMapping.ToDocument)],
            TopicPages = [.. Layout.TopicPages.Select(p => p.Reference)],
            Partitions =
            [
                .. Layout
                    .Partitions.Order()
                    .Select(p => ManifestMapping.ToDocument(p.Topic, _next.Topics[p.Topic].Partitions[p.Partition])),
            ],
            SegmentPages = [.. Layout.SegmentPages.Select(p => p.Reference)],
            Segments = [.. Layout.Segments.Select(ManifestMapping.ToDocument)],
            GroupPages = [.. Layout.GroupPages.Select(p => p.Reference)],
            Retired = [.. Layout.Retired],
        };
}
