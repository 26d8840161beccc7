using System.Diagnostics;
using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Connections;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Cluster;

/// <summary>Makes requests of the batches that may go, and settles each batch by its answer.</summary>
internal sealed class ProduceRequests(
    Deliveries deliveries,
    WireCluster cluster,
    int lane,
    ProduceTuning tuning,
    AttemptOutcomes outcomes,
    ProducerIdentity producer,
    Transaction? transaction,
    WriterErrors errors,
    SenderSignal signal
) : IDisposable
{
    private const int MostRequests = 5;
    private const int MostRequestBytes = 16 << 20;

    private readonly CancellationTokenSource _closing = new();
    private readonly PauseWatch _pauses = new(cluster.Options.Clock);
    private readonly Dictionary<int, BrokerRequests> _brokers = [];

    private object Gate => deliveries.Gate;

    /// <summary>What comes from here on is for partitions that have been looked at just now.</summary>
    public void BeginAnew() => _pauses.Forget();

    public async Task SendAsync(int broker, List<TargetLine> lines, CancellationToken cancel)
    {
        BrokerRequests? requests;
        lock (Gate)
        {
            if (!_brokers.TryGetValue(broker, out requests))
            {
                _brokers.Add(broker, requests = new BrokerRequests());
            }
        }

        WireConnection connection;
        try
        {
            connection = await cluster.ConnectionAsync(broker, lane, cancel).ConfigureAwait(false);
        }
        catch (WireException fault)
        {
            cluster.NoteLost(lines.Select(l => l.Partition.Topic));
            deliveries.Tell(errors.Connection(fault));
            lock (Gate)
            {
                lines.ForEach(AttemptOutcomes.Backoff);
            }

            return;
        }

        requests.Connection = connection;
        while (Take(requests, lines) is { } batches)
        {
            _ = AnswerAsync(requests, batches, connection.SendAsync(Request(batches), _closing.Token));
        }
    }

    /// <summary>Whoever comes next on this lane finds nothing under way.</summary>
    public void Dispose()
    {
        WireConnection[] broken;
        lock (Gate)
        {
            broken = [.. _brokers.Values.Where(b => b.UnderWay > 0).Select(b => b.Connection!)];
        }

        _closing.Cancel();
        _pauses.Dispose();
        foreach (var connection in broken)
        {
            // It fails at once; only its memory is given back later.
            _ = connection.DisposeAsync().AsTask();
        }
    }

    /// <summary>One batch of each partition that may send one; null when there is none, or enough is under way.</summary>
    private List<(TargetLine Line, OutgoingBatch Batch)>? Take(BrokerRequests requests, List<TargetLine> lines)
    {
        // A transaction needs no such care: who took its place has shut this one out.
        if (transaction is null && _pauses.Look() is { } paused)
        {
            deliveries.Stop(errors.Paused(paused));
        }

        lock (Gate)
        {
            if (requests.UnderWay >= MostRequests || deliveries.IsHeld)
            {
                return null;
            }

            List<(TargetLine, OutgoingBatch)>? taken = null;
            var bytes = 0L;
            foreach (var line in lines)
            {
                if (bytes > MostRequestBytes)
                {
                    break;
                }

                if (
                    producer.Of(line) is not { } sender
                    || (transaction is not null && !line.IsInTransaction)
                    || line.Next(Stopwatch.GetTimestamp()) is not { } batch
                )
                {
                    continue;
                }

                if (line.Enter(batch))
                {
                    batch.Stamp(sender.Id, sender.Epoch, transaction is not null);
                }

                batch.State = BatchState.UnderWay;
                line.UnderWay++;
                bytes += batch.Length;
                (taken ??= []).Add((line, batch));
            }

            if (taken is not null)
            {
                requests.UnderWay++;
                signal.RequestBegins();
            }

            return taken;
        }
    }

    private ProduceRequest Request(List<(TargetLine Line, OutgoingBatch Batch)> batches) =>
        new()
        {
            TransactionalId = transaction?.Producer.TransactionalId,
            Timeout = tuning.ReplicaWait,
            Margin = tuning.AnswerMargin,
            Topics =
            [
                .. batches
                    .GroupBy(b => b.Line.Partition.Topic, StringComparer.Ordinal)
                    .Select(t => new TopicEntries<ProducePartition>(
                        t.Key,
                        [.. t.Select(b => new ProducePartition(b.Line.Partition.Partition, b.Batch.Content, default))]
                    )),
            ],
        };

    private async Task AnswerAsync(
        BrokerRequests requests,
        List<(TargetLine Line, OutgoingBatch Batch)> batches,
        Task<ProduceResponse> sent
    )
    {
        ProduceResponse? answer = null;
        WireException? lost = null;
        try
        {
            answer = await sent.ConfigureAwait(false);
        }
        catch (WireException fault)
        {
            lost = fault;
            cluster.NoteLost(batches.Select(b => b.Line.Partition.Topic));
            if (fault.Kind == WireFailure.RequestTimedOut)
            {
                deliveries.Tell(errors.Connection(fault));
            }
        }
        catch (OperationCanceledException)
        {
            // The writer was closed; nobody asks for the outcome.
        }

        lock (Gate)
        {
            if (answer is { ThrottleTime: { Ticks: > 0 } wait })
            {
                deliveries.TellThrottled(wait);
            }

            requests.UnderWay--;
            foreach (var (line, batch) in batches)
            {
                if (batch.IsAbandoned || deliveries.IsClosed)
                {
                    deliveries.Released(batch);
                    continue;
                }

                line.UnderWay--;
                if (answer is null)
                {
                    batch.MayBeStored = true;
                    outcomes.Again(line, batch, lost!.Message);
                }
                else
                {
                    outcomes.Settle(line, batch, AttemptOutcomes.Find(answer, line.Partition), answer.Endpoints);
                }

                deliveries.GiveUpIfStopped(batch);
                deliveries.Report(line);
            }

            signal.RequestEnded();
        }

        signal.Wake();
    }

    private sealed class BrokerRequests
    {
        public int UnderWay { get; set; }

        public WireConnection? Connection { get; set; }
    }
}
