using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// Removes what no kept head names any more: old heads, their pages, and the segments that were merged or pruned away. Can stop anywhere:
/// pages go before the head that tells of them, and segments only when every head that named them has gone.
/// </summary>
internal sealed class ManifestTrimmer(IStore store, string backupId, int keptHeads, OwnedDeletion deletion)
{
    /// <summary>
    /// A page that no head names may be one that a writer has put down and is about to name, a writer that does not know yet that it lost
    /// its lock. Nobody takes a day from page to head.
    /// </summary>
    private static readonly TimeSpan StrayPageAge = TimeSpan.FromDays(1);

    private readonly HeadSearch _search = new(store, backupId);

    /// <summary>Heads in the store by generation, with the pages they name; null until looked at.</summary>
    private readonly SortedDictionary<long, IReadOnlyList<PageReference>?> _heads = [];
    private readonly HashSet<long> _deletedRetirements = [];
    private bool _lookedForStrays;

    /// <summary>Generations whose retired segments are gone: the next head need not name them.</summary>
    public IReadOnlySet<long> DeletedRetirements => _deletedRetirements;

    public void Start(IEnumerable<long> generations)
    {
        foreach (var generation in generations)
        {
            _heads[generation] = null;
        }
    }

    public void Add(long generation, ManifestLayout layout) => _heads[generation] = layout.PageReferences.ToList();

    public async Task TrimAsync(Manifest current, ManifestLayout layout, CancellationToken cancel)
    {
        while (_heads.Count > keptHeads)
        {
            await RemoveOldestAsync(cancel).ConfigureAwait(false);
        }

        await RemoveRetiredAsync(current, layout, cancel).ConfigureAwait(false);
        if (!_lookedForStrays)
        {
            await RemoveStrayPagesAsync(cancel).ConfigureAwait(false);
            _lookedForStrays = true;
        }
    }

    private async Task RemoveOldestAsync(CancellationToken cancel)
    {
        var oldest = _heads.Keys.First();
        var own = await PagesOfAsync(oldest, cancel).ConfigureAwait(false);
        var kept = await NamedPagesAsync(_heads.Keys.Where(g => g != oldest), cancel).ConfigureAwait(false);
        await OwnedDeletion
            .EachAsync(own.Where(p => !kept.Contains(p.Key)), (page, c) => DeletePageAsync(page.Key, c), cancel)
            .ConfigureAwait(false);

        await deletion.DeleteAsync(BackupKeys.Head(oldest), cancel).ConfigureAwait(false);
        _heads.Remove(oldest);
    }

    private async Task RemoveRetiredAsync(Manifest current, ManifestLayout layout, CancellationToken cancel)
    {
        var oldest = _heads.Keys.First();
        var due = layout.Retired.Where(r => r.Generation <= oldest && !_deletedRetirements.Contains(r.Generation)).ToList();
        if (due.Count == 0)
        {
            return;
        }

        var named = current
            .Topics.Values.SelectMany(t => t.Partitions.Values)
            .SelectMany(p => p.Segments)
            .Select(s => s.Key)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var retired in due)
        {
            var keys = await ReadRetiredAsync(retired.Page, cancel).ConfigureAwait(false);
            await OwnedDeletion
                .EachAsync(
                    keys.Where(k => k.StartsWith(BackupKeys.Topics, StringComparison.Ordinal) && StoreKey.IsLegal(k) && !named.Contains(k)),
                    deletion.DeleteAsync,
                    cancel
                )
                .ConfigureAwait(false);

            _deletedRetirements.Add(retired.Generation);
        }
    }

    /// <summary>If the list and its copy are damaged, its segments stay as orphans; Repair-KafkaBackup finds them.</summary>
    private async Task<IReadOnlyList<string>> ReadRetiredAsync(PageReference page, CancellationToken cancel)
    {
        foreach (var key in (string[])[page.Key, BackupKeys.CopyOfPage(page.Key)])
        {
            if (
                await ObjectReading.ReadWholeAsync(store, Full(key), page.Size, cancel).ConfigureAwait(false) is { } bytes
                && ManifestValidation.ReadPage(page, bytes) is { Retired: { } retired }
            )
            {
                return retired;
            }
        }

        return [];
    }

    /// <summary>Left by commits that died between their pages and their head.</summary>
    private async Task RemoveStrayPagesAsync(CancellationToken cancel)
    {
        var found = new List<(string Page, StoreObject Object)>();
        foreach (
            var (folder, toPage) in ((string, Func<string, string>)[])
                [(BackupKeys.Pages, key => key), (BackupKeys.PageCopies, key => BackupKeys.Pages + key[BackupKeys.PageCopies.Length..])]
        )
        {
            await foreach (var item in store.ListAsync(Full(folder), cancel).ConfigureAwait(false))
            {
                found.Add((toPage(item.Key[(backupId.Length + 1)..]), item));
            }
        }

        var named = await NamedPagesAsync(_heads.Keys, cancel).ConfigureAwait(false);
        var stray = found.Where(f => !named.Contains(f.Page)).Select(f => f.Object).ToList();
        if (stray.Count == 0)
        {
            return;
        }

        var now = await store.GetClockAsync(cancel).ConfigureAwait(false);
        await OwnedDeletion
            .EachAsync(stray.Where(p => now - p.LastModified > StrayPageAge), deletion.TryDeleteAsync, cancel)
            .ConfigureAwait(false);
    }

    private async Task<HashSet<string>> NamedPagesAsync(IEnumerable<long> generations, CancellationToken cancel)
    {
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (var generation in generations.ToList())
        {
            named.UnionWith((await PagesOfAsync(generation, cancel).ConfigureAwait(false)).Select(p => p.Key));
        }

        return named;
    }

    /// <summary>A damaged head never serves again, so its pages need no protection.</summary>
    private async Task<IReadOnlyList<PageReference>> PagesOfAsync(long generation, CancellationToken cancel)
    {
        if (_heads[generation] is { } known)
        {
            return known;
        }

        var head = await _search.ReadAsync(generation, cancel).ConfigureAwait(false);
        IReadOnlyList<PageReference> pages = head is null ? [] : ManifestLayout.PageReferencesOf(head).ToList();
        _heads[generation] = pages;
        return pages;
    }

    private async Task DeletePageAsync(string key, CancellationToken cancel)
    {
        if (key.StartsWith(BackupKeys.Pages, StringComparison.Ordinal))
        {
            await deletion.DeleteAsync(key, cancel).ConfigureAwait(false);
            await deletion.DeleteAsync(BackupKeys.CopyOfPage(key), cancel).ConfigureAwait(false);
        }
    }

    private string Full(string key) => BackupKeys.Of(backupId, key);
}
