using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Cluster;

internal enum TransactionState
{
    /// <summary>The transactional id has not been taken yet.</summary>
    NotReady,
    Ready,
    Open,

    /// <summary>It can only be aborted.</summary>
    MustAbort,
}

/// <summary>
/// The transactional id of one writer: what its coordinator was told and has answered. Requests are repeated until they have an answer, or
/// the caller gives up. Errors come in three kinds: it is tried again, the transaction must be aborted, or the writer is finished.
/// </summary>
internal sealed class Transaction(WireCluster cluster, string id, TimeSpan timeout, WriterErrors errors)
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    private bool _hasWork;

    public TransactionalProducer Producer { get; private set; } = new(id, -1, -1);

    public TransactionState State { get; private set; }

    /// <summary>Why the writer is finished; null while it is not.</summary>
    public KafkaBackupException? Finished { get; private set; }

    /// <summary>Takes the id: the epoch rises, which shuts out whoever had it, and what that one left open is aborted.</summary>
    public async Task InitAsync(CancellationToken cancel)
    {
        var request = new InitProducerIdRequest(id, timeout);
        var answer = await AskAsync(CoordinatorType.Transaction, id, request, a => a.Error, "Preparing the transactional producer", cancel)
            .ConfigureAwait(false);
        Producer = new(id, answer.ProducerId, answer.ProducerEpoch);
        (State, _hasWork) = (TransactionState.Ready, false);
    }

    public void Begin()
    {
        if (Finished is { } finished)
        {
            throw finished;
        }

        if (State != TransactionState.Ready)
        {
            throw new InvalidOperationException($"A transaction cannot begin: the writer is {State}.");
        }

        (State, _hasWork) = (TransactionState.Open, false);
    }

    /// <summary>Something failed in the transaction: it can only be aborted.</summary>
    public void RequireAbort()
    {
        if (State == TransactionState.Open)
        {
            State = TransactionState.MustAbort;
        }
    }

    public KafkaBackupException Finish(WireErrorCode code) => Finished ??= errors.Fatal(code);

    /// <summary>Tells the coordinator of partitions before their first batch.</summary>
    /// <returns>The error of each that it does not accept; they keep the others from being added too.</returns>
    public async Task<IReadOnlyDictionary<TopicPartition, WireErrorCode>> AddAsync(
        IReadOnlyCollection<TopicPartition> partitions,
        CancellationToken cancel
    )
    {
        _hasWork = true;
        var topics = partitions
            .GroupBy(p => p.Topic, StringComparer.Ordinal)
            .Select(t => new TopicEntries<int>(t.Key, [.. t.Select(p => p.Partition)]))
            .ToArray();
        var answer = await cluster
            .AskCoordinatorAsync(CoordinatorType.Transaction, id, new AddPartitionsToTxnRequest(Producer, topics), FirstError, cancel)
            .ConfigureAwait(false);
        return answer
            .Topics.SelectMany(t => t.Partitions.Select(p => (new TopicPartition(t.Name, p.Partition), p.Error)))
            .Where(p => p.Error != WireErrorCode.None)
            .ToDictionary(p => p.Item1, p => p.Error);
    }

    public async Task SendOffsetsAsync(string group, IReadOnlyCollection<GroupOffset> offsets, CancellationToken cancel)
    {
        RequireCommittable();
        _hasWork = true;
        var action = $"Committing the offsets of group '{group}' in the transaction";
        await AskAsync(CoordinatorType.Transaction, id, new AddOffsetsToTxnRequest(Producer, group), a => a.Error, action, cancel)
            .ConfigureAwait(false);
        var topics = offsets
            .GroupBy(o => o.Partition.Topic, StringComparer.Ordinal)
            .Select(t => new TopicEntries<OffsetToCommit>(
                t.Key,
                [.. t.Select(o => new OffsetToCommit(o.Partition.Partition, o.Offset, o.Metadata, o.LeaderEpoch))]
            ))
            .ToArray();
        await AskAsync(CoordinatorType.Group, group, new TxnOffsetCommitRequest(Producer, group, topics), FirstError, action, cancel)
            .ConfigureAwait(false);
    }

    public async Task CommitAsync(CancellationToken cancel)
    {
        RequireCommittable();
        await EndAsync(commit: true, "Committing the transaction", cancel).ConfigureAwait(false);
    }

    /// <param name="inDoubt">Batches may still arrive after the transaction's end: only a new epoch keeps them out.</param>
    /// <returns>Whether the producer has a new epoch, whose sequences begin at 0.</returns>
    public async Task<bool> AbortAsync(bool inDoubt, CancellationToken cancel)
    {
        const string action = "Aborting the transaction";
        if (Finished is { } finished)
        {
            throw finished;
        }

        if (!inDoubt)
        {
            await EndAsync(commit: false, action, cancel).ConfigureAwait(false);
            return false;
        }

        // Brokers from 2.5 on raise the epoch of a producer that names itself, and refuse one that has been shut out. Older ones would
        // shut out whoever has taken over, so there this writer is finished, and the next one asks first who has the id.
        var request = new InitProducerIdRequest(id, timeout) { ProducerId = Producer.ProducerId, ProducerEpoch = Producer.ProducerEpoch };
        try
        {
            var answer = await AskAsync(CoordinatorType.Transaction, id, request, a => a.Error, action, cancel).ConfigureAwait(false);
            Producer = new(id, answer.ProducerId, answer.ProducerEpoch);
            State = TransactionState.Ready;
            return true;
        }
        catch (KafkaBackupException old) when ((old.InnerException as WireException)?.Kind == WireFailure.VersionUnsupported)
        {
            throw Finished = errors.LeftBehind(id);
        }
    }

    private async Task EndAsync(bool commit, string action, CancellationToken cancel)
    {
        if (_hasWork)
        {
            await AskAsync(CoordinatorType.Transaction, id, new EndTxnRequest(Producer, commit), a => a.Error, action, cancel)
                .ConfigureAwait(false);
        }

        (State, _hasWork) = (TransactionState.Ready, false);
    }

    private void RequireCommittable()
    {
        if (Finished is { } finished)
        {
            throw finished;
        }

        if (State == TransactionState.MustAbort)
        {
            throw new AbortableTransactionException($"Records of the transaction of {id} could not be stored, so it must be aborted.");
        }

        if (State != TransactionState.Open)
        {
            throw new InvalidOperationException($"No transaction is open: the writer is {State}.");
        }
    }

    /// <summary>Asks until there is an answer that says how it went.</summary>
    private async Task<TAnswer> AskAsync<TAnswer>(
        CoordinatorType type,
        string key,
        WireRequest<TAnswer> request,
        Func<TAnswer, WireErrorCode> error,
        string action,
        CancellationToken cancel
    )
        where TAnswer : IWireAnswer
    {
        while (true)
        {
            WireErrorCode code;
            try
            {
                var answer = await cluster.AskCoordinatorAsync(type, key, request, error, cancel).ConfigureAwait(false);
                code = error(answer);
                if (code == WireErrorCode.None)
                {
                    return answer;
                }
            }
            catch (WireException refused) when (refused.Kind == WireFailure.ErrorCode)
            {
                code = refused.Code;
            }
            catch (WireException fault) when (!WriterErrors.IsDefinitive(fault))
            {
                code = WireErrorCode.NetworkException;
            }
            catch (WireException fault)
            {
                throw errors.Connection(fault);
            }

            if (!code.IsRetriable())
            {
                throw Classify(code, action);
            }

            await Task.Delay(RetryPause, cancel).ConfigureAwait(false);
        }
    }

    private Exception Classify(WireErrorCode code, string action)
    {
        if (WriteFaults.IsFenced(code) || code is WireErrorCode.InvalidProducerIdMapping or WireErrorCode.InvalidTxnState)
        {
            return Finish(code);
        }

        RequireAbort();
        return
            code
                is WireErrorCode.TransactionAbortable
                    or WireErrorCode.IllegalGeneration
                    or WireErrorCode.UnknownMemberId
                    or WireErrorCode.FencedInstanceId
                    or WireErrorCode.OperationNotAttempted
            ? new AbortableTransactionException($"{action} failed: the cluster answered {code.KafkaName()}.")
            : errors.Refused(code, action);
    }

    private static WireErrorCode FirstError(PartitionErrorsResponse answer) =>
        answer
            .Topics.SelectMany(t => t.Partitions)
            .Select(p => p.Error)
            .OrderBy(e => e is WireErrorCode.None or WireErrorCode.OperationNotAttempted)
            .FirstOrDefault(e => e != WireErrorCode.None);
}
