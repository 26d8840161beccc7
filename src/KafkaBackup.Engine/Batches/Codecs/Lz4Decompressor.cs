using System.Buffers.Binary;
using System.IO.Hashing;
using K4os.Compression.LZ4;

namespace KafkaBackup.Engine.Batches.Codecs;

/// <summary>
/// The LZ4 frame format, with blocks that stand alone or that refer to the 64 KiB before them. Frames may follow one another.
/// </summary>
internal sealed class Lz4Decompressor : IRecordDecompressor
{
    private const uint Magic = 0x184D2204;
    private const int Reach = 64 * 1024;
    private const uint StoredBit = 0x80000000;
    private const int ChecksumLength = sizeof(uint);

    private ReadOnlyMemory<byte> _compressed;
    private bool _inFrame;
    private bool _linked;
    private bool _hasBlockChecksum;
    private bool _hasContentChecksum;
    private int _largestBlock;

    /// <summary>What linked blocks may refer to, then the block itself.</summary>
    private byte[] _buffer = [];
    private int _history;
    private int _start;
    private int _end;

    public void Open(ReadOnlyMemory<byte> compressed)
    {
        _compressed = compressed;
        _inFrame = false;
        (_history, _start, _end) = (0, 0, 0);
    }

    public int Read(Span<byte> destination)
    {
        while (_start == _end)
        {
            if (!_inFrame)
            {
                if (_compressed.Length == 0)
                {
                    return 0;
                }

                OpenFrame();
            }

            NextBlock();
        }

        var count = Math.Min(destination.Length, _end - _start);
        _buffer.AsSpan(_start, count).CopyTo(destination);
        _start += count;
        return count;
    }

    public void Dispose() { }

    private void OpenFrame()
    {
        var frame = _compressed;
        if (Take32() != Magic)
        {
            throw Damaged("does not begin like a frame");
        }

        var flags = Take(1)[0];
        var sizes = Take(1)[0];
        if (flags >> 6 != 1 || (flags & 0x01) != 0)
        {
            throw Damaged("is of a version or with a dictionary that Kafka does not use");
        }

        _linked = (flags & 0x20) == 0;
        _hasBlockChecksum = (flags & 0x10) != 0;
        _hasContentChecksum = (flags & 0x04) != 0;
        var code = (sizes >> 4) & 0x07;
        if (code < 4)
        {
            throw Damaged("has an unknown block size");
        }

        _largestBlock = 1 << (8 + (2 * code));
        if ((flags & 0x08) != 0)
        {
            Take(sizeof(ulong));
        }

        // In messages of format 0, clients computed the checksum over the magic number too.
        var header = frame.Span[..(frame.Length - _compressed.Length)];
        var checksum = Take(1)[0];
        if (checksum != HeaderChecksum(header[sizeof(uint)..]) && checksum != HeaderChecksum(header))
        {
            throw Damaged("has a header with a wrong checksum");
        }

        _inFrame = true;
        (_history, _start, _end) = (0, 0, 0);
        if (_buffer.Length < Reach + _largestBlock)
        {
            _buffer = new byte[Reach + _largestBlock];
        }
    }

    private void NextBlock()
    {
        var size = Take32();
        if (size == 0)
        {
            // The checksum of the whole content is not verified: the batch's own checksum covers it already.
            if (_hasContentChecksum)
            {
                Take(ChecksumLength);
            }

            _inFrame = false;
            return;
        }

        var stored = (size & StoredBit) != 0;
        size &= ~StoredBit;
        if (size > _largestBlock)
        {
            throw Damaged("has a block that is too large");
        }

        var block = Take((int)size);
        if (_hasBlockChecksum && Take32() != XxHash32.HashToUInt32(block))
        {
            throw Damaged("has a block with a wrong checksum");
        }

        KeepHistory();
        var target = _buffer.AsSpan(_history, _largestBlock);
        var length = (int)size;
        if (stored)
        {
            block.CopyTo(target);
        }
        else
        {
            length = _history > 0 ? LZ4Codec.Decode(block, target, _buffer.AsSpan(0, _history)) : LZ4Codec.Decode(block, target);
            if (length < 0)
            {
                throw Damaged("has a block that cannot be decompressed");
            }
        }

        (_start, _end) = (_history, _history + length);
    }

    /// <summary>Leaves the last 64 KiB at the front, where a linked block may refer to them.</summary>
    private void KeepHistory()
    {
        if (!_linked)
        {
            return;
        }

        var kept = Math.Min(Reach, _end);
        _buffer.AsSpan(_end - kept, kept).CopyTo(_buffer);
        _history = kept;
    }

    private static byte HeaderChecksum(ReadOnlySpan<byte> header) => (byte)(XxHash32.HashToUInt32(header) >> 8);

    private uint Take32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _compressed.Length)
        {
            throw Damaged("ends early");
        }

        var taken = _compressed.Span[..count];
        _compressed = _compressed[count..];
        return taken;
    }

    private static BatchDamagedException Damaged(string what) => new($"its lz4 data {what}", RecordBatch.HeaderLength);
}
