using Microsoft.Win32.SafeHandles;

namespace KafkaBackup.LocalBroker.Log;

/// <summary>
/// Record batches end to end in one file, with an index entry per 64 KiB so that gigabytes cost little memory. Bytes below
/// <see cref="Size"/> never change place while the file lives: whoever rewrites a log starts a new file and drops this one,
/// and readers that still hold a slice keep the old file until they are done. Calls that move <see cref="Size"/> are the
/// owner's to serialise.
/// </summary>
internal sealed class LogFile
{
    private const int BlockBytes = 64 * 1024;

    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private readonly List<Block> _blocks = [];
    private int _references = 1;

    public LogFile(string path)
    {
        _path = path;
        _handle = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);
    }

    public long Size { get; private set; }

    public void Retain()
    {
        ObjectDisposedException.ThrowIf(Interlocked.Increment(ref _references) <= 1, this);
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) > 0)
            return;
        _handle.Dispose();
        File.Delete(_path);
    }

    public void Append(ReadOnlySpan<byte> batch, in BatchHeader header)
    {
        RandomAccess.Write(_handle, batch, Size);
        if (_blocks.Count == 0 || Size - _blocks[^1].Position >= BlockBytes)
            _blocks.Add(new Block(header.BaseOffset, Size, header.MaxTimestamp));
        else if (header.MaxTimestamp > _blocks[^1].MaxTimestamp)
            _blocks[^1] = _blocks[^1] with { MaxTimestamp = header.MaxTimestamp };
        Size += batch.Length;
    }

    public void Read(long position, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            var read = RandomAccess.Read(_handle, destination, position);
            if (read == 0)
                throw new EndOfStreamException($"{_path} ends before byte {position}");
            destination = destination[read..];
            position += read;
        }
    }

    /// <summary>Damages stored bytes on purpose; see <see cref="LocalCluster.CorruptBatch"/>.</summary>
    public void Overwrite(long position, ReadOnlySpan<byte> bytes) => RandomAccess.Write(_handle, bytes, position);

    public BatchHeader HeaderAt(long position)
    {
        Span<byte> head = stackalloc byte[BatchHeader.Length];
        Read(position, head);
        return BatchHeader.Read(head);
    }

    public byte[] BatchAt(long position, in BatchHeader header)
    {
        var bytes = new byte[header.Size];
        Read(position, bytes);
        return bytes;
    }

    /// <summary>The batches from a position on, which must be a batch's start.</summary>
    public IEnumerable<(long Position, BatchHeader Header)> Batches(long position = 0)
    {
        while (position < Size)
        {
            var header = HeaderAt(position);
            yield return (position, header);
            position += header.Size;
        }
    }

    /// <summary>Where the first batch begins that holds the offset or a later one; <see cref="Size"/> when there is none.</summary>
    public long Find(long offset)
    {
        foreach (var (position, header) in Batches(StartBefore(b => b.FirstOffset <= offset)))
        {
            if (header.LastOffset >= offset)
                return position;
        }

        return Size;
    }

    /// <summary>The end of the last whole batch that fits; the first batch always fits when <paramref name="atLeastOne"/>.</summary>
    public long EndWithin(long start, long limit, long maxBytes, bool atLeastOne)
    {
        var target = maxBytes >= limit - start ? limit : start + Math.Max(maxBytes, 0);
        if (target >= limit)
            return limit;
        var end = Math.Max(start, StartBefore(b => b.Position <= target));
        foreach (var (position, header) in Batches(end))
        {
            if (position + header.Size > target)
                break;
            end = position + header.Size;
        }

        if (end == start && atLeastOne)
            end = Math.Min(limit, start + HeaderAt(start).Size);
        return end;
    }

    /// <summary>Batches that may hold a timestamp at or past <paramref name="timestamp"/>, in log order.</summary>
    public IEnumerable<(long Position, BatchHeader Header)> BatchesReaching(long timestamp)
    {
        for (var i = 0; i < _blocks.Count; i++)
        {
            if (_blocks[i].MaxTimestamp < timestamp)
                continue;
            var end = i + 1 < _blocks.Count ? _blocks[i + 1].Position : Size;
            foreach (var batch in Batches(_blocks[i].Position))
            {
                if (batch.Position >= end)
                    break;
                if (batch.Header.MaxTimestamp >= timestamp)
                    yield return batch;
            }
        }
    }

    public long MaxTimestamp() => _blocks.Count == 0 ? -1 : _blocks.Max(b => b.MaxTimestamp);

    private long StartBefore(Predicate<Block> isBefore)
    {
        int low = 0,
            high = _blocks.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (isBefore(_blocks[middle]))
                low = middle + 1;
            else
                high = middle;
        }

        return low == 0 ? 0 : _blocks[low - 1].Position;
    }

    private readonly record struct Block(long FirstOffset, long Position, long MaxTimestamp);
}
