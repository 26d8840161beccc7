using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Compression;

namespace KafkaBackup.Engine.Format.Segments;

/// <summary>
/// Reads a segment block by block, by its index. Bytes that are not what a writer wrote are a SegmentDamagedException, whatever they are;
/// memory stays within what the file's real length and the checked headers account for. One call at a time.
/// </summary>
public sealed class SegmentReader : IDisposable
{
    private readonly ReadRange _read;
    private readonly BlockBufferPool _pool;
    private readonly ReadOnlyMemory<byte> _footer;
    private readonly BlockInfo[] _blocks;
    private readonly BlockDecompressor _decompressor = new();
    private readonly int _readAhead;
    private readonly SegmentProof? _proof;
    private BlockBuffer? _window;
    private long _windowStart;
    private int _windowLength;

    internal SegmentReader(
        string place,
        SegmentHeader header,
        BlockInfo[] blocks,
        ReadOnlyMemory<byte> footer,
        ReadRange read,
        BlockBufferPool pool,
        int readAhead,
        SegmentProof? proof = null
    )
    {
        _proof = proof;
        Place = place;
        Header = header;
        _blocks = blocks;
        _footer = footer;
        _read = read;
        _pool = pool;
        _readAhead = readAhead;
        Stats = blocks.Aggregate(default(BlockStats), static (sum, block) => sum.Add(block.Stats));
    }

    /// <summary>The segment's key or path, for messages.</summary>
    public string Place { get; }

    public SegmentHeader Header { get; }

    public IReadOnlyList<BlockInfo> Blocks => _blocks;

    /// <summary>The sum over the blocks.</summary>
    public BlockStats Stats { get; }

    /// <summary>
    /// True once every byte was read and is the file that the manifest names: never before the last block, and never when blocks were left
    /// out.
    /// </summary>
    public bool IsProven => _proof?.IsProven ?? false;

    /// <summary>Reads header and index: two reads at once, a third when there are thousands of blocks.</summary>
    /// <param name="place">The segment's key or path, for messages.</param>
    /// <param name="length">The file's real length.</param>
    /// <param name="pool">Where the blocks' memory comes from.</param>
    /// <param name="readAhead">Neighbouring blocks are read together up to so many bytes; 0 for single blocks here and there.</param>
    /// <param name="sha256">Of the whole file, as the manifest has it; a file that is read whole is then held to it. Empty where it is not
    /// known.</param>
    public static ValueTask<SegmentReader> OpenAsync(
        string place,
        ReadRange read,
        long length,
        BlockBufferPool pool,
        int readAhead,
        CancellationToken cancel,
        string sha256 = ""
    ) => new SegmentOpening(place, read, length, sha256: sha256).OpenAsync(pool, readAhead, cancel);

    /// <summary>Reads one block. Waits while the pool is empty.</summary>
    public async ValueTask<RecordBlock> ReadBlockAsync(int index, CancellationToken cancel)
    {
        var info = _blocks[index];
        var buffer = await _pool.RentAsync(info.RawLength, cancel).ConfigureAwait(false);
        try
        {
            var stored = await FetchAsync(index, buffer, cancel).ConfigureAwait(false);
            var damage = Check(index, stored.Span) ?? Unpack(info, stored.Span, buffer);
            return damage is null ? new RecordBlock(buffer, info, Place, index) : throw Damaged(index, DamageKind.Corrupt, damage);
        }
        catch
        {
            ((IDisposable)buffer).Dispose();
            throw;
        }
    }

    /// <summary>All blocks that the filter lets through, in order. The caller disposes each.</summary>
    public async IAsyncEnumerable<RecordBlock> ReadBlocksAsync(
        Func<BlockInfo, bool>? filter,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        for (var index = 0; index < _blocks.Length; index++)
        {
            if (filter is null || filter(_blocks[index]))
            {
                yield return await ReadBlockAsync(index, cancel).ConfigureAwait(false);
            }
        }
    }

