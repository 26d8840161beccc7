using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Cluster;

/// <param name="Isolation">Which records of transactional topics are handed out.</param>
/// <param name="QueuedBytes">Cap on what is fetched and not handed out yet, over all partitions of this reader; a batch that is larger comes
/// whole all the same.</param>
/// <param name="CheckCrcs">Verify each batch's checksum.</param>
/// <param name="FetchBytes">Of each partition, so much is fetched at a time; of all on a broker together, twice as much.</param>
public sealed record ReaderOptions(IsolationLevel Isolation, long QueuedBytes = 64L << 20, bool CheckCrcs = true, int FetchBytes = 4 << 20)
{
    private const int LeastFetchBytes = 64 << 10;

    public bool CanAskLess => FetchBytes > LeastFetchBytes;

    public ReaderOptions AskingLess() => this with { FetchBytes = Math.Max(LeastFetchBytes, FetchBytes / 16) };
}

/// <summary>
/// Reads assigned partitions in batches, without a group. One thread polls; all calls come from that thread. The caller names each
/// assignment with a slot, so that no lookup by name is needed per record; slots may be used again after Remove.
/// After Remove returns, nothing of that assignment is handed out any more.
/// </summary>
public interface IRecordReader : IDisposable
{
    void Assign(TopicPartition partition, long offset, int slot);

    void Remove(int slot);

    /// <summary>
    /// Hands out what has arrived, at most a batch and never more than asked for; waits a few milliseconds when there is nothing. Returns
    /// the number of records.
    /// </summary>
    int Poll(IRecordSink sink, int maxRecords = int.MaxValue);

    /// <summary>
    /// Where the next fetch for the slot would begin, as far as records handed out go: moves past control, aborted and compacted records
    /// too. Null before the first fetch.
    /// </summary>
    long? Position(int slot);
}

/// <summary>What a reader hands out. Must not throw.</summary>
public interface IRecordSink
{
    void OnRecord(int slot, in RecordView record);

    /// <summary>The reader is at the log's end, which is at this offset.</summary>
    void OnEnd(int slot, long offset);

    /// <summary>Any other error of a partition; the reader hands out nothing more for it until it is assigned again.</summary>
    void OnError(int slot, ReadFault fault);

    /// <summary>A broker holds this user back for so long, because its quota is used up.</summary>
    void OnThrottled(TimeSpan wait) { }

    /// <summary>All brokers down, authentication failed: a fault that is not one partition's. The reader goes on trying.</summary>
    void OnClusterFault(KafkaBackupException error);
}

public enum ReadFaultKind
{
    /// <summary>The position is outside the log: ask start and end again (rule B16).</summary>
    OutOfRange,

    /// <summary>The broker says that the log ends before the position, or holds other records there: it was truncated.</summary>
    Truncated,

    /// <summary>The topic has another id than the one that was read: it was deleted and created again.</summary>
    Recreated,

    /// <summary>A batch failed its checksum or cannot be decoded.</summary>
    BadMessage,

    /// <summary>The topic or partition is gone.</summary>
    UnknownPartition,
    Unauthorized,
    Other,
}

/// <param name="Offset">The position that the fault is about, with <see cref="ReadFaultKind.Truncated"/> the offset below which the log is
/// the same; -1 where not known.</param>
public sealed record ReadFault(ReadFaultKind Kind, long Offset, string Code, string Message);
