using System.Buffers;
using System.IO.Compression;

namespace KafkaBackup.Engine.Batches.Codecs;

internal sealed unsafe class GzipDecompressor : IRecordDecompressor
{
    private GZipStream? _stream;
    private MemoryHandle _pinned;

    public void Open(ReadOnlyMemory<byte> compressed)
    {
        Dispose();
        _pinned = compressed.Pin();
        var bytes = new UnmanagedMemoryStream((byte*)_pinned.Pointer, compressed.Length);
        _stream = new GZipStream(bytes, CompressionMode.Decompress);
    }

    public int Read(Span<byte> destination)
    {
        try
        {
            return _stream!.Read(destination);
        }
        catch (InvalidDataException exception)
        {
            throw new BatchDamagedException("its gzip data cannot be decompressed", RecordBatch.HeaderLength, exception);
        }
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _pinned.Dispose();
    }
}
