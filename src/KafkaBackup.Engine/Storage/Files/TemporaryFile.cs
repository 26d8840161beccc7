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
    private bool _ended;

    private TemporaryFile(string path, string target, SafeFileHandle handle)
    {
        _path = path;
        _target = target;
        _handle = handle;
    }

    public long Length { get; private set; }

    public static bool IsTemporaryName(ReadOnlySpan<char> name) => name.StartsWith(StoreKey.ReservedNameStart, StringComparison.Ordinal);

    public static TemporaryFile Create(string target)
    {
        var folder = Path.GetDirectoryName(target)!;
        for (var attempt = 1; ; attempt++)
        {
            var path = Path.Combine(folder, StoreKey.ReservedNameStart + Guid.NewGuid().ToString("n"));
            try
            {
                DurableFolder.Create(folder);
                return new TemporaryFile(path, target, File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.Asynchronous));
            }
            catch (DirectoryNotFoundException) when (attempt < CreationAttempts)
            {
                // A delete in another thread or process took the last object out of this folder, and the folder with it.
            }
        }
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        await RandomAccess.WriteAsync(_handle, content, Length, cancel).ConfigureAwait(false);
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
        RandomAccess.FlushToDisk(_handle);
        _handle.Dispose();
    }
}
