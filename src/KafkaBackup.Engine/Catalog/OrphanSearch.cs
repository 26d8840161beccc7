using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Catalog;

/// <summary>An object that no head names: what a run left that died before its commit, or a removal that was interrupted.</summary>
/// <param name="IsSegment">Else a page of a manifest.</param>
public sealed record Orphan(StoreObject Object, bool IsSegment);

/// <summary>
/// Finds a backup's orphans. A run at work has segments that its next head will name: whoever wants to remove orphans holds the backup's lock. Only
/// what this tool writes is ever called an orphan; other files are nobody's business.
/// </summary>
internal sealed class OrphanSearch(IStore store, OpenedBackup backup)
{
    public async IAsyncEnumerable<Orphan> RunAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        var (segments, pages) = await NamedAsync(cancel).ConfigureAwait(false);
        foreach (var folder in (string[])[BackupKeys.PageCopies, BackupKeys.Pages, BackupKeys.Topics])
        {
            var isSegment = folder == BackupKeys.Topics;
            await foreach (var found in store.ListAsync(BackupKeys.Of(backup.BackupId, folder), cancel).ConfigureAwait(false))
            {
                var key = found.Key[(backup.BackupId.Length + 1)..];
                var isNamed = isSegment ? segments.Contains(key) || !key.EndsWith(BackupKeys.SegmentExtension, StringComparison.Ordinal) : pages.Contains(key);
                if (!isNamed)
                {
                    yield return new Orphan(found, isSegment);
                }
            }
        }
    }

    /// <summary>By all heads that can be read: an older one may have to serve if the newest is damaged tomorrow.</summary>
    private async Task<(HashSet<string> Segments, HashSet<string> Pages)> NamedAsync(CancellationToken cancel)
    {
        var segments = SegmentsOf(backup.Manifest).ToHashSet(StringComparer.Ordinal);
        var pages = new HashSet<string>(StringComparer.Ordinal);
        Name(pages, backup.Layout.PageReferences);
        var search = new HeadSearch(store, backup.BackupId);
        foreach (var generation in await search.ListGenerationsAsync(cancel).ConfigureAwait(false))
        {
            if (generation == backup.Generation || await search.ReadAsync(generation, cancel).ConfigureAwait(false) is not { } head)
            {
                continue;
            }

            Name(pages, ManifestLayout.PageReferencesOf(head));
            try
            {
                var (manifest, _, _) = await new ManifestLoader(store, backup.BackupId).LoadAsync(head, cancel).ConfigureAwait(false);
                segments.UnionWith(SegmentsOf(manifest));
            }
            catch (KafkaBackupException e) when (e.Definition == ErrorIds.ManifestDamaged)
            {
                // This head cannot serve any more, so what it alone named is lost to it.
            }
        }

        return (segments, pages);
    }

    private static IEnumerable<string> SegmentsOf(Manifest manifest) =>
        manifest.Topics.Values.SelectMany(t => t.Partitions.Values).SelectMany(p => p.Segments).Select(s => s.Key).Concat(LeftOutSegment.In(manifest));

    private static void Name(HashSet<string> named, IEnumerable<PageReference> pages)
    {
        foreach (var page in pages)
        {
            named.Add(page.Key);
            named.Add(BackupKeys.CopyOfPage(page.Key));
        }
    }
}
