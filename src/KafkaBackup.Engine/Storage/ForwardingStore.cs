namespace KafkaBackup.Engine.Storage;

/// <summary>What all decorators share: hands every call on. A decorator overrides what it changes.</summary>
public abstract class ForwardingStore(IStore inner) : IStore
{
    protected IStore Inner { get; } = inner;

    public virtual string Location => Inner.Location;

    public virtual StoreCapabilities Capabilities => Inner.Capabilities;

    public virtual ValueTask<StoreObject?> FindAsync(string key, CancellationToken cancel) => Inner.FindAsync(key, cancel);

    public virtual IAsyncEnumerable<StoreObject> ListAsync(string prefix, CancellationToken cancel) => Inner.ListAsync(prefix, cancel);

    public virtual IAsyncEnumerable<string> ListFoldersAsync(string prefix, CancellationToken cancel) =>
        Inner.ListFoldersAsync(prefix, cancel);

    public virtual ValueTask<int> ReadAsync(string key, long offset, Memory<byte> buffer, CancellationToken cancel) =>
        Inner.ReadAsync(key, offset, buffer, cancel);

    public virtual ValueTask<IStoreUpload> CreateAsync(string key, CancellationToken cancel) => Inner.CreateAsync(key, cancel);

    public virtual ValueTask PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        Inner.PutAsync(key, content, cancel);

    public virtual ValueTask<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        Inner.PutIfAbsentAsync(key, content, cancel);

    public virtual ValueTask DeleteAsync(string key, CancellationToken cancel) => Inner.DeleteAsync(key, cancel);

    public virtual IAsyncEnumerable<StoreUpload> ListUploadsAsync(string prefix, CancellationToken cancel) =>
        Inner.ListUploadsAsync(prefix, cancel);

    public virtual ValueTask DropUploadAsync(StoreUpload upload, CancellationToken cancel) => Inner.DropUploadAsync(upload, cancel);

    public virtual ValueTask<DateTimeOffset> GetClockAsync(CancellationToken cancel) => Inner.GetClockAsync(cancel);

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Inner.DisposeAsync();
    }
}
