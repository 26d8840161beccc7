using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KafkaBackup.Engine.Storage.Files;

/// <summary>
/// Writes a file front to back past the page cache. A backup is larger than memory and is not read again soon: through the cache each byte
/// is copied once more, pushes out what other programs (often the broker itself) have there, and waits for the flush at the end. Only whole
/// pages can go that way: a file's last bytes are written as usual by Finish.
/// </summary>
internal sealed class UncachedWriting
{
    private const int InvalidArgument = 22;

    private readonly SafeFileHandle _handle;
    private readonly PageBuffers _buffers;
    private readonly byte[] _rest = new byte[PageBuffers.Page];
    private int _restLength;
    private long _written;
    private bool _uncached = true;

    private UncachedWriting(SafeFileHandle handle, PageBuffers buffers)
    {
        _handle = handle;
        _buffers = buffers;
    }

    /// <summary>Null where the platform or the file system has no such way (tmpfs, some shares): write as usual.</summary>
    public static UncachedWriting? TryBegin(SafeFileHandle handle, PageBuffers buffers) =>
        PosixFiles.TrySetUncached(handle, true) ? new UncachedWriting(handle, buffers) : null;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        var buffer = _buffers.Take();
        try
        {
            while (_restLength + content.Length >= PageBuffers.Page)
            {
                _rest.AsSpan(0, _restLength).CopyTo(buffer.Span);
                var pages = Math.Min(buffer.Length, (_restLength + content.Length) & -PageBuffers.Page);
                content.Span[..(pages - _restLength)].CopyTo(buffer.Span[_restLength..]);
                content = content[(pages - _restLength)..];
                _restLength = 0;
                await WritePagesAsync(buffer[..pages], cancel).ConfigureAwait(false);
            }
        }
        finally
        {
            _buffers.Return(buffer);
        }

        content.Span.CopyTo(_rest.AsSpan(_restLength));
        _restLength += content.Length;
    }

    /// <summary>Writes what is left of the last page; the file is then to be flushed as any other.</summary>
    public void Finish()
    {
        BackToCached();
        RandomAccess.Write(_handle, _rest.AsSpan(0, _restLength), _written);
        _written += _restLength;
        _restLength = 0;
    }

    private async ValueTask WritePagesAsync(ReadOnlyMemory<byte> pages, CancellationToken cancel)
    {
        try
        {
            await RandomAccess.WriteAsync(_handle, pages, _written, cancel).ConfigureAwait(false);
        }
        catch (IOException e) when (_uncached && e.HResult == InvalidArgument)
        {
            // Some file systems say only here that they can't, or want larger pages; and a disk that has become full ends a write within a
            // page.
            BackToCached();
            await RandomAccess.WriteAsync(_handle, pages, _written, cancel).ConfigureAwait(false);
        }

        _written += pages.Length;
    }

    private void BackToCached()
    {
        if (_uncached)
        {
            _uncached = false;
            _ = PosixFiles.TrySetUncached(_handle, false);
        }
    }
}

/// <summary>Memory that lies on pages, used again and again by all files of a store: as much as is written at the same time.</summary>
internal sealed class PageBuffers
{
    public const int Page = 4096;

    private const int Size = 1 << 20;

    private readonly ConcurrentBag<Memory<byte>> _idle = [];

    public Memory<byte> Take() => _idle.TryTake(out var buffer) ? buffer : Make();

    public void Return(Memory<byte> buffer) => _idle.Add(buffer);

    private static Memory<byte> Make()
    {
        var array = GC.AllocateUninitializedArray<byte>(Size + Page, pinned: true);
        var toPage = (int)(-Marshal.UnsafeAddrOfPinnedArrayElement(array, 0) & (Page - 1));
        return array.AsMemory(toPage, Size);
    }
}
