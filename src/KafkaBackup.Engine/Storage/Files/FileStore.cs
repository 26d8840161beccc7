using System.Runtime.CompilerServices;

namespace KafkaBackup.Engine.Storage.Files;

/// <summary>
/// A folder as a store. Every read opens its file anew: no handle is kept, so nothing stands in the way of renames and deletes, also on
/// Windows; opening costs microseconds beside the mebibyte that is read. The folder is created by the first write.
/// </summary>
public sealed class FileStore : IStore
{
    private readonly string _root;
    private readonly FileAccessRights _rights;
    private readonly StoreMarker _marker;
    private readonly PageBuffers _pageBuffers = new();

    /// <param name="root">An absolute path. It may be a link itself; links below it are refused.</param>
    /// <param name="followUmask">Leave the rights of new files to the umask; else only their owner has any.</param>
    public FileStore(string root, bool followUmask = false)
    {
        if (!Path.IsPathFullyQualified(root))
        {
            throw ErrorIds.InvalidPath.With($"'{root}' is not an absolute path.", root);
        }

        _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        _rights = followUmask ? FileAccessRights.Umask : FileAccessRights.Private;
        _marker = new StoreMarker(_root, _rights);
    }

    public string Location => _root;

    public StoreCapabilities Capabilities { get; } = new(AtomicPutIfAbsent: true);

    public ValueTask<StoreObject?> FindAsync(string key, CancellationToken cancel)
    {
        var path = Resolve(key);
        return Reading(
            path,
            () =>
            {
                var file = new FileInfo(path);
                if (!file.Exists)
                {
                    CheckRoot();
                    FilePath.CheckReadable(path);
                    return null;
                }

                return new StoreObject(key, file.Length, file.LastWriteTimeUtc);
            },
            cancel
        );
    }

