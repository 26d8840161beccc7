using System.Buffers.Binary;

namespace KafkaBackup.Engine.Batches;

/// <summary>
/// One record batch (magic 2) as the bytes that a broker sent. A view: it owns nothing, copies nothing, and is valid as long as its memory
/// is. Only <see cref="Open"/> makes one, so the header is whole and the length fits; nothing else is checked before
/// <see cref="CrcIsValid"/> and <see cref="BatchWalker"/>.
/// </summary>
public readonly struct RecordBatch
{
    /// <summary>Base offset and length: what stands before the bytes that the length counts.</summary>
    public const int PrefixLength = 12;

    public const int HeaderLength = 61;

    public const byte CurrentMagic = 2;

    internal const int LeaderEpochPlace = 12;
    internal const int MagicPlace = 16;
    internal const int CrcPlace = 17;
    internal const int AttributesPlace = 21;
    internal const int LastOffsetDeltaPlace = 23;
    internal const int BaseTimestampPlace = 27;
    internal const int MaxTimestampPlace = 35;
    internal const int ProducerIdPlace = 43;
    internal const int ProducerEpochPlace = 51;
    internal const int BaseSequencePlace = 53;
    internal const int RecordCountPlace = 57;

    internal const int CodecMask = 0x07;
    internal const int LogAppendTimeBit = 0x08;
    internal const int TransactionalBit = 0x10;
    internal const int ControlBit = 0x20;
    internal const int DeleteHorizonBit = 0x40;

    private RecordBatch(ReadOnlyMemory<byte> bytes) => Bytes = bytes;

    /// <summary>The whole batch, from its base offset to the end of its records.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    public int Length => Bytes.Length;

    /// <summary>The records part: compressed unless <see cref="Codec"/> is None.</summary>
    public ReadOnlyMemory<byte> Records => Bytes[HeaderLength..];

    public long BaseOffset => Int64(0);

    /// <summary>The last offset that the batch takes, also when compaction removed the record that had it.</summary>
    public long LastOffset => BaseOffset + LastOffsetDelta;

    /// <summary>The offset behind the batch.</summary>
    public long NextOffset => LastOffset + 1;

    public int LeaderEpoch => Int32(LeaderEpochPlace);

    public uint Crc => BinaryPrimitives.ReadUInt32BigEndian(Bytes.Span[CrcPlace..]);

    public short Attributes => BinaryPrimitives.ReadInt16BigEndian(Bytes.Span[AttributesPlace..]);

    public int LastOffsetDelta => Int32(LastOffsetDeltaPlace);

    /// <summary>What the records' timestamps are relative to: the first record's, unless compaction put a delete horizon there.</summary>
    public long BaseTimestamp => Int64(BaseTimestampPlace);

    /// <summary>As the producer wrote it, or the broker's time of appending (<see cref="IsLogAppendTime"/>).</summary>
    public long MaxTimestamp => Int64(MaxTimestampPlace);

    /// <summary>-1 for a batch of a producer without idempotence.</summary>
    public long ProducerId => Int64(ProducerIdPlace);

    public short ProducerEpoch => BinaryPrimitives.ReadInt16BigEndian(Bytes.Span[ProducerEpochPlace..]);

    public int BaseSequence => Int32(BaseSequencePlace);

    public int RecordCount => Int32(RecordCountPlace);

    /// <summary>May be a value that no codec has; <see cref="BatchWalker"/> refuses it.</summary>
    public BatchCodec Codec => (BatchCodec)(Attributes & CodecMask);

    /// <summary>Every record has <see cref="MaxTimestamp"/> as its timestamp.</summary>
    public bool IsLogAppendTime => (Attributes & LogAppendTimeBit) != 0;

    public bool IsTransactional => (Attributes & TransactionalBit) != 0;

    /// <summary>Holds the marker that ends a transaction, and no record of a user.</summary>
    public bool IsControl => (Attributes & ControlBit) != 0;

    /// <summary>Compaction kept the batch for a tombstone or a marker, and <see cref="BaseTimestamp"/> is when it may go.</summary>
    public bool HasDeleteHorizon => (Attributes & DeleteHorizonBit) != 0;

    /// <summary>Records are missing inside: their number is smaller than the offsets that the batch takes.</summary>
    public bool HasHoles => RecordCount != LastOffsetDelta + 1L;

    /// <summary>
    /// The checksum covers everything behind itself. Base offset and leader epoch, which brokers write, are not under it.
    /// </summary>
    public bool CrcIsValid => Crc32C.Compute(Bytes.Span[AttributesPlace..]) == Crc;

    /// <summary>
    /// The batch that <paramref name="bytes"/> is, no byte more or less.
    /// </summary>
    /// <exception cref="BatchDamagedException">Shorter than a header, another length than it claims, or not of magic 2.</exception>
    public static RecordBatch Open(ReadOnlyMemory<byte> bytes)
    {
        var span = bytes.Span;
        if (span.Length < HeaderLength)
        {
            throw new BatchDamagedException($"{span.Length:N0} bytes are fewer than a batch header has", 0);
        }

        var claimed = PrefixLength + (long)BinaryPrimitives.ReadInt32BigEndian(span[8..]);
        if (claimed != span.Length)
        {
            throw new BatchDamagedException($"it claims {claimed:N0} bytes and has {span.Length:N0}", 8);
        }

        if (span[MagicPlace] != CurrentMagic)
        {
            throw new BatchDamagedException($"its format is {span[MagicPlace]}, not {CurrentMagic}", MagicPlace);
        }

        return new RecordBatch(bytes);
    }

    private long Int64(int place) => BinaryPrimitives.ReadInt64BigEndian(Bytes.Span[place..]);

    private int Int32(int place) => BinaryPrimitives.ReadInt32BigEndian(Bytes.Span[place..]);
}
