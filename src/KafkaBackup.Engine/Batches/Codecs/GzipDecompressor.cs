using System.IO.Compression;
using System.Runtime.InteropServices;

namespace KafkaBackup.Engine.Batches.Codecs;

internal sealed class GzipDecompressor : IRecordDecompressor
{
    private GZipStream? _stream;

    public void Open(ReadOnlyMemory<byte> compressed)
    {
        _stream?.Dispose();
        _stream = MemoryMarshal.TryGetArray(compressed, out var array)
            ? new GZipStream(new MemoryStream(array.Array!, array.Offset, array.Count, writable: false), CompressionMode.Decompress)
            : new GZipStream(new MemoryStream(compressed.ToArray(), writable: false), CompressionMode.Decompress);
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

    public void Dispose() => _stream?.Dispose();
}
