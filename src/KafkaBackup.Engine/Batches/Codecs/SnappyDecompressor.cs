using System.Buffers.Binary;
using Snappier;

namespace KafkaBackup.Engine.Batches.Codecs;

/// <summary>
/// Both framings that clients write: one bare block (librdkafka, Go), and the blocks of snappy-java behind a header of 16 bytes.
/// </summary>
internal sealed class SnappyDecompressor : IRecordDecompressor
{
    private const int JavaHeaderLength = 16;

    /// <summary>What a copy makes of its own bytes at most; more is a length that the data cannot keep.</summary>
    private const int LargestRatio = 24;

    private static readonly byte[] JavaMagic = [0x82, (byte)'S', (byte)'N', (byte)'A', (byte)'P', (byte)'P', (byte)'Y', 0];

    private ReadOnlyMemory<byte> _compressed;
    private bool _java;
    private byte[] _block = [];
    private int _start;
    private int _end;

    public void Open(ReadOnlyMemory<byte> compressed)
    {
        _java = compressed.Span.StartsWith(JavaMagic);
        _compressed =
            !_java ? compressed
            : compressed.Length >= JavaHeaderLength ? compressed[JavaHeaderLength..]
            : throw Damaged();
        (_start, _end) = (0, 0);
    }

    public int Read(Span<byte> destination)
    {
        while (_start == _end)
        {
            if (_compressed.Length == 0)
            {
                return 0;
            }

            NextBlock();
        }

        var count = Math.Min(destination.Length, _end - _start);
        _block.AsSpan(_start, count).CopyTo(destination);
        _start += count;
        return count;
    }

    public void Dispose() { }

    private void NextBlock()
    {
        var block = Cut();
        try
        {
            var length = Snappy.GetUncompressedLength(block);
            if (length < 0 || length > (long)LargestRatio * block.Length)
            {
                throw Damaged();
            }

            if (_block.Length < length)
            {
                _block = new byte[length];
            }

            (_start, _end) = (0, Snappy.Decompress(block, _block.AsSpan(0, length)));
            if (_end != length)
            {
                throw Damaged();
            }
        }
        catch (Exception exception) when (exception is InvalidDataException or ArgumentException)
        {
            throw Damaged(exception);
        }
    }

    private ReadOnlySpan<byte> Cut()
    {
        var span = _compressed.Span;
        var (prefix, length) =
            !_java ? (0, span.Length)
            : span.Length >= sizeof(int) ? (sizeof(int), BinaryPrimitives.ReadInt32BigEndian(span))
            : throw Damaged();
        if (length <= 0 || length > span.Length - prefix)
        {
            throw Damaged();
        }

        _compressed = _compressed[(prefix + length)..];
        return span.Slice(prefix, length);
    }

    private static BatchDamagedException Damaged(Exception? inner = null) =>
        new("its snappy data cannot be decompressed", RecordBatch.HeaderLength, inner);
}
