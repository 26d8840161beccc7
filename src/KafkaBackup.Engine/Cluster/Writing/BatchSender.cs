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
internal sealed class BatchSender(Deliveries deliveries, WireCluster cluster, int lane, TimeSpan replicaWait, Transaction? transaction, WriterErrors errors)
{
    private const int MostRequests = 5;
    private const int MostRequestBytes = 16 << 20;
    private const int ToldFrom = 3;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>New topics, and brokers that come back, are not known everywhere at once.</summary>
    private static readonly TimeSpan UnknownPatience = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _signal = new(0, 1);
    private readonly CancellationTokenSource _closing = new();
    private readonly Dictionary<int, BrokerRequests> _brokers = [];
    private CancellationTokenSource _step = new();
    private TaskCompletionSource? _quiet;
    private bool _isStepping;
    private int _requests;
    private int _failures;
    private long _notBefore;
    private (long Id, short Epoch) _producer = (-1, -1);

    private static long Now => Stopwatch.GetTimestamp();

    private object Gate => deliveries.Gate;

    public void Start() => _ = Task.Run(RunAsync);

    /// <summary>There may be something to send.</summary>
    public void Wake()
    {
        lock (_signal)
        {
            if (_signal.CurrentCount == 0)
            {
                _signal.Release();
            }
        }
    }

    /// <summary>Ends when no request is under way and none is being made.</summary>
    public Task QuietAsync(CancellationToken cancel)
    {
        lock (Gate)
        {
            _step.Cancel();
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
            _producer = (-1, -1);
            foreach (var line in deliveries.Lines)
            {
                line.Restart();
            }
        }
    }

