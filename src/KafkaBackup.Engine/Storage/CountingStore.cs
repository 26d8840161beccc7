using System.Runtime.CompilerServices;

namespace KafkaBackup.Engine.Storage;

/// <summary>Counts calls and bytes, for figures and for tests of what an operation costs.</summary>
public sealed class CountingStore(IStore inner) : ForwardingStore(inner)
{
    private long _finds;
    private long _lists;
    private long _reads;
    private long _uploads;
    private long _puts;
    private long _deletes;
    private long _bytesRead;
    private long _bytesWritten;

    public StoreCounts Counts =>
        new(
            Interlocked.Read(ref _finds),
            Interlocked.Read(ref _lists),
            Interlocked.Read(ref _reads),
            Interlocked.Read(ref _uploads),
            Interlocked.Read(ref _puts),
            Interlocked.Read(ref _deletes),
            Interlocked.Read(ref _bytesRead),
            Interlocked.Read(ref _bytesWritten)
        );

    public override ValueTask<StoreObject?> FindAsync(string key, CancellationToken cancel)
    {
        Interlocked.Increment(ref _finds);
        return Inner.FindAsync(key, cancel);
    }

    public override IAsyncEnumerable<StoreObject> ListAsync(string prefix, CancellationToken cancel) =>
        Counted(Inner.ListAsync(prefix, cancel), cancel);

    public override IAsyncEnumerable<string> ListFoldersAsync(string prefix, CancellationToken cancel) =>
        Counted(Inner.ListFoldersAsync(prefix, cancel), cancel);

    public override IAsyncEnumerable<StoreUpload> ListUploadsAsync(string prefix, CancellationToken cancel) =>
        Counted(Inner.ListUploadsAsync(prefix, cancel), cancel);

    public override async ValueTask<int> ReadAsync(string key, long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        Interlocked.Increment(ref _reads);
        var count = await Inner.ReadAsync(key, offset, buffer, cancel).ConfigureAwait(false);
        Interlocked.Add(ref _bytesRead, count);
        return count;
    }

    public override async ValueTask<IStoreUpload> CreateAsync(string key, CancellationToken cancel)
    {
        Interlocked.Increment(ref _uploads);
        return new CountingUpload(this, await Inner.CreateAsync(key, cancel).ConfigureAwait(false));
    }

    public override async ValueTask PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        Interlocked.Increment(ref _puts);
        await Inner.PutAsync(key, content, cancel).ConfigureAwait(false);
        Interlocked.Add(ref _bytesWritten, content.Length);
    }

    public override async ValueTask<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        Interlocked.Increment(ref _puts);
        var written = await Inner.PutIfAbsentAsync(key, content, cancel).ConfigureAwait(false);
        Interlocked.Add(ref _bytesWritten, written ? content.Length : 0);
        return written;
    }

    public override ValueTask DeleteAsync(string key, CancellationToken cancel)
    {
        Interlocked.Increment(ref _deletes);
        return Inner.DeleteAsync(key, cancel);
    }

    private async IAsyncEnumerable<T> Counted<T>(IAsyncEnumerable<T> source, [EnumeratorCancellation] CancellationToken cancel)
    {
        Interlocked.Increment(ref _lists);
        await foreach (var item in source.WithCancellation(cancel).ConfigureAwait(false))
        {
            yield return item;
        }
    }

    private sealed class CountingUpload(CountingStore store, IStoreUpload inner) : IStoreUpload
    {
        public bool ShouldEnd => inner.ShouldEnd;

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
        {
            await inner.WriteAsync(content, cancel).ConfigureAwait(false);
            Interlocked.Add(ref store._bytesWritten, content.Length);
        }

        public ValueTask CommitAsync(CancellationToken cancel) => inner.CommitAsync(cancel);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}

/// <summary>What a store was asked for so far.</summary>
public sealed record StoreCounts(
    long Finds,
    long Lists,
    long Reads,
    long Uploads,
    long Puts,
    long Deletes,
    long BytesRead,
    long BytesWritten
)
{
    public long Writes => Uploads + Puts + Deletes;
}
