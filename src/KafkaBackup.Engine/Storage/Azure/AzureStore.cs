using System.Runtime.CompilerServices;
using Azure.Storage.Blobs.Models;
using KafkaBackup.Engine.Storage.Remote;

namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>
/// A container, or a prefix in one, as a store. It repeats failing requests by itself (see <see cref="AzureCalls"/>) and is not to be
/// wrapped into another retry. The first call looks whether there is a blob service with this container at all.
/// </summary>
public sealed class AzureStore : IStore
{
    /// <summary>Azure knows unfinished uploads by their key only.</summary>
    internal const string UploadId = "blocks";

    private readonly AzureSession _session;
    private readonly AzureListing _listing;

    /// <param name="onRetry">Hears of every attempt that failed and is repeated.</param>
    /// <param name="onWarning">Hears what the user should know although nothing failed.</param>
    public AzureStore(
        StoreSettings settings,
        TimeProvider clock,
        Action<RetryNotice>? onRetry = null,
        Action<string>? onWarning = null,
        AzureLimits? limits = null
    )
        : this(settings, clock, onRetry, onWarning, limits, null) { }

    internal AzureStore(
        StoreSettings settings,
        TimeProvider clock,
        Action<RetryNotice>? onRetry,
        Action<string>? onWarning,
        AzureLimits? limits,
        AzureSeams? seams
    )
    {
        _session = new AzureSession(AzureOptions.From(settings), limits ?? AzureLimits.Default, clock, onRetry, onWarning, seams);
        _listing = new AzureListing(_session);
    }

    public string Location => _session.Options.Location;

    public StoreCapabilities Capabilities => new(AtomicPutIfAbsent: true, HoldsUploads: true);

    public async ValueTask<StoreObject?> FindAsync(string key, CancellationToken cancel)
    {
        StoreKey.Check(key);
        await _session.RecogniseAsync(writing: false, cancel).ConfigureAwait(false);
        return await _session.HeadAsync(key, cancel).ConfigureAwait(false) is { } head
            ? new StoreObject(key, head.ContentLength, head.LastModified) { IsArchived = head.AccessTier == AccessTier.Archive.ToString() }
            : null;
    }

    public async IAsyncEnumerable<StoreObject> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        StoreKey.CheckPrefix(prefix);
        await _session.RecogniseAsync(writing: false, cancel).ConfigureAwait(false);
        await foreach (var entry in _listing.ObjectsAsync(prefix, cancel).ConfigureAwait(false))
        {
            yield return entry;
        }
    }

    public async IAsyncEnumerable<string> ListFoldersAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        StoreKey.CheckFolder(prefix);
        await _session.RecogniseAsync(writing: false, cancel).ConfigureAwait(false);
        await foreach (var folder in _listing.FoldersAsync(prefix, cancel).ConfigureAwait(false))
        {
            yield return folder[prefix.Length..].TrimEnd('/');
        }
    }

    public async ValueTask<int> ReadAsync(string key, long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        StoreKey.Check(key);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        await _session.RecogniseAsync(writing: false, cancel).ConfigureAwait(false);
        if (buffer.Length == 0)
        {
            return await _session.HeadAsync(key, cancel).ConfigureAwait(false) is null
                ? throw _session.Faults.MissingObject(AzureCall.Read(key), null)
                : 0;
        }

        return await new AzureRead(_session, key, offset, buffer).RunAsync(cancel).ConfigureAwait(false);
    }

    public async ValueTask<IStoreUpload> CreateAsync(string key, CancellationToken cancel)
    {
        StoreKey.Check(key);
        await _session.RecogniseAsync(writing: true, cancel).ConfigureAwait(false);
        return new AzureUpload(_session, key);
    }

    public async ValueTask PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        await PutAsync(key, content, absent: false, cancel).ConfigureAwait(false);

    public ValueTask<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        PutAsync(key, content, absent: true, cancel);

    public async ValueTask DeleteAsync(string key, CancellationToken cancel)
    {
        StoreKey.Check(key);
        await _session.RecogniseAsync(writing: true, cancel).ConfigureAwait(false);
        await _session.DeleteAsync(key, cancel).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<StoreUpload> ListUploadsAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        StoreKey.CheckPrefix(prefix);
        await _session.RecogniseAsync(writing: false, cancel).ConfigureAwait(false);
        await foreach (var upload in _listing.UploadsAsync(prefix, cancel).ConfigureAwait(false))
        {
            yield return upload;
        }
    }

    public async ValueTask DropUploadAsync(StoreUpload upload, CancellationToken cancel)
    {
        StoreKey.Check(upload.Key);
        if (upload.UploadId != UploadId)
        {
            throw new ArgumentException("Not an upload of this store.", nameof(upload));
        }

        await _session.RecogniseAsync(writing: true, cancel).ConfigureAwait(false);
        await _session.DropBlocksAsync(upload.Key, cancel).ConfigureAwait(false);
    }

    /// <summary>The Date of an answer that was asked for just now.</summary>
    public async ValueTask<DateTimeOffset> GetClockAsync(CancellationToken cancel)
    {
        // Nothing is written, but only who is about to write asks for the store's clock.
        await _session.RecogniseAsync(writing: true, cancel).ConfigureAwait(false);
        await _session.ProbeAsync(cancel).ConfigureAwait(false);
        return _session.Connection.Transport.ServerTime
            ?? throw ErrorIds.StoreConfiguration.With(
                $"{_session.Connection.Address} answers without a date, so the age of locks cannot be judged.",
                Location,
                "Check whether a proxy before the server removes the Date header."
            );
    }

    public ValueTask DisposeAsync()
    {
        _session.Dispose();
        return ValueTask.CompletedTask;
    }

    private async ValueTask<bool> PutAsync(string key, ReadOnlyMemory<byte> content, bool absent, CancellationToken cancel)
    {
        StoreKey.Check(key);
        await _session.RecogniseAsync(writing: true, cancel).ConfigureAwait(false);
        return await _session
            .PutAsync(key, () => new UploadBody(content), content.Length, Guid.NewGuid().ToString("n"), absent, cancel)
            .ConfigureAwait(false);
    }
}
