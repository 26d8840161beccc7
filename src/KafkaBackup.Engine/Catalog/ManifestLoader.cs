using System.Collections.Concurrent;
using System.Collections.ObjectModel;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// From a head to the value: reads its pages, several at a time, each checked against the head's SHA-256; a damaged page's copy serves.
/// </summary>
internal sealed class ManifestLoader(IStore store, string backupId)
{
    /// <summary>Object stores answer in tens of milliseconds, so a hundred pages are asked for side by side.</summary>
    private const int PagesAtOnce = 8;

    private readonly ConcurrentQueue<Finding> _findings = new();
    private readonly ConcurrentDictionary<string, string> _shared = new(StringComparer.Ordinal);

    public async Task<(Manifest Manifest, ManifestLayout Layout, IReadOnlyList<Finding> Findings)> LoadAsync(
        HeadDocument head,
        CancellationToken cancel
    )
    {
        var segmentPages = new LaidOutPage<PlacedSegment>[head.SegmentPages.Count];
        var topicDocuments = new (PageReference Reference, List<TopicDocument> Topics, bool Whole)[head.TopicPages.Count];
        var runPages = new LaidOutPage<RunEntry>[head.RunPages.Count];
        var groupPages = new LaidOutPage<GroupSnapshot>[head.GroupPages.Count];
        var work = new List<Func<CancellationToken, Task>>();
        for (var i = 0; i < segmentPages.Length; i++)
        {
            var (place, reference) = (i, head.SegmentPages[i]);
            work.Add(async c =>
            {
                var (page, whole) = await ReadPageAsync(reference, p => p.Segments?.Count, c).ConfigureAwait(false);
                segmentPages[place] = new(reference, page.Segments!.ConvertAll(s => ManifestMapping.ToEntry(s, Share)), whole);
            });
        }

        for (var i = 0; i < topicDocuments.Length; i++)
        {
            var (place, reference) = (i, head.TopicPages[i]);
            work.Add(async c =>
            {
                var (page, whole) = await ReadPageAsync(reference, p => p.Topics?.Count, c).ConfigureAwait(false);
                topicDocuments[place] = (reference, page.Topics!, whole);
            });
        }

        for (var i = 0; i < runPages.Length; i++)
        {
            var (place, reference) = (i, head.RunPages[i]);
            work.Add(async c =>
            {
                var (page, whole) = await ReadPageAsync(reference, p => p.Runs?.Count, c).ConfigureAwait(false);
                runPages[place] = new(reference, page.Runs!.ConvertAll(ManifestMapping.ToEntry), whole);
            });
        }

        for (var i = 0; i < groupPages.Length; i++)
        {
            var (place, reference) = (i, head.GroupPages[i]);
            work.Add(async c =>
            {
                var (page, whole) = await ReadPageAsync(reference, p => p.Groups is null ? null : 1, c).ConfigureAwait(false);
                groupPages[place] = new(reference, [ManifestMapping.ToEntry(page.Groups!)], whole);
            });
        }

        await Parallel
            .ForEachAsync(
                work,
                new ParallelOptions { MaxDegreeOfParallelism = PagesAtOnce, CancellationToken = cancel },
                async (read, c) => await read(c).ConfigureAwait(false)
            )
            .ConfigureAwait(false);

        var layout = new ManifestLayout
        {
            RunPages = runPages,
            Runs = head.Runs.ConvertAll(ManifestMapping.ToEntry),
            TopicPages = [.. topicDocuments.Select(p => new LaidOutPage<string>(p.Reference, p.Topics.ConvertAll(t => t.Name), p.Whole))],
            Partitions = head.Partitions.Select(p => new TopicPartition(p.Topic ?? "", p.Partition)).ToHashSet(),
            SegmentPages = segmentPages,
            Segments = head.Segments.ConvertAll(s => ManifestMapping.ToEntry(s, Share)),
            GroupPages = groupPages,
            Retired = head.Retired,
        };
        return (Assemble(head, layout, topicDocuments.SelectMany(p => p.Topics)), layout, [.. _findings]);
    }

