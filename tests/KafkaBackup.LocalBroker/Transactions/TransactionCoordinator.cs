using KafkaBackup.LocalBroker.Log;

namespace KafkaBackup.LocalBroker.Transactions;

/// <summary>
/// Hands out producer ids and runs transactions. Ending one writes its markers before the answer, so a transaction is never
/// seen between prepared and complete.
/// </summary>
internal sealed class TransactionCoordinator(LocalCluster cluster)
{
    private const int CoordinatorEpoch = 0;

    private readonly object _gate = new();
    private readonly Dictionary<string, Transaction> _transactions = new(StringComparer.Ordinal);
    private readonly Dictionary<long, Transaction> _byProducer = [];
    private long _lastProducerId = 999;

    public ProducerIdentity NewIdentity() => new(Interlocked.Increment(ref _lastProducerId), 0);

    /// <summary>Gives the transactional id to its caller: an ongoing transaction is aborted, the former owner is fenced.</summary>
    public (ErrorCode Error, ProducerIdentity Identity) Init(string id, int timeoutMs, ProducerIdentity known)
    {
        if (id.Length == 0)
            return (ErrorCode.InvalidRequest, ProducerIdentity.None);
        if (timeoutMs <= 0 || timeoutMs > cluster.Options.MaxTransactionTimeout.TotalMilliseconds)
            return (ErrorCode.InvalidTransactionTimeout, ProducerIdentity.None);
        lock (_gate)
        {
            if (!_transactions.TryGetValue(id, out var transaction))
                _transactions[id] = transaction = new Transaction(id);

            // A producer that re-initialises names itself; one that asks again for an answer it never got names its former self.
            if (known.Id >= 0 && known != transaction.Owner)
                return known == transaction.PreviousOwner
                    ? (ErrorCode.None, transaction.Owner)
                    : (ErrorCode.ProducerFenced, ProducerIdentity.None);
            if (transaction.State == TransactionState.Ongoing)
                Abort(transaction);
            transaction.TimeoutMs = timeoutMs;
            transaction.State = TransactionState.Empty;
            TakeOver(transaction);
            return (ErrorCode.None, transaction.Owner);
        }
    }

    public ErrorCode AddPartitions(string id, ProducerIdentity producer, IEnumerable<TopicPartition> partitions) =>
        Join(id, producer, transaction => transaction.Partitions.UnionWith(partitions));

    public ErrorCode AddGroup(string id, ProducerIdentity producer, string group) =>
        Join(id, producer, transaction => transaction.Groups.Add(group));

    public ErrorCode End(string id, ProducerIdentity producer, bool commit)
    {
        lock (_gate)
        {
            var error = CheckOwner(id, producer, out var transaction);
            if (error != ErrorCode.None)
                return error;
            switch (transaction!.State)
            {
                case TransactionState.Ongoing:
                    Complete(transaction, producer, commit);
                    return ErrorCode.None;
                case TransactionState.CompleteCommit when commit:
                case TransactionState.CompleteAbort when !commit:
                    return ErrorCode.None;
                default:
                    return ErrorCode.InvalidTxnState;
            }
        }
    }

    /// <summary>
    /// Appends a transactional batch, only inside an ongoing transaction that named the partition. Under the lock, so that no
    /// batch slips in behind its transaction's end.
    /// </summary>
    public AppendOutcome Append(ProducerIdentity producer, TopicPartition partition, Func<AppendOutcome> append)
    {
        lock (_gate)
        {
            if (!_byProducer.TryGetValue(producer.Id, out var transaction))
                return new AppendOutcome(ErrorCode.InvalidProducerIdMapping);
            if (producer != transaction.Owner)
                return new AppendOutcome(ErrorCode.InvalidProducerEpoch);
            return transaction.State == TransactionState.Ongoing && transaction.Partitions.Contains(partition)
                ? append()
                : new AppendOutcome(ErrorCode.InvalidTxnState);
        }
    }

