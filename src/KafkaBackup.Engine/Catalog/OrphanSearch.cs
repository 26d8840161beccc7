using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Catalog;

/// <summary>An object that no head names: what a run left that died before its commit, or a removal that was interrupted.</summary>
/// <param name="IsSegment">Else a page of a manifest.</param>
public sealed record Orphan(StoreObject Object, bool IsSegment)
{
    /// <summary>False for a name that no store takes, so it can be removed by hand only.</summary>
    public bool HasLegalName => StoreKey.IsLegal(Object.Key);
}

/// <summary>
/// Finds a backup's orphans. A run at work has segments that its next head will name: whoever wants to remove orphans holds the backup's
/// lock. Only what this tool writes is ever called an orphan; other files are nobody's business.
/// </summary>
internal sealed class OrphanSearch(IStore store, OpenedBackup backup)
{
    public async IAsyncEnumerable<Orphan> RunAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        // First what is there, then what is named: see NamedObjects.
        var found = new List<Orphan>();
        foreach (var folder in (string[])[BackupKeys.PageCopies, BackupKeys.Pages, BackupKeys.Topics])
        {
            await foreach (var item in store.ListAsync(BackupKeys.Of(backup.BackupId, folder), cancel).ConfigureAwait(false))
            {
                found.Add(new Orphan(item, folder == BackupKeys.Topics));
            }
        }

        var named = await NamedObjects.ReadAsync(store, backup.BackupId, backup, cancel).ConfigureAwait(false);
        foreach (var item in found)
        {
            var key = item.Object.Key[(backup.BackupId.Length + 1)..];
            var isNamed = item.IsSegment
                ? named.Segments.Contains(key) || !key.EndsWith(BackupKeys.SegmentExtension, StringComparison.Ordinal)
                : named.Pages.Contains(key);
            if (!isNamed)
            {
                yield return item;
            }
        }
    }
}
