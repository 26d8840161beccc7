using Microsoft.Win32.SafeHandles;

namespace KafkaBackup.Engine.Storage.Files;

/// <summary>
/// A file on its way: written under a name that no listing shows, in the folder where it will stay, flushed, then renamed, then the folder is
/// flushed. Until the rename nothing is visible; after the folder's flush it survives a crash.
/// </summary>
internal sealed class TemporaryFile : IDisposable
{
    private const int CreationAttempts = 50;

    private readonly string _path;
    private readonly string _target;
    private readonly SafeFileHandle _handle;
    private readonly UncachedWriting? _uncached;
    private bool _ended;

    private TemporaryFile(string path, string target, SafeFileHandle handle, UncachedWriting? uncached)
    {
        _path = path;
        _target = target;
        _handle = handle;
        _uncached = uncached;
    }

    public long Length { get; private set; }

    public static bool IsTemporaryName(ReadOnlySpan<char> name) => name.StartsWith(StoreKey.ReservedNameStart, StringComparison.Ordinal);

    /// <param name="target">The name that it will have.</param>
    /// <param name="uncached">For a large file that is written in pieces: goes past the page cache where that is possible. Null for a small one.</param>
    public static TemporaryFile Create(string target, PageBuffers? uncached = null)
    {
        var folder = Path.GetDirectoryName(target)!;
        for (var attempt = 1; ; attempt++)
        {
            var path = Path.Combine(folder, StoreKey.ReservedNameStart + Guid.NewGuid().ToString("n"));
            try
            {
                DurableFolder.Create(folder);
                var handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.Asynchronous);
                return new TemporaryFile(path, target, handle, uncached is null ? null : UncachedWriting.TryBegin(handle, uncached));
            }
            catch (DirectoryNotFoundException) when (attempt < CreationAttempts)
            {
                // A delete in another thread or process took the last object out of this folder, and the folder with it.
            }
        }
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        if (_uncached is null)
        {
            await RandomAccess.WriteAsync(_handle, content, Length, cancel).ConfigureAwait(false);
        }
        else
        {
            await _uncached.WriteAsync(content, cancel).ConfigureAwait(false);
        }

        Length += content.Length;
    }

    /// <summary>The same, at once: for a small file.</summary>
    public void Write(ReadOnlySpan<byte> content)
    {
        RandomAccess.Write(_handle, content, Length);
        Length += content.Length;
    }

    /// <summary>Takes the target's name, replacing what had it.</summary>
    public void Replace()
    {
        FlushAndClose();
        try
        {
            File.Move(_path, _target, overwrite: true);
        }
        catch (UnauthorizedAccessException e) when (OperatingSystem.IsWindows() && File.Exists(_target))
        {
            // Windows answers "denied" while somebody reads the target: a matter of moments.
            throw ErrorIds.StoreWrite.With($"'{_target}' is in use and cannot be replaced now.", _target, inner: e).AsTransient();
        }

        _ended = true;
        FlushFolder();
    }

    /// <summary>Takes the target's name, unless something has it: then false, and nothing has changed.</summary>
    public bool TryTakeName()
    {
        FlushAndClose();
        if (OperatingSystem.IsWindows())
        {
            try
            {
                File.Move(_path, _target, overwrite: false);
            }
            catch (IOException) when (File.Exists(_target))
            {
                return false;
            }
        }
        else if (!PosixFiles.TryMoveWithoutReplacing(_path, _target))
        {
            return false;
        }

        _ended = true;
        FlushFolder();
        return true;
    }

    public void Dispose()
    {
        _handle.Dispose();
        if (!_ended)
        {
            _ended = true;
            File.Delete(_path);
        }
    }

    private void FlushFolder()
    {
        try
        {
            DurableFolder.Flush(Path.GetDirectoryName(_target)!);
        }
        catch (DirectoryNotFoundException)
        {
            // The object was there, and somebody has deleted it already, and the folder with it.
        }
    }

    private void FlushAndClose()
    {
        _uncached?.Finish();
        RandomAccess.FlushToDisk(_handle);
        _handle.Dispose();
    }
}