    public ErrorCode CheckOffsets(string id, ProducerIdentity producer, string group)
    {
        lock (_gate)
        {
            var error = CheckOwner(id, producer, out var transaction);
            if (error != ErrorCode.None)
                return error;
            return transaction!.State == TransactionState.Ongoing && transaction.Groups.Contains(group)
                ? ErrorCode.None
                : ErrorCode.InvalidTxnState;
        }
    }

    /// <summary>Aborts what has been open for longer than its producer asked for, and fences that producer.</summary>
    public void AbortExpired(long now)
    {
        lock (_gate)
        {
            foreach (var transaction in _transactions.Values)
            {
                if (transaction.State != TransactionState.Ongoing || now - transaction.StartedAt <= transaction.TimeoutMs)
                    continue;
                Abort(transaction);
                transaction.PreviousOwner = ProducerIdentity.None;
            }
        }
    }

    public IReadOnlyList<TransactionView> Snapshot()
    {
        lock (_gate)
        {
            return
            [
                .. _transactions.Values.Select(t => new TransactionView(
                    t.Id,
                    t.Owner,
                    t.State,
                    t.TimeoutMs,
                    t.StartedAt,
                    [.. t.Partitions]
                )),
            ];
        }
    }

    private ErrorCode Join(string id, ProducerIdentity producer, Action<Transaction> join)
    {
        lock (_gate)
        {
            var error = CheckOwner(id, producer, out var transaction);
            if (error != ErrorCode.None)
                return error;
            if (transaction!.State != TransactionState.Ongoing)
            {
                transaction.State = TransactionState.Ongoing;
                transaction.StartedAt = cluster.Now;
                transaction.Partitions.Clear();
                transaction.Groups.Clear();
            }

            join(transaction);
            return ErrorCode.None;
        }
    }

    private ErrorCode CheckOwner(string id, ProducerIdentity producer, out Transaction? transaction)
    {
        if (!_transactions.TryGetValue(id, out transaction) || transaction.Owner.Id != producer.Id)
            return ErrorCode.InvalidProducerIdMapping;
        return transaction.Owner.Epoch == producer.Epoch ? ErrorCode.None : ErrorCode.ProducerFenced;
    }

    /// <summary>Aborts under a raised epoch, so that late batches of the former owner are refused by every partition.</summary>
    private void Abort(Transaction transaction)
    {
        var fenced = transaction.Owner with { Epoch = (short)Math.Min(short.MaxValue, transaction.Owner.Epoch + 1) };
        Complete(transaction, fenced, commit: false);
        transaction.Owner = fenced;
    }

    private void Complete(Transaction transaction, ProducerIdentity producer, bool commit)
    {
        var now = cluster.Now;
        foreach (var partition in transaction.Partitions)
            cluster
                .Topics.Find(partition.Topic, partition.Partition)
                ?.Log.EndTransaction(producer.Id, producer.Epoch, commit, now, CoordinatorEpoch);
        cluster.Groups.EndTransaction(transaction.Groups, producer.Id, commit);
        transaction.Partitions.Clear();
        transaction.Groups.Clear();
        transaction.StartedAt = -1;
        transaction.State = commit ? TransactionState.CompleteCommit : TransactionState.CompleteAbort;
    }

    private void TakeOver(Transaction transaction)
    {
        var former = transaction.Owner;
        transaction.PreviousOwner = former;
        if (former.Id < 0 || former.Epoch >= short.MaxValue - 1)
        {
            _byProducer.Remove(former.Id);
            transaction.Owner = NewIdentity();
        }
        else
        {
            transaction.Owner = former with { Epoch = (short)(former.Epoch + 1) };
        }

        _byProducer[transaction.Owner.Id] = transaction;
    }
}

internal sealed record TransactionView(
    string Id,
    ProducerIdentity Owner,
    TransactionState State,
    int TimeoutMs,
    long StartedAt,
    IReadOnlyList<TopicPartition> Partitions
);
