namespace KafkaBackup.Engine.Storage;

/// <summary>
/// Where backups live: a flat space of keys and bytes. The contract, which every store passes as one test suite (rule C3):
/// <list type="bullet">
/// <item>Keys are '/'-separated, relative, without empty, '.' or '..' parts; the store never touches anything outside its root.</item>
/// <item>An object is visible whole or not at all. An upload that is not committed never becomes visible, whatever happens.</item>
/// <item>When a commit, put or delete returns, its effect survives a crash of the machine.</item>
/// <item>Listing is in ordinal key order, complete, and does not show uncommitted uploads.</item>
/// <item>Failures are KafkaBackupExceptions (Store... ids) that say whether trying again can help: see <see cref="StoreFault"/>.</item>
/// <item>Where the store itself (the root folder, the bucket) is not there, reading is the error StoreNotFound, never "empty"; the first
/// write creates a folder.</item>
/// <item>A cancelled call leaves nothing half visible and writes nothing after it has returned.</item>
/// </list>
/// All members may be called from several threads at once.
/// </summary>
public interface IStore : IAsyncDisposable
{
    /// <summary>What users see: the folder or <c>s3://bucket/prefix</c>.</summary>
    string Location { get; }

    /// <summary>Null when there is no such object.</summary>
    ValueTask<StoreObject?> FindAsync(string key, CancellationToken cancel);

    /// <summary>Objects whose key starts with the prefix (a plain string prefix), in ordinal order.</summary>
    IAsyncEnumerable<StoreObject> ListAsync(string prefix, CancellationToken cancel);

    /// <summary>
    /// The names directly below a folder-like prefix ("" or one that ends in '/'): what lies up to the next '/', without it, once each.
    /// </summary>
    IAsyncEnumerable<string> ListFoldersAsync(string prefix, CancellationToken cancel);

    /// <summary>
    /// Reads up to the buffer's length from the offset; returns the count, which is smaller only at the object's end.
    /// A missing object is the error StoreObjectMissing.
    /// </summary>
    ValueTask<int> ReadAsync(string key, long offset, Memory<byte> buffer, CancellationToken cancel);

    /// <summary>Starts a new object, to be written front to back.</summary>
    ValueTask<IStoreUpload> CreateAsync(string key, CancellationToken cancel);

    /// <summary>Writes a small object whole, replacing what was there.</summary>
    ValueTask PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel);

    /// <summary>Writes a small object only if there is none of that key. False when there is one; of several at once, exactly one gets true
    /// (where <see cref="StoreCapabilities.AtomicPutIfAbsent"/> says so).</summary>
    ValueTask<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel);

    /// <summary>Removes an object; removing what is not there is no error.</summary>
    ValueTask DeleteAsync(string key, CancellationToken cancel);

    /// <summary>
    /// Uploads below the prefix that were begun and neither committed nor dropped: of a writer that is at work, or of one that died.
    /// </summary>
    IAsyncEnumerable<StoreUpload> ListUploadsAsync(string prefix, CancellationToken cancel);

    /// <summary>Removes what an unfinished upload left behind; one that has gone is no error.</summary>
    ValueTask DropUploadAsync(StoreUpload upload, CancellationToken cancel);

    /// <summary>The store's own clock, for judging the age of locks; machines' clocks differ.</summary>
    ValueTask<DateTimeOffset> GetClockAsync(CancellationToken cancel);

    StoreCapabilities Capabilities { get; }
}

/// <summary>An object being written. Dispose without commit drops it.</summary>
public interface IStoreUpload : IAsyncDisposable
{
    ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel);

    /// <summary>Makes the object durable and visible. After it has returned, dispose does nothing.</summary>
    ValueTask CommitAsync(CancellationToken cancel);

    /// <summary>
    /// Advice for a writer that may end its object anywhere: what the store's uploads hold in memory is at its limit, and this one holds
    /// its share of it or more. Nothing fails where the advice is not taken; memory grows.
    /// </summary>
    bool ShouldEnd { get; }
}

public sealed record StoreObject(string Key, long Size, DateTimeOffset LastModified)
{
    /// <summary>What to do about an archived object, the same words wherever it is met.</summary>
    public const string ArchivedAdvice =
        "Bring the backup's objects back to a tier that can be read first (rehydrate or restore them: that takes hours), and keep lifecycle rules from archiving them.";

    /// <summary>It is in an archive tier and must be rehydrated before it can be read.</summary>
    public bool IsArchived { get; init; }
}

/// <summary>An upload that has not ended. Of key and id, only the folder part of the key has a meaning to others than the store.</summary>
public sealed record StoreUpload(string Key, string UploadId, long Size, DateTimeOffset LastModified);

/// <param name="AtomicPutIfAbsent">False where the server ignores the condition: then only the lock's heartbeat keeps writers
/// apart.</param>
/// <param name="HoldsUploads">What is written waits in memory of the store's own until it is sent: whoever writes need not hold much ready
/// for it.</param>
public sealed record StoreCapabilities(bool AtomicPutIfAbsent, bool HoldsUploads = false);
