using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Testing.Storage;

/// <summary>Shows each call on its way in and out; what a test double does there is its own.</summary>
public abstract class InterceptingStore(IStore inner) : ForwardingStore(inner)
{
    /// <summary>May throw, wait or remember. Listing counts once, when it begins.</summary>
    protected abstract ValueTask BeforeAsync(StoreCall call, string key, CancellationToken cancel);

    protected abstract void After(StoreCall call, string key);

    /// <summary>False once the process "is dead": then an upload's dispose reaches nobody.</summary>
    protected virtual bool LetsCleanUp => true;

    /// <summary>How much of a write gets through; less than all tears it, and <see cref="After"/> is expected to throw.</summary>
    protected virtual int Torn(string key, int length) => length;

    public override ValueTask<StoreObject?> FindAsync(string key, CancellationToken cancel) =>
        AroundAsync(StoreCall.Find, key, () => Inner.FindAsync(key, cancel), cancel);

    public override IAsyncEnumerable<StoreObject> ListAsync(string prefix, CancellationToken cancel) =>
        AroundAsync(StoreCall.List, prefix, Inner.ListAsync(prefix, cancel), cancel);

    public override IAsyncEnumerable<string> ListFoldersAsync(string prefix, CancellationToken cancel) =>
        AroundAsync(StoreCall.ListFolders, prefix, Inner.ListFoldersAsync(prefix, cancel), cancel);

    public override IAsyncEnumerable<StoreUpload> ListUploadsAsync(string prefix, CancellationToken cancel) =>
        AroundAsync(StoreCall.ListUploads, prefix, Inner.ListUploadsAsync(prefix, cancel), cancel);

    public override ValueTask<int> ReadAsync(string key, long offset, Memory<byte> buffer, CancellationToken cancel) =>
        AroundAsync(StoreCall.Read, key, () => Inner.ReadAsync(key, offset, buffer, cancel), cancel);

    public override async ValueTask<IStoreUpload> CreateAsync(string key, CancellationToken cancel)
    {
        await BeforeAsync(StoreCall.Create, key, cancel).ConfigureAwait(false);
        var upload = new Upload(this, key, await Inner.CreateAsync(key, cancel).ConfigureAwait(false));
        After(StoreCall.Create, key);
        return upload;
    }

    public override async ValueTask PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        await AroundAsync(
                StoreCall.Put,
                key,
                async () =>
                {
                    await Inner.PutAsync(key, content, cancel).ConfigureAwait(false);
                    return true;
                },
                cancel
            )
            .ConfigureAwait(false);

    public override ValueTask<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        AroundAsync(StoreCall.PutIfAbsent, key, () => Inner.PutIfAbsentAsync(key, content, cancel), cancel);

    public override async ValueTask DeleteAsync(string key, CancellationToken cancel) =>
        await AroundAsync(
                StoreCall.Delete,
                key,
                async () =>
                {
                    await Inner.DeleteAsync(key, cancel).ConfigureAwait(false);
                    return true;
                },
                cancel
            )
            .ConfigureAwait(false);

    public override async ValueTask DropUploadAsync(StoreUpload upload, CancellationToken cancel) =>
        await AroundAsync(
                StoreCall.DropUpload,
                upload.Key,
                async () =>
                {
                    await Inner.DropUploadAsync(upload, cancel).ConfigureAwait(false);
                    return true;
                },
                cancel
            )
            .ConfigureAwait(false);

    public override ValueTask<DateTimeOffset> GetClockAsync(CancellationToken cancel) =>
        AroundAsync(StoreCall.Clock, "", () => Inner.GetClockAsync(cancel), cancel);

    private async ValueTask<T> AroundAsync<T>(StoreCall call, string key, Func<ValueTask<T>> run, CancellationToken cancel)
    {
        await BeforeAsync(call, key, cancel).ConfigureAwait(false);
        var result = await run().ConfigureAwait(false);
        After(call, key);
        return result;
    }

    private async IAsyncEnumerable<T> AroundAsync<T>(
        StoreCall call,
        string key,
        IAsyncEnumerable<T> source,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        await BeforeAsync(call, key, cancel).ConfigureAwait(false);
        await foreach (var item in source.WithCancellation(cancel).ConfigureAwait(false))
        {
            yield return item;
        }

        After(call, key);
    }

    private sealed class Upload(InterceptingStore store, string key, IStoreUpload inner) : IStoreUpload
    {
        public bool ShouldEnd => inner.ShouldEnd;

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
        {
            await store.BeforeAsync(StoreCall.Write, key, cancel).ConfigureAwait(false);
            await inner.WriteAsync(content[..store.Torn(key, content.Length)], cancel).ConfigureAwait(false);
            store.After(StoreCall.Write, key);
        }

        public async ValueTask CommitAsync(CancellationToken cancel)
        {
            await store.BeforeAsync(StoreCall.Commit, key, cancel).ConfigureAwait(false);
            await inner.CommitAsync(cancel).ConfigureAwait(false);
            store.After(StoreCall.Commit, key);
        }

        public ValueTask DisposeAsync() => store.LetsCleanUp ? inner.DisposeAsync() : ValueTask.CompletedTask;
    }
}
