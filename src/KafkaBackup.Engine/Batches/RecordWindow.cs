using KafkaBackup.Engine.Batches.Codecs;

namespace KafkaBackup.Engine.Batches;

/// <summary>
/// The records part of one batch after another, decompressed as far as a reader has come. Uncompressed records are read where they lie. The
/// buffer grows with the bytes that really come, never with what a length claims, and never beyond <see cref="LargestRecord"/>: so a batch
/// that claims much or decompresses to much costs no memory. It does not move: records may be pointed at until it is read on.
/// </summary>
internal sealed class RecordWindow : IDisposable
{
    /// <summary>Kafka's own clients send no larger one.</summary>
    public const int LargestRecord = 1 << 30;

    private const int FirstBuffer = 256 * 1024;
    private const int LargestKept = 4 << 20;

    private readonly Decompressors _decompressors = new();
    private IRecordDecompressor? _source;
    private byte[] _buffer = [];
    private ReadOnlyMemory<byte> _plain;
    private int _start;
    private int _end;

    /// <summary>How many bytes of the decompressed records lie before <see cref="Bytes"/>.</summary>
    public long Position { get; private set; }

    public ReadOnlySpan<byte> Bytes => _source is null ? _plain.Span[_start..] : _buffer.AsSpan(_start, _end - _start);

    /// <exception cref="BatchDamagedException">A codec that does not exist.</exception>
    public void Open(in RecordBatch batch)
    {
        Position = 0;
        _start = 0;
        _end = 0;
        _plain = batch.Records;
        _source = batch.Codec == BatchCodec.None ? null : _decompressors.For(batch.Codec);
        _source?.Open(batch.Records);
    }

    /// <summary>Lets go of the batch, and of a buffer that a large record made larger than most need.</summary>
    public void Close()
    {
        _plain = default;
        _source = null;
        (_start, _end) = (0, 0);
        if (_buffer.Length > LargestKept)
        {
            _buffer = [];
        }
    }

    public void Advance(int count)
    {
        _start += count;
        Position += count;
    }

    /// <summary>
    /// Whether <see cref="Bytes"/> could be made to hold <paramref name="count"/> bytes; otherwise it holds all that is left.
    /// </summary>
    public bool Require(int count)
    {
        if (Bytes.Length >= count)
        {
            return true;
        }

        if (_source is null)
        {
            return false;
        }

        if (count > LargestRecord)
        {
            throw new BatchDamagedException($"a record claims {count:N0} bytes", Position);
        }

        while (_end - _start < count)
        {
            MakeRoom();
            var read = _source.Read(_buffer.AsSpan(_end));
            if (read == 0)
            {
                return false;
            }

            _end += read;
        }

        return true;
    }

    public void Dispose() => _decompressors.Dispose();

    /// <summary>Moves what is left to the front, and doubles the buffer where half of it is still full.</summary>
    private void MakeRoom()
    {
        var left = _end - _start;
        if (_end < _buffer.Length / 2)
        {
            return;
        }

        var target =
            left <= _buffer.Length / 2 && _buffer.Length > 0
                ? _buffer
                : GC.AllocateUninitializedArray<byte>(
                    (int)Math.Min(Math.Max(FirstBuffer, 2L * _buffer.Length), Array.MaxLength),
                    pinned: true
                );
        _buffer.AsSpan(_start, left).CopyTo(target);
        _buffer = target;
        _start = 0;
        _end = left;
    }
}
