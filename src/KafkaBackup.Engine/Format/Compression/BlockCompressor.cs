using System.IO.Compression;
using System.Runtime.InteropServices;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Format.Compression;

/// <summary>
/// Turns sealed blocks into stored ones: walks, compresses and checksums. One per worker thread; any number work side by side.
/// It works out of place in memory of its own and moves the result back into the block's, so that it never needs a second buffer from the
/// pool.
/// </summary>
public sealed unsafe class BlockCompressor : IDisposable
{
    private const int ScratchCapacity = BlockBufferPool.StandardBlock + (BlockBufferPool.StandardBlock / 128) + 1024;

    private readonly CompressionKind _kind;
    private readonly ZstdCompressor? _zstd;
    private readonly CompressionLevel _gzipLevel;
    private readonly BlockWalker _walker = new();
    private BlockBuffer? _scratch;

    /// <param name="level">Null for the default; see <see cref="CompressionLevels"/>.</param>
    public BlockCompressor(CompressionKind kind, int? level = null)
    {
        if (kind != CompressionKind.None && level is { } given && !CompressionLevels.Has(kind, given))
        {
            throw ErrorIds.ConfigOutOfRange.With(
                $"Compression level {given} is out of range: {kind} has {CompressionLevels.Lowest} to {CompressionLevels.Highest(kind)}.",
                given
            );
        }

        var effective = level ?? CompressionLevels.Default(kind);
        _kind = kind;
        _zstd = kind == CompressionKind.Zstd ? new ZstdCompressor(effective) : null;
        _gzipLevel = effective switch
        {
            <= 3 => CompressionLevel.Fastest,
            <= 8 => CompressionLevel.Optimal,
            _ => CompressionLevel.SmallestSize,
        };
    }

    /// <inheritdoc cref="BlockWalker.Walk"/>
    public BatchFault? Walk(RawBlock block) => _walker.Walk(block);

    /// <summary>Takes the block over, which has been walked and is not empty.</summary>
    public CompressedBlock Compress(RawBlock block)
    {
        ArgumentNullException.ThrowIfNull(block);
        try
        {
            if (!block.IsWalked || block.IsEmpty)
            {
                throw new InvalidOperationException("A block of batches is walked first, and an empty one is not stored.");
            }

            return Store(block);
        }
        catch
        {
            block.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _walker.Dispose();
        _zstd?.Dispose();
        ((IDisposable?)_scratch)?.Dispose();
        _scratch = null;
    }

    private CompressedBlock Store(RawBlock block)
    {
        var stored = _kind == CompressionKind.None || block.IsCompressed ? block.Length : CompressInPlace(block);
        var info = new BlockInfo
        {
            HoldsBatches = block.HoldsBatches,
            Codec = stored < block.Length ? _kind : CompressionKind.None,
            StoredLength = stored,
            RawLength = block.Length,
            Checksum = Crc32C.Compute(block.Buffer.GetSpan().Slice(BlockHeader.Size, stored)),
            Stats = block.Stats,
        };
        return new CompressedBlock(block.Buffer, info);
    }

    /// <summary>The new length; the old one, with the content as it was, when compressing gains nothing.</summary>
    private int CompressInPlace(RawBlock block)
    {
        var source = block.Buffer.Pointer + BlockHeader.Size;
        var bound = (long)block.Length + (block.Length / 128) + 1024;
        if (bound > ScratchCapacity)
        {
            return CompressGiant(block, bound);
        }

        _scratch ??= BlockBuffer.OutsidePool(ScratchCapacity);
        var length = Deflate(source, block.Length, _scratch.Pointer, bound);
        if (length >= block.Length)
        {
            return block.Length;
        }

        new ReadOnlySpan<byte>(_scratch.Pointer, (int)length).CopyTo(new Span<byte>(source, block.Length));
        return (int)length;
    }

    private int CompressGiant(RawBlock block, long bound)
    {
        var source = block.Buffer.Pointer + BlockHeader.Size;
        var target = (byte*)NativeMemory.Alloc((nuint)bound);
        try
        {
            var length = Deflate(source, block.Length, target, bound);
            if (length >= block.Length)
            {
                return block.Length;
            }

            Buffer.MemoryCopy(target, source, block.Length, length);
            return (int)length;
        }
        finally
        {
            NativeMemory.Free(target);
        }
    }

    private long Deflate(byte* source, int length, byte* target, long capacity)
    {
        if (_zstd is not null)
        {
            return (long)_zstd.Compress(source, (nuint)length, target, (nuint)capacity);
        }

        using var output = new UnmanagedMemoryStream(target, 0, capacity, FileAccess.Write);
        using (var gzip = new GZipStream(output, _gzipLevel, leaveOpen: true))
        {
            gzip.Write(new ReadOnlySpan<byte>(source, length));
        }

        return output.Position;
    }
}
