using Microsoft.Win32.SafeHandles;

namespace KafkaBackup.Engine.Storage.Files;

/// <summary>
/// A file on its way: written under a name that no listing shows, in the folder where it will stay, flushed, then renamed, then the folder
/// is flushed. Until the rename nothing is visible; after the folder's flush it survives a crash.
/// </summary>
internal sealed class TemporaryFile : IDisposable
{
    private const int CreationAttempts = 50;

    private readonly string _path;
    private readonly string _target;
    private readonly FileStream _stream;
    private readonly SafeFileHandle _handle;
    private readonly UncachedWriting? _uncached;
    private bool _ended;

    private TemporaryFile(string path, string target, FileStream stream, UncachedWriting? uncached)
    {
        _path = path;
        _target = target;
        _stream = stream;
        _handle = stream.SafeFileHandle;
        _uncached = uncached;
    }

    public long Length { get; private set; }

    public static bool IsTemporaryName(ReadOnlySpan<char> name) => name.StartsWith(StoreKey.ReservedNameStart, StringComparison.Ordinal);

    /// <param name="target">The name that it will have.</param>
    /// <param name="uncached">For a large file that is written in pieces: goes past the page cache where that is possible. Null for a small
    /// one.</param>
    /// <param name="rights">Null for its owner alone.</param>
    /// <param name="within">A folder above the target that must be there; null to create whatever is missing.</param>
    public static TemporaryFile Create(string target, PageBuffers? uncached = null, FileAccessRights? rights = null, string? within = null)
    {
        rights ??= FileAccessRights.Private;
        var folder = Path.GetDirectoryName(target)!;
        for (var attempt = 1; ; attempt++)
        {
            var path = Path.Combine(folder, StoreKey.ReservedNameStart + Guid.NewGuid().ToString("n"));
            try
            {
                DurableFolder.Create(folder, rights, within);
                var stream = rights.CreateFile(path);
                return new TemporaryFile(
                    path,
                    target,
                    stream,
                    uncached is null ? null : UncachedWriting.TryBegin(stream.SafeFileHandle, uncached)
                );
            }
            catch (DirectoryNotFoundException) when (attempt < CreationAttempts && (within is null || Directory.Exists(within)))
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
        _stream.Dispose();
        if (!_ended)
        {
            _ended = true;
            try
            {
                File.Delete(_path);
            }
            catch (DirectoryNotFoundException)
            {
                // The folder has gone, and the file with it.
            }
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
        _stream.Dispose();
    }
}
