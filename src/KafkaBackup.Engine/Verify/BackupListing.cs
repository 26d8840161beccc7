using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>Which backups a store holds. A damaged one is reported, and the others are still shown.</summary>
internal sealed class BackupListing(EngineServices services, IEngineEvents events)
{
    /// <param name="pattern">A glob over ids; a plain id that is not there is the error BackupNotFound; null for all.</param>
    public async IAsyncEnumerable<BackupInfo> ListAsync(
        StoreSettings settings,
        string? pattern,
        IReadOnlyList<string>? topics,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        var narrowed = topics is null ? null : PatternSet.ForTopics(topics);
        var store = new ReadOnlyStore(services.OpenStore(settings, events), services.Clock);
        await using (store.ConfigureAwait(false))
        {
            var catalog = new BackupCatalog(store);
            var description = new BackupDescription(catalog, settings);
            if (pattern is not null && pattern.AsSpan().IndexOfAny('*', '?') < 0)
            {
                var only = await catalog.OpenAsync(pattern, cancel).ConfigureAwait(false);
                yield return await description.DescribeAsync(only, narrowed, cancel).ConfigureAwait(false);
                yield break;
            }

            await foreach (var id in catalog.ListAsync(pattern, cancel).ConfigureAwait(false))
            {
                if (await TryDescribeAsync(catalog, description, id, narrowed, cancel).ConfigureAwait(false) is { } info)
                {
                    yield return info;
                }
            }
        }
    }

    private async Task<BackupInfo?> TryDescribeAsync(
        BackupCatalog catalog,
        BackupDescription description,
        string id,
        PatternSet? topics,
        CancellationToken cancel
    )
    {
        try
        {
            return await catalog.FindAsync(id, cancel).ConfigureAwait(false) is { } backup
                ? await description.DescribeAsync(backup, topics, cancel).ConfigureAwait(false)
                : null;
        }
        catch (KafkaBackupException error) when (IsAboutOneBackup(error))
        {
            events.Error(error);
            return null;
        }
    }

    /// <summary>
    /// Of a store that cannot be reached nothing more can be said; of one backup that cannot be read the others are none the worse.
    /// </summary>
    private static bool IsAboutOneBackup(KafkaBackupException error) =>
        error.Definition == ErrorIds.ManifestDamaged
        || error.Definition == ErrorIds.FormatTooNew
        || error.Definition == ErrorIds.ForeignFolder
        || error.Definition == ErrorIds.StoreRead
        || error.Definition == ErrorIds.StoreAccessDenied
        || error.Definition == ErrorIds.InvalidPath;
}
