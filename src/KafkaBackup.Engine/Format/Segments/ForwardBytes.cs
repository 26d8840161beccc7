using System.Security.Cryptography;
using KafkaBackup.Engine.Format.Blocks;

namespace KafkaBackup.Engine.Format.Segments;

/// <summary>A file front to back: shows the next bytes in one piece, hashes every byte once, and forgets what has been consumed.</summary>
internal sealed class ForwardBytes(ReadRange read, long length) : IDisposable
{
    private const int SmallestWindow = 256 << 10;
    private readonly IncrementalHash _sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private BlockBuffer _window = BlockBuffer.OutsidePool(SmallestWindow);
    private int _start;
    private int _end;

    /// <summary>Of the next byte.</summary>
    public long Position { get; private set; }

    public long Remaining => length - Position;

    public bool AtEnd => Remaining <= 0;

    /// <summary>The next bytes, as many as asked for; fewer only when the file ends before. Valid until the next call.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> PeekAsync(int count, CancellationToken cancel)
    {
        count = (int)Math.Min(count, Remaining);
        if (_end - _start < count)
        {
            await FillAsync(count, cancel).ConfigureAwait(false);
        }

        return _window.Memory.Slice(_start, Math.Min(count, _end - _start));
    }

    /// <summary>Whatever is at hand: at least one byte before the end.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> PeekAnyAsync(CancellationToken cancel)
    {
        await PeekAsync(1, cancel).ConfigureAwait(false);
        return _window.Memory[_start.._end];
    }

    /// <summary>Goes on; only over bytes that have been shown.</summary>
    public void Consume(int count)
    {
        _start += count;
        Position += count;
    }

    /// <summary>Reads to the end and gives the SHA-256 of the whole file, lower-case hex.</summary>
    public async ValueTask<string> HashToEndAsync(CancellationToken cancel)
    {
        while (!AtEnd && (await PeekAnyAsync(cancel).ConfigureAwait(false)).Length is > 0 and var count)
        {
            Consume(count);
        }

        return Convert.ToHexString(_sha.GetHashAndReset()).ToLowerInvariant();
    }

    public void Dispose()
    {
        _sha.Dispose();
        ((IDisposable)_window).Dispose();
    }

    private async ValueTask FillAsync(int count, CancellationToken cancel)
    {
        var kept = _window.Memory[_start.._end];
        if (count > _window.Capacity)
        {
            var larger = BlockBuffer.OutsidePool(count);
            kept.CopyTo(larger.Memory);
            ((IDisposable)_window).Dispose();
            _window = larger;
        }
        else
        {
            kept.Span.CopyTo(_window.GetSpan());
        }

        _end -= _start;
        _start = 0;
        var wanted = (int)Math.Min(_window.Capacity - _end, length - Position - _end);
        var got = await read.ReadFullyAsync(Position + _end, _window.Memory.Slice(_end, wanted), cancel).ConfigureAwait(false);
        _sha.AppendData(_window.Memory.Span.Slice(_end, got));
        _end += got;
        if (_end < count)
        {
            // The store has promised more than it holds: what is there is all there is.
            length = Position + _end;
        }
    }
}