    public async IAsyncEnumerable<StoreObject> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        StoreKey.CheckPrefix(prefix);
        await foreach (var (folder, entry) in WalkAsync(prefix, cancel).ConfigureAwait(false))
        {
            if (!entry.IsTemporary)
            {
                yield return new StoreObject(folder + entry.Name, entry.Size, entry.LastModified);
            }
        }
    }

    public async IAsyncEnumerable<string> ListFoldersAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        StoreKey.CheckFolder(prefix);
        foreach (var entry in await ReadFolderAsync(prefix, "", cancel).ConfigureAwait(false))
        {
            if (entry.IsFolder && await HoldsObjectsAsync(prefix + entry.Order, cancel).ConfigureAwait(false))
            {
                yield return entry.Name;
            }
        }
    }

    public async ValueTask<int> ReadAsync(string key, long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var path = Resolve(key);
        try
        {
            using var handle = RegularFile.Open(_root, key, path);
            var count = 0;
            while (count < buffer.Length)
            {
                var read = await RandomAccess.ReadAsync(handle, buffer[count..], offset + count, cancel).ConfigureAwait(false);
                if (read == 0)
                {
                    break;
                }

                count += read;
            }

            return count;
        }
        catch (UnauthorizedAccessException e) when (Directory.Exists(path))
        {
            throw ErrorIds.StoreObjectMissing.With($"'{path}' is a folder.", path, inner: e);
        }
        catch (Exception e) when (FileFault.IsFileException(e))
        {
            throw ReadFault(e, path);
        }
    }

    public async ValueTask<IStoreUpload> CreateAsync(string key, CancellationToken cancel) =>
        new FileUpload(this, await BeginAsync(key, _pageBuffers, cancel).ConfigureAwait(false), Resolve(key));

    public async ValueTask PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        await using var upload = new FileUpload(this, await BeginAsync(key, null, cancel).ConfigureAwait(false), Resolve(key));
        await upload.WriteAsync(content, cancel).ConfigureAwait(false);
        await upload.CommitAsync(cancel).ConfigureAwait(false);
    }

    public async ValueTask<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        var path = Resolve(key);
        try
        {
            using var file = await BeginAsync(key, null, cancel).ConfigureAwait(false);
            await file.WriteAsync(content, cancel).ConfigureAwait(false);
            return await Task.Run(
                    () =>
                    {
                        RequireItself();
                        return file.TryTakeName();
                    },
                    cancel
                )
                .ConfigureAwait(false);
        }
        catch (Exception e) when (FileFault.IsFileException(e))
        {
            throw WriteFault(e, path);
        }
    }

    public ValueTask DeleteAsync(string key, CancellationToken cancel) => RemoveAsync(Resolve(key), cancel);

    public async IAsyncEnumerable<StoreUpload> ListUploadsAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        StoreKey.CheckPrefix(prefix);
        var folderEnd = prefix.LastIndexOf('/') + 1;
        await foreach (var (folder, entry) in WalkAsync(prefix[..folderEnd], cancel).ConfigureAwait(false))
        {
            // A temporary file does not say which name it is for: all of the folder's belong to an unfinished last part.
            if (entry.IsTemporary && (folder.Length == folderEnd || folder.StartsWith(prefix, StringComparison.Ordinal)))
            {
                yield return new StoreUpload(folder + entry.Name, entry.Name, entry.Size, entry.LastModified);
            }
        }
    }

    public ValueTask DropUploadAsync(StoreUpload upload, CancellationToken cancel)
    {
        if (!TemporaryFile.IsTemporaryName(upload.UploadId) || upload.UploadId.Contains('/', StringComparison.Ordinal))
        {
            throw new ArgumentException("Not an upload of this store.", nameof(upload));
        }

        var folder = upload.Key[..(upload.Key.LastIndexOf('/') + 1)];
        StoreKey.CheckFolder(folder);
        return RemoveAsync(Path.Combine(ResolveFolder(folder), upload.UploadId), cancel);
    }

    /// <summary>What the file system stamps on a new file: on a share that is the server's clock, not this machine's.</summary>
    public ValueTask<DateTimeOffset> GetClockAsync(CancellationToken cancel)
    {
        var probe = Path.Combine(_root, StoreKey.ReservedNameStart + Guid.NewGuid().ToString("n"));
        return new(
            Task.Run(
                () =>
                {
                    try
                    {
                        CheckRoot();
                        using (var file = _rights.CreateFile(probe))
                        {
                            file.WriteByte(0);
                        }

                        try
                        {
                            return new DateTimeOffset(File.GetLastWriteTimeUtc(probe));
                        }
                        finally
                        {
                            File.Delete(probe);
                        }
                    }
                    catch (Exception e) when (FileFault.IsFileException(e))
                    {
                        throw WriteFault(e, probe);
                    }
                },
                cancel
            )
        );
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async ValueTask<TemporaryFile> BeginAsync(string key, PageBuffers? uncached, CancellationToken cancel)
    {
        var path = Resolve(key);
        try
        {
            return await Task.Run(
                    () =>
                    {
                        _marker.RequireForWriting();
                        return TemporaryFile.Create(path, uncached, _rights, within: _root);
                    },
                    cancel
                )
                .ConfigureAwait(false);
        }
        catch (Exception e) when (FileFault.IsFileException(e))
        {
            throw WriteFault(e, path);
        }
    }

    private async ValueTask RemoveAsync(string path, CancellationToken cancel)
    {
        try
        {
            await Task.Run(
                    () =>
                    {
                        RequireItself();
                        FileRemoval.Remove(path, _root);
                    },
                    cancel
                )
                .ConfigureAwait(false);
        }
        catch (Exception e) when (FileFault.IsFileException(e))
        {
            throw WriteFault(e, path);
        }
    }

    private async ValueTask<bool> HoldsObjectsAsync(string prefix, CancellationToken cancel)
    {
        await foreach (var (_, entry) in WalkAsync(prefix, cancel).ConfigureAwait(false))
        {
            if (!entry.IsTemporary)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Files whose key starts with the prefix, in ordinal order of keys, with the folder's key ("" or ending in '/').</summary>
    private async IAsyncEnumerable<(string Folder, FileTree.Entry Entry)> WalkAsync(
        string prefix,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        var start = prefix.LastIndexOf('/') + 1;
        var open = new Stack<(string Folder, List<FileTree.Entry> Entries, int Next)>();
        open.Push((prefix[..start], await ReadFolderAsync(prefix[..start], prefix[start..], cancel).ConfigureAwait(false), 0));
        while (open.TryPop(out var current))
        {
            if (current.Next >= current.Entries.Count)
            {
                continue;
            }

            open.Push(current with { Next = current.Next + 1 });
            var entry = current.Entries[current.Next];
            if (entry.IsFolder)
            {
                var folder = current.Folder + entry.Order;
                open.Push((folder, await ReadFolderAsync(folder, "", cancel).ConfigureAwait(false), 0));
            }
            else
            {
                yield return (current.Folder, entry);
            }
        }
    }

    /// <summary>A folder that is not there has no entries, but a root that is not there is an error.</summary>
    private ValueTask<List<FileTree.Entry>> ReadFolderAsync(string folder, string namePrefix, CancellationToken cancel)
    {
        var path = ResolveFolder(folder);
        return Reading(
            path,
            () =>
            {
                try
                {
                    var entries = FileTree.Read(path, namePrefix);
                    if (folder.Length == 0)
                    {
                        entries.RemoveAll(e => e.Name == StoreMarker.Name);
                    }

                    if (entries.Count == 0)
                    {
                        CheckRoot();
                    }

                    return entries;
                }
                catch (DirectoryNotFoundException)
                {
                    CheckRoot();
                    FilePath.CheckReadable(path);
                    return [];
                }
            },
            cancel
        );
    }

    private async ValueTask<T> Reading<T>(string path, Func<T> read, CancellationToken cancel)
    {
        try
        {
            return await Task.Run(read, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (FileFault.IsFileException(e))
        {
            throw ReadFault(e, path);
        }
    }

    /// <summary>Throws StoreLost when this is not the folder any more that it was.</summary>
    internal void RequireItself() => _marker.Require();

    internal KafkaBackupException WriteFault(Exception cause, string path) => OrLost(FileFault.Writing(cause, _root, path));

    private KafkaBackupException ReadFault(Exception cause, string path)
    {
        var error = OrLost(FileFault.Reading(cause, _root, path));
        if (error.Definition == ErrorIds.StoreObjectMissing)
        {
            RequireItself();
        }

        return error;
    }

    private KafkaBackupException OrLost(KafkaBackupException error) =>
        error.Definition == ErrorIds.StoreNotFound && _marker.WasSeen ? _marker.Lost("is missing, and so is the folder", error) : error;

    /// <summary>Before it is said that something is not there: the whole store may be gone.</summary>
    private void CheckRoot()
    {
        if (!Directory.Exists(_root))
        {
            throw OrLost(FileFault.MissingRoot(_root));
        }

        RequireItself();
    }

    private string Resolve(string key)
    {
        StoreKey.Check(key);
        return FilePath.Follow(_root, key);
    }

    private string ResolveFolder(string folder) => folder.Length == 0 ? _root : FilePath.Follow(_root, folder.TrimEnd('/'));
}
