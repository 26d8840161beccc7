using System.Diagnostics;
using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Connections;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Sends complete batches to the leaders of their partitions and sends again what failed for a while, in order and with the same sequence
/// numbers, for as long as the writer lives. One task does the sending; answers come on their own. What is known of batches is guarded by
/// the gate of <see cref="Deliveries"/>.
/// </summary>
internal sealed class BatchSender(
    Deliveries deliveries,
    WireCluster cluster,
    int lane,
    TimeSpan replicaWait,
    AttemptOutcomes outcomes,
    ProducerIdentity producer,
    Transaction? transaction,
    WriterErrors errors
) : IDisposable
{
    private const int MostRequests = 5;
    private const int MostRequestBytes = 16 << 20;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _signal = new(0, 1);
    private readonly CancellationTokenSource _closing = new();
    private readonly Dictionary<int, BrokerRequests> _brokers = [];
    private CancellationTokenSource _step = null!;
    private TaskCompletionSource? _quiet;
    private bool _isStepping;
    private bool _hasEnded;
    private int _requests;
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
    public void Wake()
    {
        lock (_signal)
        {
            if (!_hasEnded && _signal.CurrentCount == 0)
            {
                _signal.Release();
            }
        }
    }

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
        lock (Gate)
        {
            if (IsQuiet)
            {
                return Task.CompletedTask;
            }

            _quiet ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _quiet.Task.WaitAsync(cancel);
        }
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

    /// <summary>Whoever comes next on this lane finds nothing under way.</summary>
    public void Dispose()
    {
        WireConnection[] broken;
        lock (Gate)
        {
            broken = [.. _brokers.Values.Where(b => b.UnderWay > 0).Select(b => b.Connection!)];
        }

        _closing.Cancel();
        foreach (var connection in broken)
        {
            // It fails at once; only its memory is given back later.
            _ = connection.DisposeAsync().AsTask();
        }
    }

    private bool IsQuiet => _requests == 0 && !_isStepping;

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

                    _isStepping = true;
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
                    lock (Gate)
                    {
                        _isStepping = false;
                        TellQuiet();
                    }
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
            lock (_signal)
            {
                _hasEnded = true;
            }

            _signal.Dispose();
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

        await _signal.WaitAsync(pause, _closing.Token).ConfigureAwait(false);
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

        if (ready.Count == 0 || !await producer.IsReadyAsync(cancel).ConfigureAwait(false))
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
            await SendAsync(broker, lines, cancel).ConfigureAwait(false);
        }
    }

    private async Task SendAsync(int broker, List<TargetLine> lines, CancellationToken cancel)
    {
        if (!_brokers.TryGetValue(broker, out var requests))
        {
            _brokers.Add(broker, requests = new BrokerRequests());
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

    /// <summary>One batch of each partition that may send one; null when there is none, or enough is under way.</summary>
    private List<(TargetLine Line, OutgoingBatch Batch)>? Take(BrokerRequests requests, List<TargetLine> lines)
    {
        lock (Gate)
        {
            if (requests.UnderWay >= MostRequests || deliveries.IsHeld || producer.Id < 0)
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

                if ((transaction is not null && !line.IsInTransaction) || line.Next(Now) is not { } batch)
                {
                    continue;
                }

                if (line.Enter(batch))
                {
                    batch.Stamp(producer.Id, producer.Epoch, transaction is not null);
                }

                batch.State = BatchState.UnderWay;
                line.UnderWay++;
                bytes += batch.Length;
                (taken ??= []).Add((line, batch));
            }

            if (taken is not null)
            {
                requests.UnderWay++;
                _requests++;
            }

            return taken;
        }
    }

    private ProduceRequest Request(List<(TargetLine Line, OutgoingBatch Batch)> batches) =>
        new()
        {
            TransactionalId = transaction?.Producer.TransactionalId,
            Timeout = replicaWait,
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
        }
        catch (OperationCanceledException)
        {
            // The writer was closed; nobody asks for the outcome.
        }

        lock (Gate)
        {
            requests.UnderWay--;
            _requests--;
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

            TellQuiet();
        }

        Wake();
    }

    /// <summary>Nobody could be asked.</summary>
    private void Pause(WireException fault)
    {
        _failures++;
        _notBefore = Pause(_failures);
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

    /// <summary>Until when to wait after so many failures in a row.</summary>
    public static long Pause(int failures) =>
        Now + (long)(Backoff.After(failures, FirstPause, LongestPause, 0.2).TotalSeconds * Stopwatch.Frequency);

    /// <summary>Under the gate.</summary>
    private void TellQuiet()
    {
        if (IsQuiet && _quiet is { } waiting)
        {
            _quiet = null;
            waiting.SetResult();
        }
    }

    private sealed class BrokerRequests
    {
        public int UnderWay { get; set; }

        public WireConnection? Connection { get; set; }
    }
}
