using System.Diagnostics;
using KafkaBackup.Engine.Wire;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Brings complete batches to the leaders of their partitions and sends again what failed for a while, in order and with the same sequence
/// numbers, for as long as the writer lives. One task does the sending; answers come on their own. What is known of batches is guarded by
/// the gate of <see cref="Deliveries"/>.
/// </summary>
internal sealed class BatchSender(
    Deliveries deliveries,
    WireCluster cluster,
    AttemptOutcomes outcomes,
    ProducerIdentity producer,
    ProduceRequests requests,
    Transaction? transaction,
    WriterErrors errors,
    SenderSignal signal
) : IDisposable
{
    private readonly CancellationTokenSource _closing = new();
    private CancellationTokenSource _step = null!;
    private int _failures;
    private long _notBefore;

    /// <summary>When was last looked for something to send: a pause that ends later has to be waited for.</summary>
    private long _looked;

    private static long Now => Stopwatch.GetTimestamp();

    private object Gate => deliveries.Gate;

    public void Start()
    {
        _step = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
        _ = Task.Run(RunAsync);
    }

    /// <summary>There may be something to send.</summary>
    public void Wake() => signal.Wake();

    /// <summary>Ends when no request is under way and none is being made.</summary>
    public Task QuietAsync(CancellationToken cancel)
    {
        CancellationTokenSource step;
        lock (Gate)
        {
            step = _step;
        }

        // Not under the gate: what waits for it may go on at once.
        step.Cancel();
        return signal.QuietAsync(cancel);
    }

    /// <summary>Whatever has a new producer id or epoch begins its sequences at 0. Nothing may be under way.</summary>
    public void Renew()
    {
        lock (Gate)
        {
            producer.Forget();
            foreach (var line in deliveries.Lines)
            {
                line.Restart();
            }
        }
    }

    public void Dispose()
    {
        _closing.Cancel();
        requests.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await WaitAsync().ConfigureAwait(false);
                CancellationToken step;
                lock (Gate)
                {
                    if (_step.IsCancellationRequested)
                    {
                        _step = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
                    }

                    signal.StepBegins();
                    step = _step.Token;
                }

                try
                {
                    await StepAsync(step).ConfigureAwait(false);
                }
                catch (WireException fault)
                {
                    Pause(fault);
                }
                catch (OperationCanceledException) when (step.IsCancellationRequested && !_closing.IsCancellationRequested)
                {
                    // What this step was about has been dropped.
                }
                finally
                {
                    signal.StepEnded();
                }
            }
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // The writer was closed.
        }
        catch (Exception unexpected)
        {
            // Without a sender, whoever waits for reports would wait for ever.
            deliveries.Stop(errors.Unexpected(unexpected));
        }
        finally
        {
            signal.Dispose();
        }
    }

    private async Task WaitAsync()
    {
        var pause = Timeout.InfiniteTimeSpan;
        lock (Gate)
        {
            var next = long.MaxValue;
            foreach (var line in deliveries.Lines)
            {
                if (line.Batches.Count > 0 && line.NotBefore > _looked)
                {
                    next = Math.Min(next, line.NotBefore);
                }
            }

            if (_notBefore > _looked)
            {
                next = Math.Min(next, _notBefore);
            }

            if (next != long.MaxValue)
            {
                pause = Stopwatch.GetElapsedTime(Math.Min(Now, next), next) + TimeSpan.FromMilliseconds(1);
            }
        }

        await signal.WaitAsync(pause, _closing.Token).ConfigureAwait(false);
    }

    private async Task StepAsync(CancellationToken cancel)
    {
        List<TargetLine> ready;
        lock (Gate)
        {
            _looked = Now;
            if (_looked < _notBefore)
            {
                return;
            }

            ready = [.. deliveries.Lines.Where(l => l.Next(_looked) is not null)];
        }

        if (ready.Count == 0 || !await producer.IsReadyAsync(ready, cancel).ConfigureAwait(false))
        {
            return;
        }

        var byBroker = new Dictionary<int, List<TargetLine>>();
        foreach (var line in ready)
        {
            var leader = await cluster.LeaderAsync(line.Partition.Topic, line.Partition.Partition, cancel).ConfigureAwait(false);
            if (leader.Broker < 0)
            {
                outcomes.NoLeader(line, leader.Error);
            }
            else if (byBroker.TryGetValue(leader.Broker, out var lines))
            {
                lines.Add(line);
            }
            else
            {
                byBroker.Add(leader.Broker, [line]);
            }
        }

        _failures = 0;
        await producer.JoinTransactionAsync(byBroker.Values.SelectMany(lines => lines), cancel).ConfigureAwait(false);

        foreach (var (broker, lines) in byBroker)
        {
            await requests.SendAsync(broker, lines, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Nobody could be asked.</summary>
    private void Pause(WireException fault)
    {
        _failures++;
        _notBefore = AttemptOutcomes.PauseUntil(_failures);
        if (fault.Kind == WireFailure.VersionUnsupported)
        {
            deliveries.Stop(errors.Connection(fault));
        }
        else if (transaction is not null && fault is { Kind: WireFailure.ErrorCode, Code: var code } && !code.IsRetriable())
        {
            deliveries.Stop(transaction.Finish(code));
        }
        else if (_failures > 1 || WriterErrors.IsDefinitive(fault))
        {
            deliveries.Tell(errors.Connection(fault));
        }
    }
}
