using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Testing.Storage;

/// <summary>
/// A store in memory that keeps the contract, for tests. What it holds outlives its users, like a disk: dispose does nothing.
/// </summary>
public sealed class MemoryStore(TimeProvider? clock = null) : IOpenedStore
{
    private readonly object _gate = new();
    private readonly SortedDictionary<string, (byte[] Content, DateTimeOffset Modified)> _objects = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Key, long Size, DateTimeOffset Begun)> _uploads = new(StringComparer.Ordinal);
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;

    public string Location => "memory";

    public StoreCapabilities Capabilities { get; init; } = new(AtomicPutIfAbsent: true);

    /// <summary>For tests that look at, damage or remove what is stored, behind everybody's back.</summary>
    public byte[] this[string key]
    {
        get
        {
            lock (_gate)
            {
                return [.. _objects[key].Content];
            }
        }
        set
        {
            lock (_gate)
            {
                _objects[key] = ([.. value], _clock.GetUtcNow());
            }
        }
    }

    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (_gate)
            {
                return [.. _objects.Keys];
            }
        }
    }

    public bool Remove(string key)
    {
        lock (_gate)
        {
            return _objects.Remove(key);
        }
    }

    /// <summary>An independent copy, for trying many fates from one state.</summary>
    public MemoryStore Clone()
    {
        var copy = new MemoryStore(_clock) { Capabilities = Capabilities };
        lock (_gate)
        {
            foreach (var (key, value) in _objects)
            {
                copy._objects[key] = value;
            }
        }

        return copy;
    }

    public ValueTask<StoreObject?> FindAsync(string key, CancellationToken cancel)
    {
        StoreKey.Check(key);
        cancel.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return new(_objects.TryGetValue(key, out var found) ? new StoreObject(key, found.Content.Length, found.Modified) : null);
        }
    }

    public async IAsyncEnumerable<StoreObject> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        StoreKey.CheckPrefix(prefix);
        await Task.CompletedTask.ConfigureAwait(false);
        List<StoreObject> found;
        lock (_gate)
        {
            found = _objects
                .Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal))
                .Select(o => new StoreObject(o.Key, o.Value.Content.Length, o.Value.Modified))
                .ToList();
        }

        foreach (var item in found)
        {
            cancel.ThrowIfCancellationRequested();
            yield return item;
        }
    }

    public async IAsyncEnumerable<string> ListFoldersAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        StoreKey.CheckFolder(prefix);
        string? last = null;
        await foreach (var item in ListAsync(prefix, cancel).ConfigureAwait(false))
        {
            var slash = item.Key.IndexOf('/', prefix.Length);
            var name = slash < 0 ? null : item.Key[prefix.Length..slash];
            if (name is not null && name != last)
            {
                last = name;
                yield return name;
            }
        }
    }

    public ValueTask<int> ReadAsync(string key, long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        StoreKey.Check(key);
        cancel.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (!_objects.TryGetValue(key, out var found))
            {
                throw ErrorIds.StoreObjectMissing.With($"'{key}' does not exist.", key);
            }

            var count = (int)Math.Clamp(found.Content.Length - offset, 0, buffer.Length);
            found.Content.AsSpan((int)Math.Min(offset, found.Content.Length), count).CopyTo(buffer.Span);
            return new(count);
        }
    }

    public ValueTask<IStoreUpload> CreateAsync(string key, CancellationToken cancel)
    {
        StoreKey.Check(key);
        cancel.ThrowIfCancellationRequested();
        var id = Guid.NewGuid().ToString("n");
        lock (_gate)
        {
            _uploads[id] = (key, 0, _clock.GetUtcNow());
        }

        return new(new Upload(this, id, key));
    }

    public ValueTask PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        StoreKey.Check(key);
        cancel.ThrowIfCancellationRequested();
        this[key] = content.ToArray();
        return ValueTask.CompletedTask;
    }

    public ValueTask<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        StoreKey.Check(key);
        cancel.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return new(_objects.TryAdd(key, (content.ToArray(), _clock.GetUtcNow())));
        }
    }

    public ValueTask DeleteAsync(string key, CancellationToken cancel)
    {
        StoreKey.Check(key);
        cancel.ThrowIfCancellationRequested();
        Remove(key);
        return ValueTask.CompletedTask;
    }

    public async IAsyncEnumerable<StoreUpload> ListUploadsAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        StoreKey.CheckPrefix(prefix);
        await Task.CompletedTask.ConfigureAwait(false);
        List<StoreUpload> found;
        lock (_gate)
        {
            found = _uploads
                .Where(u => u.Value.Key.StartsWith(prefix, StringComparison.Ordinal))
                .Select(u => new StoreUpload(u.Value.Key, u.Key, u.Value.Size, u.Value.Begun))
                .ToList();
        }

        foreach (var upload in found)
        {
            cancel.ThrowIfCancellationRequested();
            yield return upload;
        }
    }

    public ValueTask DropUploadAsync(StoreUpload upload, CancellationToken cancel)
    {
        lock (_gate)
        {
            _uploads.Remove(upload.UploadId);
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<DateTimeOffset> GetClockAsync(CancellationToken cancel) => new(_clock.GetUtcNow());

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Upload(MemoryStore store, string id, string key) : IStoreUpload
    {
        private readonly MemoryStream _content = new();
        private bool _committed;

        public bool ShouldEnd => false;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
        {
            cancel.ThrowIfCancellationRequested();
            _content.Write(content.Span);
            lock (store._gate)
            {
                CheckOpen();
                store._uploads[id] = store._uploads[id] with { Size = _content.Length };
            }

            return ValueTask.CompletedTask;
        }

        public ValueTask CommitAsync(CancellationToken cancel)
        {
            cancel.ThrowIfCancellationRequested();
            lock (store._gate)
            {
                CheckOpen();
                store._uploads.Remove(id);
                store._objects[key] = (_content.ToArray(), store._clock.GetUtcNow());
                _committed = true;
            }

            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            lock (store._gate)
            {
                if (!_committed)
                {
                    store._uploads.Remove(id);
                }
            }

            return ValueTask.CompletedTask;
        }

        private void CheckOpen()
        {
            if (!store._uploads.ContainsKey(id))
            {
                throw ErrorIds.StoreWrite.With($"The upload of '{key}' has ended.", key);
            }
        }
    }
}
