using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Storage.Remote;

namespace KafkaBackup.Engine.Storage.S3;

/// <summary>
/// A bucket, or a prefix in one, as a store. It repeats failing requests by itself (see <see cref="S3Calls"/>) and is not to be wrapped
/// into another retry. The first call looks whether there is an S3 server with this bucket at all; the first put-if-absent finds out
/// whether the server honours its condition.
/// </summary>
public sealed class S3Store : IStore
{
    private const string ScratchUpload = "object";

    private readonly S3Session _session;
    private readonly S3Listing _listing;
    private readonly S3Conditions _conditions;

    /// <param name="onRetry">Hears of every attempt that failed and is repeated.</param>
    /// <param name="onWarning">Hears what the user should know although nothing failed.</param>
    public S3Store(
        StoreSettings settings,
        TimeProvider clock,
        Action<RetryNotice>? onRetry = null,
        Action<string>? onWarning = null,
        S3Limits? limits = null
    )
    {
        _session = new S3Session(S3Options.From(settings), limits ?? S3Limits.Default, clock, onRetry, onWarning);
        _listing = new S3Listing(_session);
        _conditions = new S3Conditions(_session);
    }

    public string Location => _session.Options.Location;

    /// <summary>
    /// What is proven: false until <see cref="DetectCapabilitiesAsync"/> or the first put-if-absent has asked the server.
    /// </summary>
    public StoreCapabilities Capabilities => new(AtomicPutIfAbsent: _conditions.Honoured is true, HoldsUploads: true);

    /// <summary>
    /// Finds out whether the server honours If-None-Match. Writes, and removes again, a scratch object; asks once per store.
    /// </summary>
    public async ValueTask<StoreCapabilities> DetectCapabilitiesAsync(CancellationToken cancel)
    {
        await _session.RecogniseAsync(cancel).ConfigureAwait(false);
        await _conditions.DetectAsync(cancel).ConfigureAwait(false);
        return Capabilities;
    }

    public async ValueTask<StoreObject?> FindAsync(string key, CancellationToken cancel)
    {
        StoreKey.Check(key);
        await _session.RecogniseAsync(cancel).ConfigureAwait(false);
        return await _session.HeadAsync(key, cancel).ConfigureAwait(false) is { } head
            ? new StoreObject(key, head.ContentLength, new DateTimeOffset((head.LastModified ?? default).ToUniversalTime()))
            : null;
    }

    public async IAsyncEnumerable<StoreObject> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        StoreKey.CheckPrefix(prefix);
        await _session.RecogniseAsync(cancel).ConfigureAwait(false);
        await foreach (var entry in _listing.ObjectsAsync(prefix, cancel).ConfigureAwait(false))
        {
            yield return entry;
        }
    }

    public async IAsyncEnumerable<string> ListFoldersAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        StoreKey.CheckFolder(prefix);
        await _session.RecogniseAsync(cancel).ConfigureAwait(false);
        await foreach (var folder in _listing.FoldersAsync(prefix, cancel).ConfigureAwait(false))
        {
            yield return folder[prefix.Length..].TrimEnd('/');
        }
    }

    public async ValueTask<int> ReadAsync(string key, long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        StoreKey.Check(key);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        await _session.RecogniseAsync(cancel).ConfigureAwait(false);
        if (buffer.Length == 0)
        {
            return await _session.HeadAsync(key, cancel).ConfigureAwait(false) is null ? throw Missing(key) : 0;
        }

        return await new S3Read(_session, key, offset, buffer).RunAsync(cancel).ConfigureAwait(false);
    }

    public async ValueTask<IStoreUpload> CreateAsync(string key, CancellationToken cancel)
    {
        StoreKey.Check(key);
        await _session.RecogniseAsync(cancel).ConfigureAwait(false);
        return new S3Upload(_session, key);
    }

    public async ValueTask PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        StoreKey.Check(key);
        await _session.RecogniseAsync(cancel).ConfigureAwait(false);
        await _session
            .PutAsync(key, () => new UploadBody(content), content.Length, Guid.NewGuid().ToString("n"), cancel)
            .ConfigureAwait(false);
    }

    public async ValueTask<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        StoreKey.Check(key);
        await _session.RecogniseAsync(cancel).ConfigureAwait(false);
        return await _conditions.PutIfAbsentAsync(key, content, cancel).ConfigureAwait(false);
    }

    public async ValueTask DeleteAsync(string key, CancellationToken cancel)
    {
        StoreKey.Check(key);
        await _session.RecogniseAsync(cancel).ConfigureAwait(false);
        await _session.DeleteAsync(key, cancel).ConfigureAwait(false);
    }

    /// <summary>Multipart uploads that were begun, and scratch objects that a killed process left.</summary>
    public async IAsyncEnumerable<StoreUpload> ListUploadsAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        StoreKey.CheckPrefix(prefix);
        await _session.RecogniseAsync(cancel).ConfigureAwait(false);
        if (prefix.Length == 0)
        {
            await foreach (var scratch in _listing.ScratchAsync(cancel).ConfigureAwait(false))
            {
                yield return new StoreUpload(scratch.Key, ScratchUpload, scratch.Size, scratch.LastModified);
            }
        }

        await foreach (var upload in _listing.UploadsAsync(prefix, cancel).ConfigureAwait(false))
        {
            yield return upload;
        }
    }

    public async ValueTask DropUploadAsync(StoreUpload upload, CancellationToken cancel)
    {
        await _session.RecogniseAsync(cancel).ConfigureAwait(false);
        if (upload.UploadId != ScratchUpload)
        {
            StoreKey.Check(upload.Key);
            await _session.AbortAsync(upload.Key, upload.UploadId, cancel).ConfigureAwait(false);
        }
        else if (upload.Key.StartsWith(StoreKey.ReservedNameStart, StringComparison.Ordinal))
        {
            await _session.DeleteAsync(upload.Key, cancel).ConfigureAwait(false);
        }
        else
        {
            throw new ArgumentException("Not an upload of this store.", nameof(upload));
        }
    }

    /// <summary>The Date of an answer that was asked for just now.</summary>
    public async ValueTask<DateTimeOffset> GetClockAsync(CancellationToken cancel)
    {
        await _session.RecogniseAsync(cancel).ConfigureAwait(false);
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
        _conditions.Dispose();
        _session.Dispose();
        return ValueTask.CompletedTask;
    }

    private KafkaBackupException Missing(string key) => ErrorIds.StoreObjectMissing.With($"There is no object '{key}' in {Location}.", key);
}
