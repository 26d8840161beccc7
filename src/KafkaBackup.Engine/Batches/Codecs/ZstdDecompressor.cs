using System.Buffers;
using ZstdSharp;

namespace KafkaBackup.Engine.Batches.Codecs;

internal sealed class ZstdDecompressor : IRecordDecompressor
{
    private Decompressor? _context;
    private ReadOnlyMemory<byte> _compressed;
    private bool _frameEnded = true;

    public void Open(ReadOnlyMemory<byte> compressed)
    {
        // A context that ended in the middle of a frame would go on with it.
        if (!_frameEnded)
        {
            _context?.Dispose();
            _context = null;
        }

        _context ??= new Decompressor();
        _compressed = compressed;
        _frameEnded = false;
    }

    public int Read(Span<byte> destination)
    {
        try
        {
            while (!_frameEnded || _compressed.Length > 0)
            {
                var status = _context!.UnwrapStream(_compressed.Span, destination, out var consumed, out var written);
                _compressed = _compressed[consumed..];
                _frameEnded = status == OperationStatus.Done;
                if (written > 0)
                {
                    return written;
                }

                if (consumed == 0 && !_frameEnded)
                {
                    throw new BatchDamagedException("its zstd data end early", RecordBatch.HeaderLength);
                }
            }

            return 0;
        }
        catch (ZstdException exception)
        {
            throw new BatchDamagedException("its zstd data cannot be decompressed", RecordBatch.HeaderLength, exception);
        }
    }

    public void Dispose() => _context?.Dispose();
}
