using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// The sequence that a target partition's records are part of, kept in the checkpoint (rule L6): a record's sequence is its number in the
/// restore, counted from <see cref="FirstRecord"/>. So the broker itself refuses a record that is there already, and one that skips others,
/// however the records were put into batches and whichever process sends them.
/// </summary>
/// <param name="FirstRecord">The number of the record whose sequence is 0.</param>
internal sealed record TargetSequence(long ProducerId, short Epoch, long FirstRecord)
{
    public PartitionSequence At(long record) => new(ProducerId, Epoch, record - FirstRecord);

    /// <summary>
    /// The sequence that begins with this record, where the broker may have forgotten the one before. The higher epoch fences a process
    /// that still uses that one.
    /// </summary>
    public TargetSequence Renewed(long record) => new(ProducerId, checked((short)(Epoch + 1)), record);
}
