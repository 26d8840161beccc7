using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using K4os.Compression.LZ4;
using Snappier;
using ZstdSharp;

namespace KafkaBackup.Engine.Batches.Codecs;

/// <summary>Compresses the records part of a batch in the framing that Kafka's own clients write.</summary>
internal sealed class RecordCompressor : IDisposable
{
    private const int SnappyBlock = 32 * 1024;
    private const int Lz4Block = 64 * 1024;
    private const uint Lz4StoredBit = 0x80000000;

    /// <summary>Version 1, blocks that stand alone, no checksums; blocks of 64 KiB; and the checksum of these two bytes.</summary>
    private static readonly byte[] Lz4Header = [0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, (byte)(XxHash32.HashToUInt32([0x60, 0x40]) >> 8)];

    /// <summary>The magic of snappy-java, its version and the oldest compatible one.</summary>
    private static readonly byte[] SnappyHeader =
    [
        0x82,
        (byte)'S',
        (byte)'N',
        (byte)'A',
        (byte)'P',
        (byte)'P',
        (byte)'Y',
        0,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        1,
    ];

    private Compressor? _zstd;

    public static int DefaultLevel(BatchCodec codec) =>
        codec switch
        {
            BatchCodec.Gzip => 6,
            BatchCodec.Lz4 => 1,
            BatchCodec.Zstd => 3,
            _ => 0,
        };

    public void Compress(BatchCodec codec, int level, ReadOnlyMemory<byte> plain, IBufferWriter<byte> target)
    {
        switch (codec)
        {
            case BatchCodec.None:
                target.Write(plain.Span);
                break;
            case BatchCodec.Gzip:
                Gzip(level, plain.Span, target);
                break;
            case BatchCodec.Snappy:
                SnappyBlocks(plain.Span, target);
                break;
            case BatchCodec.Lz4:
                Lz4Frame(level, plain.Span, target);
                break;
            case BatchCodec.Zstd:
                Zstd(level, plain.Span, target);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(codec), codec, "no codec of Kafka's");
        }
    }

    public void Dispose() => _zstd?.Dispose();

    private static void Gzip(int level, ReadOnlySpan<byte> plain, IBufferWriter<byte> target)
    {
        using var buffer = new MemoryStream();
        var effort = level switch
        {
            <= 3 => CompressionLevel.Fastest,
            9 => CompressionLevel.SmallestSize,
            _ => CompressionLevel.Optimal,
        };
        using (var gzip = new GZipStream(buffer, effort, leaveOpen: true))
        {
            gzip.Write(plain);
        }

        target.Write(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    private static void SnappyBlocks(ReadOnlySpan<byte> plain, IBufferWriter<byte> target)
    {
        target.Write(SnappyHeader);
        for (; plain.Length > 0; plain = plain[Math.Min(SnappyBlock, plain.Length)..])
        {
            var block = plain[..Math.Min(SnappyBlock, plain.Length)];
            var span = target.GetSpan(sizeof(int) + Snappy.GetMaxCompressedLength(block.Length));
            var length = Snappy.Compress(block, span[sizeof(int)..]);
            BinaryPrimitives.WriteInt32BigEndian(span, length);
            target.Advance(sizeof(int) + length);
        }
    }

    private static void Lz4Frame(int level, ReadOnlySpan<byte> plain, IBufferWriter<byte> target)
    {
        target.Write(Lz4Header);
        for (; plain.Length > 0; plain = plain[Math.Min(Lz4Block, plain.Length)..])
        {
            var block = plain[..Math.Min(Lz4Block, plain.Length)];
            var span = target.GetSpan(sizeof(uint) + LZ4Codec.MaximumOutputSize(block.Length));
            var length = LZ4Codec.Encode(block, span[sizeof(uint)..], (LZ4Level)(level <= 2 ? 0 : Math.Min(level, 12)));
            if (length <= 0 || length >= block.Length)
            {
                block.CopyTo(span[sizeof(uint)..]);
                BinaryPrimitives.WriteUInt32LittleEndian(span, (uint)block.Length | Lz4StoredBit);
                target.Advance(sizeof(uint) + block.Length);
                continue;
            }

            BinaryPrimitives.WriteUInt32LittleEndian(span, (uint)length);
            target.Advance(sizeof(uint) + length);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(target.GetSpan(sizeof(uint)), 0);
        target.Advance(sizeof(uint));
    }

    private void Zstd(int level, ReadOnlySpan<byte> plain, IBufferWriter<byte> target)
    {
        _zstd ??= new Compressor();
        _zstd.Level = level;
        var span = target.GetSpan(Compressor.GetCompressBound(plain.Length));
        target.Advance(_zstd.Wrap(plain, span));
    }
}
