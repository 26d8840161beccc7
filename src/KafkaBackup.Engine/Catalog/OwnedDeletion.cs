using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// The one way in which anything of a backup is deleted. Each delete asks the store right before whether the lock is still ours, for a
/// process may be paused between any two steps and be succeeded meanwhile. What was merely found also has to be older than our lock:
/// whatever came later is a successor's. Throws BackupLockLost when the lock is another's.
/// </summary>
internal sealed class OwnedDeletion(IStore store, string backupId, BackupLock held)
{
    /// <summary>In an object store each delete takes two round trips, and there may be many thousands.</summary>
    public const int AtOnce = 8;

    /// <summary>
    /// Deletes several at a time what may go in any order; each asks for itself whether the lock is still ours. When it returns all are
    /// done; the first error ends it, and nothing is begun after that.
    /// </summary>
    public static Task EachAsync<T>(IEnumerable<T> all, Func<T, CancellationToken, Task> delete, CancellationToken cancel) =>
        Parallel.ForEachAsync(all, Options(cancel), async (one, c) => await delete(one, c).ConfigureAwait(false));

    public static Task EachAsync<T>(IAsyncEnumerable<T> all, Func<T, CancellationToken, Task> delete, CancellationToken cancel) =>
        Parallel.ForEachAsync(all, Options(cancel), async (one, c) => await delete(one, c).ConfigureAwait(false));

    /// <summary>An object below the backup that we know by its name.</summary>
    public async Task DeleteAsync(string key, CancellationToken cancel)
    {
        await held.VerifyAsync(cancel).ConfigureAwait(false);
        await store.DeleteAsync(BackupKeys.Of(backupId, key), cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// Something that a listing showed. False when it stays, because it is newer than our lock or its name is not one that a store takes.
    /// </summary>
    public async Task<bool> TryDeleteAsync(StoreObject found, CancellationToken cancel)
    {
        if (!StoreKey.IsLegal(found.Key) || found.LastModified > held.TakenAt)
        {
            return false;
        }

        await held.VerifyAsync(cancel).ConfigureAwait(false);
        await store.DeleteAsync(found.Key, cancel).ConfigureAwait(false);
        return true;
    }

    /// <summary>The same for an unfinished upload.</summary>
    public async Task<bool> TryDropAsync(StoreUpload upload, CancellationToken cancel)
    {
        if (!StoreKey.IsLegalPrefix(upload.Key) || upload.LastModified > held.TakenAt)
        {
            return false;
        }

        await held.VerifyAsync(cancel).ConfigureAwait(false);
        await store.DropUploadAsync(upload, cancel).ConfigureAwait(false);
        return true;
    }

    /// <summary>
    /// Takes back an object that we alone can have written, although the lock may be another's by now: only while it holds exactly our
    /// bytes.
    /// </summary>
    public async Task WithdrawAsync(string key, byte[] content, CancellationToken cancel)
    {
        var full = BackupKeys.Of(backupId, key);
        if (
            await ObjectReading.ReadWholeAsync(store, full, content.Length, cancel).ConfigureAwait(false) is { } there
            && there.AsSpan().SequenceEqual(content)
        )
        {
            await store.DeleteAsync(full, cancel).ConfigureAwait(false);
        }
    }

    private static ParallelOptions Options(CancellationToken cancel) =>
        new() { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel };
}
