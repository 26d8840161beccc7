using System.IO.Compression;

namespace KafkaBackup.Engine.Format.Compression;

/// <summary>
/// Decompresses stored blocks into memory of exactly the declared size, whatever the bytes claim. Not for several threads.
/// </summary>
internal sealed unsafe class BlockDecompressor : IDisposable
{
    private ZstdDecompressor? _zstd;

    /// <summary>Null when the stored bytes give exactly the target's length; else what is wrong with them.</summary>
    public string? Decompress(CompressionKind codec, ReadOnlySpan<byte> stored, Span<byte> target)
    {
        switch (codec)
        {
            case CompressionKind.None when stored.Length == target.Length:
                stored.CopyTo(target);
                return null;
            case CompressionKind.None:
                return "its length does not fit";
            case CompressionKind.Zstd:
                return (_zstd ??= new ZstdDecompressor()).Decompress(stored, target);
            default:
                return Inflate(stored, target);
        }
    }

    public void Dispose() => _zstd?.Dispose();

    private static string? Inflate(ReadOnlySpan<byte> stored, Span<byte> target)
    {
        fixed (byte* source = stored)
        {
            using var input = new UnmanagedMemoryStream(source, stored.Length);
            using var gzip = new GZipStream(input, CompressionMode.Decompress);
            try
            {
                var length = gzip.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
                return length < target.Length ? $"it has {length} bytes, not {target.Length}"
                    : gzip.ReadByte() >= 0 ? $"it has more than {target.Length} bytes"
                    : null;
            }
            catch (InvalidDataException damage)
            {
                return damage.Message;
            }
        }
    }
}
