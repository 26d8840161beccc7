using BenchmarkDotNet.Attributes;
using KafkaBackup.Benchmarks.EndToEnd;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Compression;

namespace KafkaBackup.Benchmarks.Micro;

/// <summary>
/// What is done once for each block of about 1 MiB. Compressing includes the checksum and a copy of the block to work on.
/// </summary>
[MemoryDiagnoser]
public class BlockBenchmarks : IDisposable
{
    private readonly BlockBufferPool _pool = new(16 << 20);
    private RawBlock _block = null!;
    private byte[] _content = null!;
    private BlockCompressor _none = null!;
    private BlockCompressor _zstd = null!;
    private BlockCompressor _zstd3 = null!;
    private BlockCompressor _gzip = null!;

    [GlobalSetup]
    public void SetUp()
    {
        using var builder = new BlockBuilder(_pool);
        _block = SampleBlock.Build(builder, new RecordSource(Workload.Named("json-1k")), 0);
        _content = _block.Content.ToArray();
        _none = new BlockCompressor(CompressionKind.None);
        _zstd = new BlockCompressor(CompressionKind.Zstd);
        _zstd3 = new BlockCompressor(CompressionKind.Zstd, 3);
        _gzip = new BlockCompressor(CompressionKind.Gzip);
    }

    [Benchmark]
    public long None() => Compress(_none);

    [Benchmark]
    public long Zstd() => Compress(_zstd);

    [Benchmark]
    public long Zstd3() => Compress(_zstd3);

    [Benchmark]
    public long Gzip() => Compress(_gzip);

    [Benchmark]
    public uint Crc() => Crc32C.Compute(_content);

    [Benchmark]
    public byte[] Sha256() => System.Security.Cryptography.SHA256.HashData(_content);

    [GlobalCleanup]
    public void Dispose()
    {
        _block.Dispose();
        _none.Dispose();
        _zstd.Dispose();
        _zstd3.Dispose();
        _gzip.Dispose();
        _pool.Dispose();
        GC.SuppressFinalize(this);
    }

    private long Compress(BlockCompressor compressor)
    {
        var buffer = _pool.Rent(BlockBufferPool.StandardBlock, CancellationToken.None);
        _block.Buffer.GetSpan()[..(BlockHeader.Size + _block.Length)].CopyTo(buffer.GetSpan());
        using var stored = compressor.Compress(new RawBlock(buffer, _block.Length, _block.Stats));
        return stored.Info.StoredLength;
    }
}
