namespace KafkaBackup.LocalBroker.Transactions;

internal readonly record struct ProducerIdentity(long Id, short Epoch)
{
    public static ProducerIdentity None { get; } = new(-1, -1);
}

internal enum TransactionState
{
    Empty,
    Ongoing,
    CompleteCommit,
    CompleteAbort,
}

/// <summary>A transactional id: who owns it, and what its transaction has touched. Guarded by the coordinator.</summary>
internal sealed class Transaction(string id)
{
    public string Id { get; } = id;

    public ProducerIdentity Owner { get; set; } = ProducerIdentity.None;

    public ProducerIdentity PreviousOwner { get; set; } = ProducerIdentity.None;

    public TransactionState State { get; set; }

    public int TimeoutMs { get; set; }

    public long StartedAt { get; set; } = -1;

    public HashSet<TopicPartition> Partitions { get; } = [];

    public HashSet<string> Groups { get; } = [];
}
