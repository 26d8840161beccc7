using System.IO.Compression;

namespace KafkaBackup.LocalBroker.Log.Compression;

/// <summary>
/// The broker looks inside compressed batches only to search by time, to compact and to show records to a test; it writes
/// compressed batches only when a test seeds them, with the codecs that need no code of our own.
/// </summary>
internal static class Codecs
{
    public const int Gzip = 1;
    public const int Snappy = 2;
    public const int Lz4 = 3;
    public const int Zstd = 4;

    public static byte[] Decompress(int codec, ReadOnlySpan<byte> data) => codec switch
    {
        Gzip => Gunzip(data),
        Snappy => SnappyDecoder.Decode(data),
        Lz4 => Lz4FrameDecoder.Decode(data),
        Zstd => ZstdLibrary.Decompress(data),
        _ => throw new InvalidDataException($"compression codec {codec} is unknown"),
    };

    public static byte[] Compress(int codec, ReadOnlySpan<byte> data) => codec switch
    {
        Gzip => GzipBytes(data),
        Zstd => ZstdLibrary.Compress(data),
        _ => throw new NotSupportedException($"The local broker writes codecs 0 (none), 1 (gzip) and 4 (zstd), not {codec}."),
    };

    private static byte[] Gunzip(ReadOnlySpan<byte> data)
    {
        using var gzip = new GZipStream(new MemoryStream(data.ToArray()), CompressionMode.Decompress);
        using var output = new MemoryStream();
        gzip.CopyTo(output);
        return output.ToArray();
    }

    private static byte[] GzipBytes(ReadOnlySpan<byte> data)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(data);
        return output.ToArray();
    }
}
