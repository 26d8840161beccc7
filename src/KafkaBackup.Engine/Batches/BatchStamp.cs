using System.Buffers.Binary;

namespace KafkaBackup.Engine.Batches;

/// <summary>
/// Writes the header fields that a sender owns into a whole batch, in place; the records part stays as it is. <see cref="Seal"/> comes
/// last: the checksum covers the producer's fields.
/// </summary>
public static class BatchStamp
{
    /// <summary>Sequence numbers start again at 0 behind the largest 32-bit number.</summary>
    private const long SequenceModulus = 1L << 31;

    /// <summary>What a producer sends: base offset 0, no leader epoch, its own id, epoch and sequence.</summary>
    /// <param name="batch">A whole batch; its attributes say whether it was part of a transaction, which <paramref name="transactional"/>
    /// replaces.</param>
    /// <param name="recordNumber">The number, from 0, of the batch's first record among all that this producer sends to the
    /// partition.</param>
    public static void ForProduce(Span<byte> batch, long producerId, short producerEpoch, long recordNumber, bool transactional)
    {
        SetBaseOffset(batch, 0);
        SetLeaderEpoch(batch, -1);
        var attributes = BinaryPrimitives.ReadInt16BigEndian(batch[RecordBatch.AttributesPlace..]) & ~RecordBatch.TransactionalBit;
        BinaryPrimitives.WriteInt16BigEndian(
            batch[RecordBatch.AttributesPlace..],
            (short)(attributes | (transactional ? RecordBatch.TransactionalBit : 0))
        );
        BinaryPrimitives.WriteInt64BigEndian(batch[RecordBatch.ProducerIdPlace..], producerId);
        BinaryPrimitives.WriteInt16BigEndian(batch[RecordBatch.ProducerEpochPlace..], producerEpoch);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatch.BaseSequencePlace..], Sequence(producerId, recordNumber));
        Seal(batch);
    }

    /// <summary>-1 without a producer id: the batch is then not part of any sequence.</summary>
    public static int Sequence(long producerId, long recordNumber) => producerId < 0 ? -1 : (int)(recordNumber % SequenceModulus);

    /// <summary>Not under the checksum.</summary>
    public static void SetBaseOffset(Span<byte> batch, long offset) => BinaryPrimitives.WriteInt64BigEndian(batch, offset);

    /// <summary>Not under the checksum.</summary>
    public static void SetLeaderEpoch(Span<byte> batch, int epoch) =>
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatch.LeaderEpochPlace..], epoch);

    /// <summary>Computes the checksum over what the batch holds now.</summary>
    public static void Seal(Span<byte> batch) =>
        BinaryPrimitives.WriteUInt32BigEndian(batch[RecordBatch.CrcPlace..], Crc32C.Compute(batch[RecordBatch.AttributesPlace..]));
}