    /// <summary>Whoever comes next on this lane finds nothing under way.</summary>
    public void Close()
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
                        _step.Dispose();
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
    }

    private async Task WaitAsync()
    {
        var pause = Timeout.InfiniteTimeSpan;
        lock (Gate)
        {
            var next = long.MaxValue;
            foreach (var line in deliveries.Lines)
            {
                if (line.Batches.Count > 0 && line.NotBefore > Now)
                {
                    next = Math.Min(next, line.NotBefore);
                }
            }

            if (_notBefore > Now)
            {
                next = Math.Min(next, _notBefore);
            }

            if (next != long.MaxValue)
            {
                pause = Stopwatch.GetElapsedTime(Now, next) + TimeSpan.FromMilliseconds(1);
            }
        }

        await _signal.WaitAsync(pause, _closing.Token).ConfigureAwait(false);
    }

    private async Task StepAsync(CancellationToken cancel)
    {
        List<TargetLine> ready;
        lock (Gate)
        {
            if (Now < _notBefore)
            {
                return;
            }

            ready = [.. deliveries.Lines.Where(l => l.Next(Now) is not null)];
        }

        if (ready.Count == 0 || !await HasProducerAsync(cancel).ConfigureAwait(false))
        {
            return;
        }

        var byBroker = new Dictionary<int, List<TargetLine>>();
        foreach (var line in ready)
        {
            var leader = await cluster.LeaderAsync(line.Partition.Topic, line.Partition.Partition, cancel).ConfigureAwait(false);
            if (leader.Broker < 0)
            {
                NoLeader(line, leader.Error);
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
        if (transaction is not null)
        {
            await JoinTransactionAsync(byBroker.Values.SelectMany(lines => lines), cancel).ConfigureAwait(false);
        }

        foreach (var (broker, lines) in byBroker)
        {
            await SendAsync(broker, lines, cancel).ConfigureAwait(false);
        }
    }

    private async Task<bool> HasProducerAsync(CancellationToken cancel)
    {
        if (_producer.Id >= 0)
        {
            return true;
        }

        if (transaction is not null)
        {
            _producer = (transaction.Producer.ProducerId, transaction.Producer.ProducerEpoch);
            return _producer.Id >= 0;
        }

        var answer = await cluster.AskAnyAsync(new InitProducerIdRequest(null, TimeSpan.FromMinutes(1)), cancel).ConfigureAwait(false);
        if (answer.Error == WireErrorCode.None)
        {
            _producer = (answer.ProducerId, answer.ProducerEpoch);
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

    private async Task JoinTransactionAsync(IEnumerable<TargetLine> lines, CancellationToken cancel)
    {
        TargetLine[] joining;
        lock (Gate)
        {
            joining = [.. lines.Where(l => !l.IsInTransaction)];
        }

        if (joining.Length == 0)
        {
            return;
        }

        var refused = await transaction!.AddAsync([.. joining.Select(l => l.Partition)], cancel).ConfigureAwait(false);
        lock (Gate)
        {
            foreach (var line in joining)
            {
                if (!refused.TryGetValue(line.Partition, out var code))
                {
                    line.IsInTransaction = refused.Count == 0;
                }
                else if (WriteFaults.IsUnknown(code))
                {
                    Unknown(line);
                }
                else if (WriteFaults.IsUnauthorized(code) && code == WireErrorCode.TopicAuthorizationFailed)
                {
                    deliveries.Fail(line, WriteFaults.Unauthorized(code));
                }
                else if (code.IsRetriable() || code == WireErrorCode.OperationNotAttempted)
                {
                    Backoff(line);
                }
                else
                {
                    deliveries.Stop(transaction.Finish(code));
                }
            }
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
                lines.ForEach(Backoff);
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
            if (requests.UnderWay >= MostRequests || deliveries.IsHeld || _producer.Id < 0)
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
                    batch.Stamp(_producer.Id, _producer.Epoch, transaction is not null);
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
                    Again(line, batch, lost!.Message);
                }
                else
                {
                    Settle(line, batch, Find(answer, line.Partition), answer.Endpoints);
                }

                deliveries.Report(line);
            }

            TellQuiet();
        }

        Wake();
    }

    private static ProducedPartition? Find(ProduceResponse answer, TopicPartition partition)
    {
        foreach (var topic in answer.Topics)
        {
            if (topic.Name == partition.Topic)
            {
                foreach (var produced in topic.Partitions)
                {
                    if (produced.Index == partition.Partition)
                    {
                        return produced;
                    }
                }
            }
        }

        return null;
    }

    /// <summary>Under the gate.</summary>
    private void Settle(TargetLine line, OutgoingBatch batch, ProducedPartition? answered, IReadOnlyList<FetchEndpoint> endpoints)
    {
        if (answered is not { } partition)
        {
            batch.MayBeStored = true;
            Again(line, batch, "the broker's answer does not mention it");
            return;
        }

        var code = partition.Error;
        switch (code)
        {
            case WireErrorCode.None:
            case WireErrorCode.DuplicateSequenceNumber:
                batch.State = BatchState.Stored;
                batch.Offset = code == WireErrorCode.None ? partition.BaseOffset : -1;
                (line.IsKnownThere, line.Failures, line.UnknownSince) = (true, 0, 0);
                return;
            case WireErrorCode.OutOfOrderSequenceNumber when line.HasUnstoredBefore(batch):
                Again(line, batch, null);
                return;
            case WireErrorCode.CorruptMessage when line.Failures < ToldFrom:
                Again(line, batch, code.KafkaName());
                return;
        }

        if (WriteFaults.IsRefusal(code))
        {
            batch.RecordFaults = WriteFaults.Records(code, partition.RecordErrors);
            Deliveries.Fail(batch, WriteFaults.Refused(code, partition.Message));
        }
        else if (WriteFaults.IsUnauthorized(code))
        {
            Deliveries.Fail(batch, WriteFaults.Unauthorized(code));
        }
        else if (WriteFaults.IsUnknown(code))
        {
            batch.State = BatchState.Waiting;
            line.IsRecovering = true;
            cluster.NoteError(line.Partition.Topic, line.Partition.Partition, WireErrorCode.UnknownTopicOrPartition);
            Unknown(line);
        }
        else if (code.IsRetriable())
        {
            // The leader has it, and its followers may get it yet.
            batch.MayBeStored |= code is WireErrorCode.RequestTimedOut or WireErrorCode.NotEnoughReplicasAfterAppend;
            cluster.NoteError(line.Partition.Topic, line.Partition.Partition, code, partition.Leader, endpoints);
            line.UnknownSince = 0;
            Again(line, batch, $"{code.KafkaName()}{(partition.Message is { } text ? $" ({text.TrimEnd('.')})" : "")}");
        }
        else if (code is WireErrorCode.InvalidTxnState or WireErrorCode.TransactionAbortable)
        {
            Deliveries.Fail(batch, WriteFaults.Uncertain(code, partition.Message));
        }
        else if (
            WriteFaults.IsFenced(code)
            || code
                is WireErrorCode.OutOfOrderSequenceNumber
                    or WireErrorCode.UnknownProducerId
                    or WireErrorCode.InvalidProducerIdMapping
        )
        {
            batch.MayBeStored = code == WireErrorCode.OutOfOrderSequenceNumber;
            batch.State = BatchState.Waiting;
            deliveries.Stop(transaction?.Finish(code) ?? errors.Stopped(code));
        }
        else
        {
            batch.MayBeStored = true;
            Deliveries.Fail(batch, WriteFaults.Uncertain(code, partition.Message));
        }
    }

    /// <summary>Under the gate: sends it again, with everything behind it that is not stored.</summary>
    private void Again(TargetLine line, OutgoingBatch batch, string? why)
    {
        batch.State = BatchState.Waiting;
        if (deliveries.IsStopped)
        {
            Deliveries.Fail(batch, WriteFaults.Abandoned(batch));
            return;
        }

        if (!line.IsRecovering)
        {
            Backoff(line);
        }

        line.IsRecovering = true;
        if (why is not null && line.Failures >= ToldFrom)
        {
            deliveries.Tell(
                ErrorIds.TargetUnavailable.With(
                    $"Partition {line.Partition} does not store what is sent to it: {why.TrimEnd('.')}.",
                    line.Partition.ToString()
                )
            );
        }
    }

    private void NoLeader(TargetLine line, WireErrorCode code)
    {
        cluster.NoteError(line.Partition.Topic, line.Partition.Partition, WireErrorCode.LeaderNotAvailable);
        lock (Gate)
        {
            if (WriteFaults.IsUnknown(code))
            {
                Unknown(line);
            }
            else if (code == WireErrorCode.TopicAuthorizationFailed)
            {
                deliveries.Fail(line, WriteFaults.Unauthorized(code));
            }
            else
            {
                line.UnknownSince = 0;
                Backoff(line);
                if (line.Failures >= ToldFrom)
                {
                    deliveries.Tell(
                        ErrorIds.TargetUnavailable.With($"Partition {line.Partition} has no leader.", line.Partition.ToString())
                    );
                }
            }
        }
    }

    /// <summary>Under the gate.</summary>
    private void Unknown(TargetLine line)
    {
        if (line.UnknownSince == 0)
        {
            line.UnknownSince = Now;
        }

        if (Stopwatch.GetElapsedTime(line.UnknownSince) < UnknownPatience)
        {
            Backoff(line);
        }
        else
        {
            deliveries.Fail(line, WriteFaults.Unknown(line.Partition));
        }
    }

    /// <summary>Under the gate.</summary>
    private static void Backoff(TargetLine line)
    {
        line.Failures++;
        line.NotBefore = In(Wire.Connections.Backoff.After(line.Failures, FirstPause, LongestPause, 0.2));
    }

    /// <summary>Nobody could be asked.</summary>
    private void Pause(WireException fault)
    {
        _failures++;
        _notBefore = In(Wire.Connections.Backoff.After(_failures, FirstPause, LongestPause, 0.2));
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

    private static long In(TimeSpan pause) => Now + (long)(pause.TotalSeconds * Stopwatch.Frequency);

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
