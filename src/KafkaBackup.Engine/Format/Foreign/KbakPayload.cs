using KafkaBackup.Engine.Format.Compression;
using static System.Buffers.Binary.BinaryPrimitives;

namespace KafkaBackup.Engine.Format.Foreign;

/// <summary>A KBAK segment's payload, decompressed piece by piece. Damage is an InvalidDataException.</summary>
internal abstract class KbakPayload : IDisposable
{
    public static KbakPayload Open(KbakCompression compression) =>
        compression switch
        {
            KbakCompression.Zstd => new Zstd(),
            KbakCompression.Lz4 => new Lz4(),
            _ => new Plain(),
        };

    public abstract void Decode(ReadOnlySpan<byte> source, Span<byte> target, out int consumed, out int written);

    /// <summary>Called when the source has ended and nothing more comes out.</summary>
    public abstract void CheckEnd();

    public virtual void Dispose() { }

    private sealed class Plain : KbakPayload
    {
        public override void Decode(ReadOnlySpan<byte> source, Span<byte> target, out int consumed, out int written)
        {
            consumed = written = Math.Min(source.Length, target.Length);
            source[..written].CopyTo(target);
        }

        public override void CheckEnd() { }
    }

    private sealed class Zstd : KbakPayload
    {
        private readonly ZstdDecompressor _stream = new();
        private bool _frameEnded;

        public override void Decode(ReadOnlySpan<byte> source, Span<byte> target, out int consumed, out int written)
        {
            if (_frameEnded && source.IsEmpty)
            {
                // A further call would begin a new frame.
                consumed = written = 0;
                return;
            }

            _frameEnded = _stream.DecompressPart(source, target, out consumed, out written);
        }

        public override void CheckEnd()
        {
            if (!_frameEnded)
            {
                throw new InvalidDataException("the compressed data ends early");
            }
        }

        public override void Dispose()
        {
            _stream.Dispose();
            base.Dispose();
        }
    }

    private sealed class Lz4 : KbakPayload
    {
        private readonly Lz4Decoder _block = new();
        private readonly byte[] _prefix = new byte[sizeof(uint)];
        private int _prefixLength;
        private long _written;

        public override void Decode(ReadOnlySpan<byte> source, Span<byte> target, out int consumed, out int written)
        {
            var taken = Math.Min(source.Length, _prefix.Length - _prefixLength);
            source[..taken].CopyTo(_prefix.AsSpan(_prefixLength));
            _prefixLength += taken;
            _block.Decode(source[taken..], target, out consumed, out written);
            consumed += taken;
            _written += written;
            if (_prefixLength == _prefix.Length && _written > ReadUInt32LittleEndian(_prefix))
            {
                throw new InvalidDataException("there is more data than declared");
            }
        }

        public override void CheckEnd()
        {
            var declared = ReadUInt32LittleEndian(_prefix);
            var empty = declared == 0 && _written == 0;
            if (_prefixLength < _prefix.Length || _written != declared || !(_block.MayEnd || empty))
            {
                throw new InvalidDataException("the compressed data does not give the declared length");
            }
        }
    }
}