    private Manifest Assemble(HeadDocument head, ManifestLayout layout, IEnumerable<TopicDocument> topicDocuments)
    {
        var segments = GroupByPartition(layout, out var count);
        if (count != head.SegmentCount)
        {
            throw Damaged(BackupKeys.Head(head.Generation), $"names {count} segments where it counts {head.SegmentCount}");
        }

        var newer = head.Partitions.ToDictionary(p => new TopicPartition(p.Topic ?? "", p.Partition));
        var topics = new Dictionary<string, TopicEntry>(StringComparer.Ordinal);
        foreach (var topic in topicDocuments)
        {
            var partitions = new SortedDictionary<int, PartitionEntry>();
            foreach (var inPage in topic.Partitions)
            {
                var place = new TopicPartition(topic.Name, inPage.Partition);
                segments.Remove(place, out var own);
                partitions[inPage.Partition] = ManifestMapping.ToEntry(newer.GetValueOrDefault(place, inPage), own ?? []);
            }

            topics[topic.Name] = ManifestMapping.ToEntry(topic, new ReadOnlyDictionary<int, PartitionEntry>(partitions));
        }

        if (segments.Count > 0)
        {
            throw Damaged(
                BackupKeys.Head(head.Generation),
                $"names segments of {segments.Keys.First()}, a partition that it does not describe"
            );
        }

        return new Manifest
        {
            BackupId = head.BackupId,
            Generation = head.Generation,
            CreatedAt = head.CreatedAt,
            UpdatedAt = head.UpdatedAt,
            SourceClusterId = head.SourceClusterId,
            Complete = head.Complete,
            Runs = [.. layout.RunPages.SelectMany(p => p.Items).Concat(layout.Runs).OrderBy(r => r.StartedAt)],
            Topics = topics,
            GroupSnapshots = [.. layout.GroupPages.SelectMany(p => p.Items)],
        };
    }

    private static Dictionary<TopicPartition, List<SegmentEntry>> GroupByPartition(ManifestLayout layout, out long count)
    {
        var groups = new Dictionary<TopicPartition, List<SegmentEntry>>();
        count = 0;
        foreach (var segment in layout.SegmentPages.SelectMany(p => p.Items).Concat(layout.Segments))
        {
            var place = new TopicPartition(segment.Topic, segment.Partition);
            if (!groups.TryGetValue(place, out var list))
            {
                groups[place] = list = [];
            }

            list.Add(segment.Entry);
            count++;
        }

        foreach (var list in groups.Values)
        {
            // Nearly always in order already; merged segments may stand behind later ones.
            list.Sort(static (left, right) => left.FirstOffset.CompareTo(right.FirstOffset));
        }

        return groups;
    }

    private async Task<(PageFile Page, bool Whole)> ReadPageAsync(
        PageReference reference,
        Func<PageFile, int?> items,
        CancellationToken cancel
    )
    {
        if (await TryReadAsync(reference.Key, reference, items, cancel).ConfigureAwait(false) is { } page)
        {
            return (page, true);
        }

        var copyKey = BackupKeys.CopyOfPage(CheckedPageKey(reference));
        if (await TryReadAsync(copyKey, reference, items, cancel).ConfigureAwait(false) is { } copy)
        {
            _findings.Enqueue(
                new Finding(
                    FindingSeverity.Warning,
                    FindingKind.ManifestDamaged,
                    BackupKeys.Of(backupId, reference.Key),
                    "A page of the manifest is missing or damaged; its copy is whole and serves.",
                    "The next run rewrites it."
                )
            );
            return (copy, false);
        }

        throw Damaged(reference.Key, "and its copy are missing or damaged");
    }

    private async Task<PageFile?> TryReadAsync(string key, PageReference reference, Func<PageFile, int?> items, CancellationToken cancel)
    {
        var bytes = await ObjectReading.ReadWholeAsync(store, BackupKeys.Of(backupId, key), reference.Size, cancel).ConfigureAwait(false);
        var page = bytes is null ? null : ManifestValidation.ReadPage(reference, bytes);
        return page is not null && items(page) == reference.Items ? page : null;
    }

    private string CheckedPageKey(PageReference reference) =>
        reference.Key.StartsWith(BackupKeys.Pages, StringComparison.Ordinal)
            ? reference.Key
            : throw Damaged(reference.Key, "is not a page's name");

    private KafkaBackupException Damaged(string key, string what) =>
        ErrorIds.ManifestDamaged.With(
            $"The manifest of backup '{backupId}' in {store.Location} is damaged: '{key}' {what}.",
            BackupKeys.Of(backupId, key)
        );

    private string Share(string text) => _shared.GetOrAdd(text, text);
}
