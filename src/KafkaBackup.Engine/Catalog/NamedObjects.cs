using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// What the heads in the store name, older ones too: one may have to serve if the newest is damaged tomorrow. Whoever looks for leftovers
/// lists the objects first and asks this after it, or what is committed in between would look like one.
/// </summary>
/// <param name="Segments">Keys below the backup, with the damaged segments that gaps remember.</param>
/// <param name="Pages">Pages and their copies.</param>
/// <param name="AllRead">False when a head could not be read, which may name more.</param>
internal sealed record NamedObjects(IReadOnlySet<string> Segments, IReadOnlySet<string> Pages, bool AllRead)
{
    /// <param name="known">Is not read again.</param>
    public static async Task<NamedObjects> ReadAsync(IStore store, string backupId, OpenedBackup? known, CancellationToken cancel)
    {
        var segments = new HashSet<string>(StringComparer.Ordinal);
        var pages = new HashSet<string>(StringComparer.Ordinal);
        var allRead = true;
        if (known is not null)
        {
            segments.UnionWith(SegmentsOf(known.Manifest));
            Name(pages, known.Layout.PageReferences);
        }

        var search = new HeadSearch(store, backupId);
        foreach (var generation in await search.ListGenerationsAsync(cancel).ConfigureAwait(false))
        {
            if (generation == known?.Generation)
            {
                continue;
            }

            if (await search.ReadAsync(generation, cancel).ConfigureAwait(false) is not { } head)
            {
                allRead = false;
                continue;
            }

            Name(pages, ManifestLayout.PageReferencesOf(head));
            try
            {
                var (manifest, _, _) = await new ManifestLoader(store, backupId).LoadAsync(head, cancel).ConfigureAwait(false);
                segments.UnionWith(SegmentsOf(manifest));
            }
            catch (KafkaBackupException e) when (e.Definition == ErrorIds.ManifestDamaged)
            {
                allRead = false;
            }
        }

        return new NamedObjects(segments, pages, allRead);
    }

    public static IEnumerable<string> SegmentsOf(Manifest manifest) =>
        manifest
            .Topics.Values.SelectMany(t => t.Partitions.Values)
            .SelectMany(p => p.Segments)
            .Select(s => s.Key)
            .Concat(LeftOutSegment.In(manifest));

    private static void Name(HashSet<string> named, IEnumerable<PageReference> pages)
    {
        foreach (var page in pages)
        {
            named.Add(page.Key);
            if (page.Key.StartsWith(BackupKeys.Pages, StringComparison.Ordinal))
            {
                named.Add(BackupKeys.CopyOfPage(page.Key));
            }
        }
    }
}
