using System.Text.Json;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>
/// Topic descriptions from pages that no head names any more, or whose heads are damaged: better an older config than none.
/// </summary>
internal sealed class StrayDescriptions(IStore store, string backupId)
{
    public async Task<IReadOnlyDictionary<string, TopicDocument>> FindAsync(CancellationToken cancel)
    {
        var newest = new SortedDictionary<string, TopicDocument>(StringComparer.Ordinal);
        foreach (var folder in (string[])[BackupKeys.PageCopies, BackupKeys.Pages])
        {
            // In the order of generations, so that a later description replaces an earlier one.
            await foreach (var item in store.ListAsync(BackupKeys.Of(backupId, folder), cancel).ConfigureAwait(false))
            {
                if (
                    StoreKey.IsLegal(item.Key)
                    && await ObjectReading.ReadWholeAsync(store, item.Key, item.Size, cancel).ConfigureAwait(false) is { } bytes
                )
                {
                    foreach (var topic in Parse(bytes))
                    {
                        newest[topic.Name] = topic;
                    }
                }
            }
        }

        return newest;
    }

    private static List<TopicDocument> Parse(byte[] page)
    {
        try
        {
            return JsonSerializer.Deserialize(page, PageJson.Default.PageFile)?.Topics?.FindAll(ManifestValidation.IsSound) ?? [];
        }
        catch (JsonException)
        {
            // One of those that are damaged; the others may tell.
            return [];
        }
    }
}
