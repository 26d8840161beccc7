using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Cluster;

/// <param name="TransactionalId">Null for plain idempotent production.</param>
/// <param name="BatchBytes">Upper bound for a batch, uncompressed: stay under the target's max.message.bytes.</param>
/// <param name="BatchRecords">Upper bound for records in a batch.</param>
/// <param name="QueuedBytes">Cap on what is queued and not yet reported.</param>
/// <param name="StopAtFirstFailure">
/// Without transactions: the first record that fails for good stops the whole writer (a fatal fault), so that nothing sent after it is
/// stored and no hole arises. Without this, later records go in.
/// </param>
public sealed record WriterOptions(
    string? TransactionalId = null,
    int BatchBytes = 1_000_000,
    int BatchRecords = 10_000,
    long QueuedBytes = 64L << 20,
    string CompressionType = "none",
    TimeSpan? TransactionTimeout = null,
    TimeSpan? Linger = null,
    bool StopAtFirstFailure = true
);

/// <summary>
/// A place in a producer's sequence on one partition. A broker that knows the producer stores a batch only if its first record is the next
/// in the sequence, whichever process sends it (rule L6).
/// </summary>
/// <param name="NextRecord">The number, from 0, of the next record in the sequence.</param>
public readonly record struct PartitionSequence(long ProducerId, short Epoch, long NextRecord);

public enum SendOutcome
{
    Queued,

    /// <summary>Poll delivery reports and send the same record again.</summary>
    QueueFull,
}

/// <summary>
/// Writes records, idempotently, with acks from all replicas. Order within a partition is the order of Send. There is no message time-out:
/// the caller's own budget decides (rule E4). One thread sends and polls.
/// </summary>
public interface IRecordWriter : IDisposable
{
    /// <summary>Names a target partition for Send, as slots do in a reader.</summary>
    /// <param name="sequence">The sequence that is continued there; null for a producer id of the writer's own, which begins one.</param>
    void Open(TopicPartition partition, int slot, PartitionSequence? sequence = null);

    /// <summary>
    /// Gives a slot up, of which nothing may be pending. The same writer must not open the same partition again without a sequence.
    /// </summary>
    void Close(int slot);

    /// <summary>
    /// Queues a record: key, value, timestamp as given, then its headers and the extra ones. The tag comes back in the delivery report.
    /// Throws for what cannot ever be sent (a local refusal), naming the record.
    /// </summary>
    SendOutcome Send(int slot, in RecordView record, ReadOnlySpan<HeaderSlice> extraHeaders, long tag);

    /// <summary>Records of this slot go into batches with that codec from here on, unless the user's options name another.</summary>
    void Compress(int slot, BatchCodec codec);

    /// <summary>Whether this batch's codec may stay as it is.</summary>
    bool Keeps(in RecordBatch batch);

    /// <summary>
    /// Queues a whole batch behind what was sent before: its records part goes as it is, its header becomes this producer's (rule L5). Its
    /// records must follow one another without a hole. The batch is copied. One delivery report comes for all of them, with this tag and
    /// the offset of the first.
    /// </summary>
    SendOutcome SendBatch(int slot, in RecordBatch batch, long tag);

    /// <summary>Hands out delivery reports that have arrived; waits up to the time when there are none. Returns their number.</summary>
    int Poll(IDeliverySink sink, TimeSpan wait);

    /// <summary>Records queued and not yet reported.</summary>
    int Pending { get; }

    /// <summary>Sends what still waits for its batch to fill. It does not wait for the outcome: poll for that.</summary>
    void Flush();

    /// <summary>
    /// Drops everything queued or under way (reports come with an error) so that the partition can be started again cleanly.
    /// </summary>
    void Purge();

    /// <summary>Fences any earlier producer with this transactional id and aborts what it left open.</summary>
    Task InitTransactionsAsync(CancellationToken cancel);

    void BeginTransaction();

    /// <summary>Commits offsets of a private group in the running transaction.</summary>
    Task SendOffsetsAsync(string group, IReadOnlyCollection<GroupOffset> offsets, CancellationToken cancel);

    /// <summary>Only when nothing is pending: the report of every record of the transaction must have been polled.</summary>
    /// <exception cref="AbortableTransactionException">It must be aborted; SendOffsets throws this too.</exception>
    Task CommitTransactionAsync(CancellationToken cancel);

    /// <summary>Drops what is queued or under way too; its reports are not handed out.</summary>
    Task AbortTransactionAsync(CancellationToken cancel);
}

/// <summary>Receives delivery reports. Must not throw.</summary>
public interface IDeliverySink
{
    /// <param name="slot">The partition's slot.</param>
    /// <param name="tag">As given to Send.</param>
    /// <param name="offset">The record's offset in the target; -1 when it is not known although the record is stored.</param>
    void OnDelivered(int slot, long tag, long offset);

    void OnFailed(int slot, long tag, WriteFault fault);

    /// <summary>A fault of the producer as a whole: fenced, fatal, all brokers down, authentication.</summary>
    void OnProducerFault(KafkaBackupException error, bool fatal);

    /// <summary>A broker makes this user wait for so long, because a quota is used up; the writer waits by itself.</summary>
    void OnThrottled(TimeSpan wait) { }
}

public enum WriteFaultKind
{
    /// <summary>The broker refuses this record for good: too large, bad timestamp, policy.</summary>
    Refused,

    /// <summary>Dropped by Purge, or before it could be sent.</summary>
    Purged,
    Unauthorized,
    UnknownPartition,

    /// <summary>May or may not be stored.</summary>
    Uncertain,
    Other,
}

public sealed record WriteFault(WriteFaultKind Kind, string Code, string Message);
