using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using K4os.Compression.LZ4.Streams;
using Snappier;
using ZstdSharp;

namespace KafkaBackup.LocalBroker.Log.Compression;

/// <summary>
/// The broker looks inside compressed batches only to search by time, to compact and to show records to a test; it writes compressed
/// batches only when a test seeds them.
/// </summary>
internal static class Codecs
{
    public const int Gzip = 1;
    public const int Snappy = 2;
    public const int Lz4 = 3;
    public const int Zstd = 4;

    private const int JavaSnappyHeader = 16;

    private static ReadOnlySpan<byte> JavaSnappyMagic => [0x82, (byte)'S', (byte)'N', (byte)'A', (byte)'P', (byte)'P', (byte)'Y', 0];

    public static byte[] Decompress(int codec, ReadOnlySpan<byte> data) =>
        codec switch
        {
            Gzip => ReadAll(new GZipStream(new MemoryStream(data.ToArray()), CompressionMode.Decompress)),
            Snappy => Unsnap(data),
            Lz4 => LZ4Frame.Decode(data, new ArrayBufferWriter<byte>()).WrittenSpan.ToArray(),
            Zstd => Unzstd(data),
            _ => throw new InvalidDataException($"compression codec {codec} is unknown"),
        };

    public static byte[] Compress(int codec, ReadOnlySpan<byte> data)
    {
        switch (codec)
        {
            case Gzip:
                using (var output = new MemoryStream())
                {
                    using (var gzip = new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true))
                        gzip.Write(data);
                    return output.ToArray();
                }

            case Snappy:
                return Snappier.Snappy.CompressToArray(data);
            case Lz4:
                return LZ4Frame.Encode(data, new ArrayBufferWriter<byte>()).WrittenSpan.ToArray();
            case Zstd:
                using (var zstd = new Compressor(1))
                    return zstd.Wrap(data).ToArray();
            default:
                throw new NotSupportedException($"compression codec {codec} is unknown");
        }
    }

    /// <summary>Snappy blocks, bare (librdkafka) or in the framing of the Java library (a magic, then blocks with lengths).</summary>
    private static byte[] Unsnap(ReadOnlySpan<byte> data)
    {
        if (!data.StartsWith(JavaSnappyMagic))
            return Snappier.Snappy.DecompressToArray(data);
        using var output = new MemoryStream();
        for (var rest = data[JavaSnappyHeader..]; rest.Length > 0;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(rest);
            output.Write(Snappier.Snappy.DecompressToArray(rest.Slice(4, length)));
            rest = rest[(4 + length)..];
        }

        return output.ToArray();
    }

    private static byte[] Unzstd(ReadOnlySpan<byte> data)
    {
        try
        {
            return ReadAll(new DecompressionStream(new MemoryStream(data.ToArray()), checkEndOfStream: true));
        }
        catch (Exception damage) when (damage is ZstdException or EndOfStreamException)
        {
            throw new InvalidDataException($"zstd: {damage.Message}", damage);
        }
    }

    private static byte[] ReadAll(Stream stream)
    {
        using var output = new MemoryStream();
        using (stream)
            stream.CopyTo(output);
        return output.ToArray();
    }
}
