using KafkaBackup.Engine.Batches;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Reads assigned partitions in whole record batches, without a group. One thread polls; all calls come from that thread. The caller names
/// each assignment with a slot, so that no lookup by name is needed per batch; slots may be used again after Remove. After Remove returns,
/// nothing of that assignment is handed out any more.
/// </summary>
public interface IBatchReader : IDisposable
{
    /// <param name="offset">The batch that holds it comes first, whole: offsets below it in that batch are the caller's to leave out.</param>
    void Assign(TopicPartition partition, long offset, int slot);

    void Remove(int slot);

    /// <summary>
    /// Hands out what has arrived, at most one answer's batches of one partition and at most so many bytes, but at least one batch; waits a
    /// few milliseconds when there is nothing. Returns the bytes of the batches handed out.
    /// </summary>
    long Poll(IBatchSink sink, long maxBytes = long.MaxValue);
}

/// <summary>What a batch reader hands out, all on the thread that polls. Must not throw.</summary>
public interface IBatchSink
{
    /// <summary>
    /// One batch, in order of offsets. Its bytes are valid only during the call. Its checksum has been checked. Batches that are control
    /// batches, and with read_committed those of aborted transactions, are never handed out.
    /// </summary>
    void OnBatch(int slot, in RecordBatch batch);

    /// <summary>After the batches of an answer: what it says of the log.</summary>
    void OnFacts(int slot, in LogFacts facts);

    /// <summary>An error of a partition; the reader hands out nothing more for it until it is assigned again.</summary>
    void OnError(int slot, ReadFault fault);

    /// <summary>A broker holds this user back for so long, because its quota is used up.</summary>
    void OnThrottled(TimeSpan wait);

    /// <summary>All brokers down, authentication failed: a fault that is not one partition's. The reader goes on trying.</summary>
    void OnClusterFault(KafkaBackupException error);
}

/// <summary>What a fetch answer says of a partition's log (rule L4).</summary>
/// <param name="Position">Where the next fetch begins: past control, aborted and compacted batches too.</param>
/// <param name="HighWatermark">Exclusive.</param>
/// <param name="LastStable">Exclusive; the high watermark where the broker gives none.</param>
/// <param name="LogStart">-1 where the broker does not say it.</param>
public readonly record struct LogFacts(long Position, long HighWatermark, long LastStable, long LogStart);