    public void Dispose()
    {
        _decompressor.Dispose();
        _proof?.Dispose();
        ((IDisposable?)_window)?.Dispose();
        _window = null;
        _windowLength = 0;
    }

    /// <summary>Header and stored bytes: in the block's own buffer when it is stored as it is, else in the window.</summary>
    private async ValueTask<ReadOnlyMemory<byte>> FetchAsync(int index, BlockBuffer buffer, CancellationToken cancel)
    {
        var info = _blocks[index];
        var length = (int)info.TotalLength;
        if (info.FileOffset >= _windowStart && info.FileOffset + length <= _windowStart + _windowLength)
        {
            return _window!.Memory.Slice((int)(info.FileOffset - _windowStart), length);
        }

        var span = LengthToRead(index);
        if (info.Codec == CompressionKind.None && span == length)
        {
            var count = await _read.ReadFullyAsync(info.FileOffset, buffer.Memory[..length], cancel).ConfigureAwait(false);
            Prove(info.FileOffset, buffer.Memory.Span[..count]);
            return count == length ? buffer.Memory[..length] : throw Damaged(index, DamageKind.Truncated, "the file ends inside it");
        }

        _windowLength = 0;
        if (_window is null || _window.Capacity < span)
        {
            ((IDisposable?)_window)?.Dispose();
            _window = null;
            _window = BlockBuffer.OutsidePool(Math.Max(span, Math.Min(_readAhead, FileBytes)));
        }

        var read = await _read.ReadFullyAsync(info.FileOffset, _window.Memory[..span], cancel).ConfigureAwait(false);
        _windowStart = info.FileOffset;
        _windowLength = read;
        Prove(_windowStart, _window.Memory.Span[..read]);
        return read >= length ? _window.Memory[..length] : throw Damaged(index, DamageKind.Truncated, "the file ends inside it");
    }

    private void Prove(long offset, ReadOnlySpan<byte> bytes)
    {
        if (_proof?.Take(offset, bytes) == false)
        {
            throw new SegmentDamagedException(
                new SegmentDamage(DamageKind.Corrupt, Place, 0, null, SegmentDamage.AnotherFile, Stats.FirstOffset, Stats.LastOffset)
            );
        }
    }

    private int FileBytes => (int)Math.Min(int.MaxValue, _blocks[^1].FileOffset + _blocks[^1].TotalLength - _blocks[0].FileOffset);

    private int LengthToRead(int index)
    {
        var start = _blocks[index].FileOffset;
        var end = start + _blocks[index].TotalLength;
        while (++index < _blocks.Length && _blocks[index].FileOffset == end && end + _blocks[index].TotalLength - start <= _readAhead)
        {
            end += _blocks[index].TotalLength;
        }

        return (int)(end - start);
    }

    private string? Check(int index, ReadOnlySpan<byte> stored)
    {
        var expected = SegmentFooter.EntryAt(_footer.Span, index)[sizeof(long)..];
        return !stored[..BlockHeader.Size].SequenceEqual(expected) ? "its header is not the one that the index holds"
            : Crc32C.Compute(stored[BlockHeader.Size..]) != _blocks[index].Checksum ? "its checksum does not match"
            : null;
    }

    private string? Unpack(in BlockInfo info, ReadOnlySpan<byte> stored, BlockBuffer buffer)
    {
        var target = buffer.GetSpan().Slice(BlockHeader.Size, info.RawLength);
        var content = stored[BlockHeader.Size..];
        if (content.Overlaps(target))
        {
            return null;
        }

        var problem = _decompressor.Decompress(info.Codec, content, target);
        return problem is null ? null : "it cannot be decompressed: " + problem;
    }

    private SegmentDamagedException Damaged(int index, DamageKind kind, string problem)
    {
        var info = _blocks[index];
        return new(new SegmentDamage(kind, Place, info.FileOffset, index, problem, info.Stats.FirstOffset, info.Stats.LastOffset));
    }
}
