namespace KafkaBackup.Engine.Batches.Codecs;

/// <summary>One decompressor for each codec that was met, kept for the next batch.</summary>
internal sealed class Decompressors : IDisposable
{
    private readonly IRecordDecompressor?[] _known = new IRecordDecompressor?[(int)BatchCodec.Zstd + 1];

    /// <exception cref="BatchDamagedException">A codec that does not exist.</exception>
    public IRecordDecompressor For(BatchCodec codec) =>
        codec switch
        {
            BatchCodec.Gzip => _known[(int)codec] ??= new GzipDecompressor(),
            BatchCodec.Snappy => _known[(int)codec] ??= new SnappyDecompressor(),
            BatchCodec.Lz4 => _known[(int)codec] ??= new Lz4Decompressor(),
            BatchCodec.Zstd => _known[(int)codec] ??= new ZstdDecompressor(),
            _ => throw new BatchDamagedException($"its codec is {(int)codec}, which does not exist", RecordBatch.AttributesPlace),
        };

    public void Dispose()
    {
        foreach (var decompressor in _known)
        {
            decompressor?.Dispose();
        }
    }
}
