using System.Buffers.Binary;

namespace KafkaBackup.LocalBroker.Log;

/// <summary>The fixed head of a record batch (format 2), as stored.</summary>
internal readonly record struct BatchHeader(
    long BaseOffset,
    int Size,
    int LeaderEpoch,
    sbyte Magic,
    uint Crc,
    short Attributes,
    int LastOffsetDelta,
    long BaseTimestamp,
    long MaxTimestamp,
    long ProducerId,
    short ProducerEpoch,
    int BaseSequence,
    int Count
)
{
    /// <summary>Bytes before the first record.</summary>
    public const int Length = 61;

    /// <summary>Base offset and length: enough to step to the next batch.</summary>
    public const int Preamble = 12;

    public const int CrcStart = 21;

    private const short CompressionMask = 0x07;
    private const short LogAppendTimeBit = 0x08;
    private const short TransactionalBit = 0x10;
    private const short ControlBit = 0x20;

    public long LastOffset => BaseOffset + LastOffsetDelta;

    public int Codec => Attributes & CompressionMask;

    public bool IsLogAppendTime => (Attributes & LogAppendTimeBit) != 0;

    public bool IsTransactional => (Attributes & TransactionalBit) != 0;

    public bool IsControl => (Attributes & ControlBit) != 0;

    public bool HasProducer => ProducerId >= 0;

    /// <summary>Sequence numbers wrap to 0 after the largest int.</summary>
    public int LastSequence => BaseSequence < 0 ? -1 : (int)(((long)BaseSequence + LastOffsetDelta) & int.MaxValue);

    public static BatchHeader Read(ReadOnlySpan<byte> batch) =>
        new(
            BinaryPrimitives.ReadInt64BigEndian(batch),
            BinaryPrimitives.ReadInt32BigEndian(batch[8..]) + Preamble,
            BinaryPrimitives.ReadInt32BigEndian(batch[12..]),
            (sbyte)batch[16],
            BinaryPrimitives.ReadUInt32BigEndian(batch[17..]),
            BinaryPrimitives.ReadInt16BigEndian(batch[21..]),
            BinaryPrimitives.ReadInt32BigEndian(batch[23..]),
            BinaryPrimitives.ReadInt64BigEndian(batch[27..]),
            BinaryPrimitives.ReadInt64BigEndian(batch[35..]),
            BinaryPrimitives.ReadInt64BigEndian(batch[43..]),
            BinaryPrimitives.ReadInt16BigEndian(batch[51..]),
            BinaryPrimitives.ReadInt32BigEndian(batch[53..]),
            BinaryPrimitives.ReadInt32BigEndian(batch[57..])
        );

    public void Write(Span<byte> batch)
    {
        BinaryPrimitives.WriteInt64BigEndian(batch, BaseOffset);
        BinaryPrimitives.WriteInt32BigEndian(batch[8..], Size - Preamble);
        BinaryPrimitives.WriteInt32BigEndian(batch[12..], LeaderEpoch);
        batch[16] = (byte)Magic;
        BinaryPrimitives.WriteUInt32BigEndian(batch[17..], Crc);
        BinaryPrimitives.WriteInt16BigEndian(batch[21..], Attributes);
        BinaryPrimitives.WriteInt32BigEndian(batch[23..], LastOffsetDelta);
        BinaryPrimitives.WriteInt64BigEndian(batch[27..], BaseTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(batch[35..], MaxTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(batch[43..], ProducerId);
        BinaryPrimitives.WriteInt16BigEndian(batch[51..], ProducerEpoch);
        BinaryPrimitives.WriteInt32BigEndian(batch[53..], BaseSequence);
        BinaryPrimitives.WriteInt32BigEndian(batch[57..], Count);
    }

    /// <summary>The position a broker gives a batch lies outside its checksum, so nothing else needs to change.</summary>
    public static void Place(Span<byte> batch, long baseOffset, int leaderEpoch)
    {
        BinaryPrimitives.WriteInt64BigEndian(batch, baseOffset);
        BinaryPrimitives.WriteInt32BigEndian(batch[12..], leaderEpoch);
    }

    /// <summary>Stamps a batch with the broker's clock and renews its checksum.</summary>
    public static void StampAppendTime(Span<byte> batch, long now)
    {
        var attributes = (short)(BinaryPrimitives.ReadInt16BigEndian(batch[21..]) | LogAppendTimeBit);
        BinaryPrimitives.WriteInt16BigEndian(batch[21..], attributes);
        BinaryPrimitives.WriteInt64BigEndian(batch[35..], now);
        Seal(batch);
    }

    public static void Seal(Span<byte> batch) => BinaryPrimitives.WriteUInt32BigEndian(batch[17..], Crc32C.Compute(batch[CrcStart..]));
}
