using System.Buffers.Binary;
using System.IO.Hashing;
using KafkaBackup.Engine.Batches.Codecs;

namespace KafkaBackup.Engine.Batches;

/// <summary>
/// Turns messages of the formats before Kafka 0.11 (magic 0 and 1) into batches. Nothing that those formats know is lost: offsets (with
/// their holes), keys, values, timestamps and their type; a message of format 0 has no timestamp, which is -1.
/// </summary>
public sealed class LegacyMessages : IDisposable
{
    private const int CrcPlace = 12;
    private const int AttributesPlace = 17;
    private const int FormatZeroHeader = 18;
    private const int FormatOneHeader = 26;
    private const int LargestWrapped = 256 << 20;

    private readonly Decompressors _decompressors = new();
    private readonly BatchBuilder _builder = new();

    /// <summary>
    /// The batch of one entry: a message, or a wrapper around compressed ones, which is compressed again with its codec. Valid until the
    /// next call.
    /// </summary>
    /// <exception cref="BatchDamagedException">A wrong checksum, length or nesting.</exception>
    public RecordBatch Convert(ReadOnlyMemory<byte> entry)
    {
        var outer = Message.Read(entry.Span, 0);
        if (outer.Codec == BatchCodec.None)
        {
            _builder.Begin(BatchCodec.None, null, outer.AppendTime);
            Append(entry.Span, outer, outer.Offset);
            return RecordBatch.Open(_builder.Build());
        }

        if (outer.ValueLength <= 0 || outer.Codec == BatchCodec.Zstd)
        {
            throw new BatchDamagedException("a compressed message holds nothing that its format allows", AttributesPlace);
        }

        var inner = Decompress(outer.Codec, entry.Slice(outer.ValuePlace, outer.ValueLength));
        _builder.Begin(outer.Codec, null, outer.AppendTime);
        var shift = outer.Magic == 0 ? 0 : outer.Offset - LastInnerOffset(inner);
        var previous = -1L;
        for (var place = 0; place < inner.Length;)
        {
            var message = Message.Read(inner, place);
            if (message.Codec != BatchCodec.None || message.Magic != outer.Magic)
            {
                throw new BatchDamagedException("a compressed message holds another one, or one of another format", place);
            }

            var offset = message.Offset + shift;
            if (offset <= previous)
            {
                throw new BatchDamagedException("the offsets of compressed messages do not go up", place);
            }

            Append(inner, message, offset);
            previous = offset;
            place = message.End;
        }

        return RecordBatch.Open(_builder.Build());
    }

    public void Dispose()
    {
        _decompressors.Dispose();
        _builder.Dispose();
    }

    private static long LastInnerOffset(ReadOnlySpan<byte> inner)
    {
        var last = 0L;
        for (var place = 0; place < inner.Length;)
        {
            var message = Message.Read(inner, place);
            last = message.Offset;
            place = message.End;
        }

        return last;
    }

    private void Append(ReadOnlySpan<byte> bytes, in Message message, long offset) =>
        _builder.Append(
            offset,
            message.Timestamp,
            new RecordFields
            {
                Key = message.KeyLength <= 0 ? default : bytes.Slice(message.KeyPlace, message.KeyLength),
                KeyIsNull = message.KeyLength < 0,
                Value = message.ValueLength <= 0 ? default : bytes.Slice(message.ValuePlace, message.ValueLength),
                ValueIsNull = message.ValueLength < 0,
            }
        );

    private byte[] Decompress(BatchCodec codec, ReadOnlyMemory<byte> compressed)
    {
        var source = _decompressors.For(codec);
        source.Open(compressed);
        using var plain = new MemoryStream();
        var piece = new byte[64 * 1024];
        for (int read; (read = source.Read(piece)) > 0;)
        {
            plain.Write(piece, 0, read);
            if (plain.Length > LargestWrapped)
            {
                throw new BatchDamagedException($"compressed messages hold more than {LargestWrapped:N0} bytes", FormatZeroHeader);
            }
        }

        return plain.Length > 0 ? plain.ToArray() : throw new BatchDamagedException("compressed messages hold nothing", FormatZeroHeader);
    }

    /// <summary>Where the fields of one message lie.</summary>
    private readonly record struct Message(
        byte Magic,
        BatchCodec Codec,
        long Offset,
        long Timestamp,
        long? AppendTime,
        int KeyPlace,
        int KeyLength,
        int ValuePlace,
        int ValueLength,
        int End
    )
    {
        public static Message Read(ReadOnlySpan<byte> bytes, int place)
        {
            var message = bytes[place..];
            if (message.Length < FormatZeroHeader)
            {
                throw new BatchDamagedException("a message ends early", place);
            }

            var claimed = RecordBatch.PrefixLength + (long)BinaryPrimitives.ReadInt32BigEndian(message[8..]);
            var magic = message[RecordBatch.MagicPlace];
            var header = magic == 0 ? FormatZeroHeader : FormatOneHeader;
            if (magic > 1 || claimed < header + (2 * sizeof(int)) || claimed > message.Length)
            {
                throw new BatchDamagedException($"a message of format {magic} claims {claimed:N0} of {message.Length:N0} bytes", place);
            }

            message = message[..(int)claimed];
            if (Crc32.HashToUInt32(message[RecordBatch.MagicPlace..]) != BinaryPrimitives.ReadUInt32BigEndian(message[CrcPlace..]))
            {
                throw new BatchDamagedException("a message has a wrong checksum", place);
            }

            var attributes = message[AttributesPlace];
            var timestamp = magic == 0 ? -1 : BinaryPrimitives.ReadInt64BigEndian(message[FormatZeroHeader..]);
            long? appendTime = magic == 1 && (attributes & RecordBatch.LogAppendTimeBit) != 0 ? timestamp : null;
            var (keyPlace, keyLength) = Field(message, header, place);
            var (valuePlace, valueLength) = Field(message, keyPlace + Math.Max(0, keyLength), place);
            return valuePlace + Math.Max(0, valueLength) != message.Length
                ? throw new BatchDamagedException("a message is longer than its fields", place)
                : new Message(
                    magic,
                    (BatchCodec)(attributes & RecordBatch.CodecMask),
                    BinaryPrimitives.ReadInt64BigEndian(message),
                    timestamp,
                    appendTime,
                    place + keyPlace,
                    keyLength,
                    place + valuePlace,
                    valueLength,
                    place + message.Length
                );
        }

        private static (int Place, int Length) Field(ReadOnlySpan<byte> message, int at, int place)
        {
            if (message.Length - at < sizeof(int))
            {
                throw new BatchDamagedException("a message ends in the middle of a field", place + at);
            }

            var length = BinaryPrimitives.ReadInt32BigEndian(message[at..]);
            return length >= -1 && length <= message.Length - at - sizeof(int)
                ? (at + sizeof(int), length)
                : throw new BatchDamagedException($"a field of a message claims {length:N0} bytes", place + at);
        }
    }
}
