using System.Runtime.CompilerServices;
using System.Text;
using Azure;
using Azure.Storage.Blobs.Models;

namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>
/// Listings, page by page. A server that repeats a page or goes back would make a listing endless or wrong: order is checked from name to
/// name. Accounts with a hierarchical namespace list folder by folder, which is another order: there each folder is sorted here.
/// </summary>
internal sealed class AzureListing(AzureSession session)
{
    public async IAsyncEnumerable<StoreObject> ObjectsAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        var last = "";
        var hasFolders = false;
        await foreach (var blob in FlatAsync(prefix, BlobStates.None, cancel).ConfigureAwait(false))
        {
            if (AzureSession.IsFolder(blob.Metadata))
            {
                hasFolders = true;
                break;
            }

            Advance(ref last, blob.Name, prefix);
            if (IsObject(blob))
            {
                yield return ToObject(blob);
            }
        }

        if (!hasFolders)
        {
            yield break;
        }

        await foreach (var blob in WalkAsync(session.Options.Prefix + prefix, cancel).ConfigureAwait(false))
        {
            if (CompareBytes(blob.Name, last) > 0 && IsObject(blob))
            {
                yield return ToObject(blob);
            }
        }
    }

    /// <summary>Full prefixes, each ending in '/'.</summary>
    public async IAsyncEnumerable<string> FoldersAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        var last = "";
        await foreach (var item in LevelAsync(session.Options.Prefix + prefix, cancel).ConfigureAwait(false))
        {
            if (item.IsPrefix)
            {
                Advance(ref last, item.Prefix, prefix);
                yield return Relative(item.Prefix);
            }
        }
    }

    /// <summary>Blobs that have blocks and no content, and the marks of dropped uploads whose writer died in that moment.</summary>
    public async IAsyncEnumerable<StoreUpload> UploadsAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var blob in FlatAsync(prefix, BlobStates.Uncommitted, cancel).ConfigureAwait(false))
        {
            if (blob.Properties.ContentLength is > 0 || AzureSession.IsFolder(blob.Metadata))
            {
                continue;
            }

            var key = Relative(blob.Name);
            if (AzureSession.IsDropped(blob.Metadata))
            {
                yield return new StoreUpload(key, AzureStore.UploadId, 0, blob.Properties.LastModified ?? default);
            }
            else if (await BlocksAsync(key, cancel).ConfigureAwait(false) is [var first, ..] blocks)
            {
                yield return new StoreUpload(
                    key,
                    AzureStore.UploadId,
                    blocks.Sum(block => block.SizeLong),
                    blob.Properties.LastModified ?? AzureUpload.BeginningIn(first.Name) ?? session.Time.GetUtcNow()
                );
            }
        }
    }

    private async Task<IReadOnlyList<BlobBlock>> BlocksAsync(string key, CancellationToken cancel)
    {
        try
        {
            var answer = await session
                .Calls.RunAsync(
                    AzureCall.Read(key),
                    stop => session.Blob(key).GetBlockListAsync(BlockListTypes.All, cancellationToken: stop),
                    cancel
                )
                .ConfigureAwait(false);
            return answer.Value.CommittedBlocks.Any() ? [] : [.. answer.Value.UncommittedBlocks];
        }
        catch (KafkaBackupException e) when (e.Definition == ErrorIds.StoreObjectMissing)
        {
            // It ended while we were listing.
            return [];
        }
    }

    private IAsyncEnumerable<BlobItem> FlatAsync(string prefix, BlobStates states, CancellationToken cancel)
    {
        var options = new GetBlobsOptions
        {
            Prefix = session.Options.Prefix + prefix,
            Traits = BlobTraits.Metadata,
            States = states,
        };
        return PagesAsync(prefix, stop => session.Connection.Container.GetBlobsAsync(options, stop), cancel);
    }

    private IAsyncEnumerable<BlobHierarchyItem> LevelAsync(string fullPrefix, CancellationToken cancel)
    {
        var options = new GetBlobsByHierarchyOptions
        {
            Prefix = fullPrefix,
            Delimiter = "/",
            Traits = BlobTraits.Metadata,
        };
        return PagesAsync(Relative(fullPrefix), stop => session.Connection.Container.GetBlobsByHierarchyAsync(options, stop), cancel);
    }

    /// <summary>All blobs below, in the order of their names: level by level, sorted with the slash that ends a folder's name.</summary>
    private async IAsyncEnumerable<BlobItem> WalkAsync(string fullPrefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        var level = new List<(string Name, BlobItem? Blob)>();
        await foreach (var item in LevelAsync(fullPrefix, cancel).ConfigureAwait(false))
        {
            level.Add(item.IsPrefix ? (item.Prefix, null) : (item.Blob.Name, item.Blob));
        }

        level.Sort((a, b) => CompareBytes(a.Name, b.Name));
        foreach (var (name, blob) in level)
        {
            if (blob is not null)
            {
                yield return blob;
                continue;
            }

            await foreach (var below in WalkAsync(name, cancel).ConfigureAwait(false))
            {
                yield return below;
            }
        }
    }

    private async IAsyncEnumerable<T> PagesAsync<T>(
        string prefix,
        Func<CancellationToken, AsyncPageable<T>> list,
        [EnumeratorCancellation] CancellationToken cancel
    )
        where T : notnull
    {
        var call = AzureCall.List(prefix);
        string? next = null;
        do
        {
            var from = next;
            var page = await session
                .Calls.RunAsync(
                    call,
                    async stop =>
                    {
                        await foreach (var one in list(stop).AsPages(from).ConfigureAwait(false))
                        {
                            return one;
                        }

                        throw session.Faults.Suspect(call, "with something that is not a listing.");
                    },
                    cancel
                )
                .ConfigureAwait(false);
            foreach (var item in page.Values)
            {
                yield return item;
            }

            next = page.ContinuationToken;
            if (!string.IsNullOrEmpty(next) && next == from)
            {
                throw Repeats(prefix);
            }
        } while (!string.IsNullOrEmpty(next));
    }

    private void Advance(ref string last, string name, string prefix)
    {
        if (CompareBytes(last, name) >= 0 && string.CompareOrdinal(last, name) >= 0)
        {
            throw Repeats(prefix);
        }

        last = name;
    }

    /// <summary>Without folders: as blobs of their own, or as the empty blobs whose names end in '/' that tools make.</summary>
    private static bool IsObject(BlobItem blob) => blob.Name[^1] != '/' && !AzureSession.IsNoObject(blob.Metadata);

    private StoreObject ToObject(BlobItem blob) =>
        new(Relative(blob.Name), blob.Properties.ContentLength ?? 0, blob.Properties.LastModified ?? default)
        {
            IsArchived = blob.Properties.AccessTier == AccessTier.Archive,
        };

    private string Relative(string fullKey) =>
        fullKey.StartsWith(session.Options.Prefix, StringComparison.Ordinal) ? fullKey[session.Options.Prefix.Length..] : fullKey;

    private KafkaBackupException Repeats(string prefix) =>
        ErrorIds.StoreRead.With(
            $"{session.Connection.Address} lists {session.Options.Location} wrongly: pages repeat, are out of order or do not continue.",
            prefix,
            "No conclusion can be drawn from such a listing. Check the server, or a proxy before it."
        );

    private static int CompareBytes(string a, string b) => Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b));
}
