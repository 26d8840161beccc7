using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Cluster;

/// <summary>What the cluster has to know of a producer before it takes a batch: its id, and where its transaction writes.</summary>
internal sealed class ProducerIdentity(
    Deliveries deliveries,
    WireCluster cluster,
    AttemptOutcomes outcomes,
    Transaction? transaction,
    WriterErrors errors
)
{
    /// <summary>-1 while there is none.</summary>
    public long Id { get; private set; } = -1;

    public short Epoch { get; private set; } = -1;

    /// <summary>Under the gate: the next batch gets another id or epoch.</summary>
    public void Forget() => (Id, Epoch) = (-1, -1);

    /// <summary>Under the gate: who sends to this partition; null while that is not known.</summary>
    public (long Id, short Epoch)? Of(TargetLine line) =>
        line.Given is { } given ? (given.ProducerId, given.Epoch)
        : Id >= 0 ? (Id, Epoch)
        : null;

    /// <returns>False when there is none and none will come.</returns>
    public async Task<bool> IsReadyAsync(IReadOnlyCollection<TargetLine> lines, CancellationToken cancel)
    {
        if (Id >= 0 || lines.All(l => l.Given is not null))
        {
            return true;
        }

        if (transaction is not null)
        {
            (Id, Epoch) = (transaction.Producer.ProducerId, transaction.Producer.ProducerEpoch);
            return Id >= 0;
        }

        var answer = await cluster.AskAnyAsync(new InitProducerIdRequest(null, TimeSpan.FromMinutes(1)), cancel).ConfigureAwait(false);
        if (answer.Error == WireErrorCode.None)
        {
            (Id, Epoch) = (answer.ProducerId, answer.ProducerEpoch);
            return true;
        }

        if (answer.Error.IsRetriable())
        {
            // Some seconds after a broker's start it has no producer ids to give.
            throw WireException.Refused(answer.Error, "The cluster has no producer id for this client yet");
        }

        deliveries.Stop(errors.Fatal(answer.Error));
        return false;
    }

    /// <summary>Tells the coordinator of the partitions that this transaction has not written yet.</summary>
    public async Task JoinTransactionAsync(IEnumerable<TargetLine> lines, CancellationToken cancel)
    {
        TargetLine[] joining;
        lock (deliveries.Gate)
        {
            joining = [.. lines.Where(l => !l.IsInTransaction)];
        }

        if (transaction is null || joining.Length == 0)
        {
            return;
        }

        var refused = await transaction.AddAsync([.. joining.Select(l => l.Partition)], cancel).ConfigureAwait(false);
        lock (deliveries.Gate)
        {
            foreach (var line in joining)
            {
                if (!refused.TryGetValue(line.Partition, out var code))
                {
                    line.IsInTransaction = refused.Count == 0;
                }
                else if (WriteFaults.IsUnknown(code))
                {
                    outcomes.Unknown(line);
                }
                else if (WriteFaults.IsUnauthorized(code) && code == WireErrorCode.TopicAuthorizationFailed)
                {
                    deliveries.Fail(line, WriteFaults.Unauthorized(code));
                }
                else if (code.IsRetriable() || code == WireErrorCode.OperationNotAttempted)
                {
                    AttemptOutcomes.Backoff(line);
                }
                else
                {
                    deliveries.Stop(transaction.Finish(code));
                }
            }
        }
    }
}
