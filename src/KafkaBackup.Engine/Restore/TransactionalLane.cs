using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Brings one target partition's records over in transactions, each with the progress that it makes: what a read_committed reader sees is
/// exact whatever happens to us (SEMANTICS E2).
/// </summary>
internal sealed class TransactionalLane(RestoreScope scope, PartitionProgress progress)
{
    /// <summary>Commits stay well under this: a transaction is a block or a few, or a second of a slow target.</summary>
    private static readonly TimeSpan TransactionTimeout = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan LongestTransaction = TimeSpan.FromSeconds(10);

    private const long TransactionRecords = 20_000;
    private const int MostFaults = 5;

    private readonly RecordStream _stream = scope.Stream(progress.Work);
    private readonly TargetWork _work = progress.Work;
    private readonly BatchSizing _sizing = new(progress.Work);
    private long _limit = progress.Work.RecordCount;
    private KafkaBackupException? _refusal;
    private KafkaBackupException? _unreadable;
    private AbortableTransactionException? _lost;
    private KafkaBackupException? _expired;
    private PartitionSender? _inDoubt;
    private long _began;
    private StreamBlock? _block;
    private bool _atEnd;

    public async Task<LaneOutcome> RunAsync(CancellationToken stop)
    {
        var faults = 0;
        try
        {
            while (progress.Done < _limit && !stop.IsCancellationRequested)
            {
                var before = progress.Done;
                var fault = await SendUntilExpiredAsync(stop).ConfigureAwait(false);
                faults = progress.Done > before ? 1 : faults + 1;
                if (Verdict(fault, faults) is { } verdict)
                {
                    return new LaneOutcome(progress, PartitionStatus.Failed, verdict);
                }

                if (fault is null)
                {
                    _sizing.Passed(progress.Done);
                }
            }

            return _refusal is not null
                ? new LaneOutcome(progress, PartitionStatus.Failed, _refusal)
                : new LaneOutcome(progress, progress.IsComplete ? PartitionStatus.Complete : PartitionStatus.Stopped, null);
        }
        catch (KafkaBackupException error)
        {
            return new LaneOutcome(progress, PartitionStatus.Failed, error);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new LaneOutcome(progress, PartitionStatus.Stopped, null);
        }
    }

    /// <summary>
    /// A target that is away for longer than a transaction may last ends ours by shutting this writer out, just as another process would: the
    /// next writer finds out which of the two it was.
    /// </summary>
    private async Task<SendFault?> SendUntilExpiredAsync(CancellationToken stop)
    {
        SendFault? fault = null;
        KafkaBackupException? error;
        try
        {
            fault = await SendAsync(stop).ConfigureAwait(false);
            error = fault?.Error;
        }
        catch (KafkaBackupException thrown) when (HasExpired(thrown))
        {
            error = thrown;
        }

        if (error is null || !HasExpired(error))
        {
            return fault;
        }

        scope.Events.Verbose($"{_work.Target}: the target was away for longer than a transaction lasts ({TransactionTimeout.TotalSeconds:0} s); beginning again from the last commit.");
        _expired = error;
        return null;
    }

    private bool HasExpired(KafkaBackupException error) => error.Definition == ErrorIds.ProducerFenced && scope.Clock.GetElapsedTime(_began) >= TransactionTimeout;

    /// <summary>With this writer's beginning every other one is shut out. Where the progress is ours, nobody else has made any.</summary>
    private async Task RequireOwnProgressAsync(CancellationToken stop)
    {
        var committed = await scope.Cluster.ListGroupOffsetsAsync(TransactionalNames.Group(scope.Options), requireStable: true, stop).ConfigureAwait(false);
        var done = committed.FirstOrDefault(o => o.Partition == _work.Target)?.Offset ?? 0;
        if (done != progress.Done && done == _inDoubt?.Delivered)
        {
            // The last commit was carried out, and its answer lost.
            _inDoubt.Release();
        }

        if (done != progress.Done)
        {
            throw _expired!;
        }

        _expired = null;
    }

    /// <summary>One writer's life: transactions until all is over, a stop, or a fault, whose transaction is aborted.</summary>
    private async Task<SendFault?> SendAsync(CancellationToken stop)
    {
        var id = TransactionalNames.TransactionalId(scope.Work, _work.Target);
        using var writer = scope.Cluster.OpenWriter(LaneWriter.Options(scope, _sizing.Bytes, id, _sizing.IsSingle(progress.Done), TransactionTimeout));
        writer.Open(_work.Target, 0);
        await writer.InitTransactionsAsync(stop).ConfigureAwait(false);
        if (_expired is not null)
        {
            var before = progress.Done;
            await RequireOwnProgressAsync(stop).ConfigureAwait(false);
            if (progress.Done != before)
            {
                // What comes next may need another kind of writer than what came before.
                return null;
            }
        }

        var sender = new PartitionSender(scope, progress, writer, _sizing.Bytes, expectedOffset: null) { HoldBack = true };
        _inDoubt = sender;
        var limit = _sizing.Limit(progress.Done, _limit);
        var feed = new BlockFeed(_stream, progress.Done, stop);
        await using (feed.ConfigureAwait(false))
        {
            try
            {
                while (!stop.IsCancellationRequested && await TransactAsync(writer, sender, feed, limit, stop).ConfigureAwait(false))
                {
                }
            }
            finally
            {
                LetGo();
            }
        }

        if (_unreadable is not null && sender.Fault is null)
        {
            throw _unreadable;
        }

        return sender.Fault;
    }

    /// <summary>One transaction. False when nothing is left, or after a fault.</summary>
    private async Task<bool> TransactAsync(IRecordWriter writer, PartitionSender sender, BlockFeed feed, long limit, CancellationToken stop)
    {
        _began = scope.Clock.GetTimestamp();
        writer.BeginTransaction();
        var more = false;
        try
        {
            more = await Task.Factory.StartNew(
                () => Fill(sender, feed, limit, stop), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            if (sender.Fault is null && sender.Delivered > progress.Done)
            {
                var mark = TransactionalNames.Progress(scope.Work, _work, sender.Delivered, progress.Start);
                await writer.SendOffsetsAsync(TransactionalNames.Group(scope.Options), [mark], CancellationToken.None).ConfigureAwait(false);
                await writer.CommitTransactionAsync(CancellationToken.None).ConfigureAwait(false);
                sender.Release();
                return more;
            }
        }
        catch (AbortableTransactionException lost)
        {
            // The transaction is lost, not the restore: the next one begins where the last commit ended.
            _lost = lost;
            more = false;
        }

        await writer.AbortTransactionAsync(CancellationToken.None).ConfigureAwait(false);
        return more && sender.Fault is null;
    }

    /// <summary>Sends until the transaction is large or old enough, and waits for the reports. True when there may be more.</summary>
    private bool Fill(PartitionSender sender, BlockFeed feed, long limit, CancellationToken stop)
    {
        using var age = new CancellationTokenSource(LongestTransaction, scope.Clock);
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(stop, age.Token);
        var first = sender.Next;
        while (!cut.IsCancellationRequested && sender.Next - first < TransactionRecords && sender.Next < limit && HasBlock(feed, cut.Token))
        {
            if (sender.Send(_block!, limit, cut.Token))
            {
                LetGo();
            }
            else
            {
                // Cut in the middle of a block, by time or by a stop; or a fault, after which nothing of this writer's goes on.
                _block = _block! with { Skip = (int)(sender.Next - _block.FirstIndex) };
                break;
            }
        }

        return sender.Drain(CancellationToken.None) && !_atEnd && _unreadable is null && sender.Next < limit;
    }

    /// <summary>What was sent before the backup ended, or could not be read on, is committed first.</summary>
    private bool HasBlock(BlockFeed feed, CancellationToken cut)
    {
        try
        {
            _block ??= feed.Next(cut);
            _atEnd = _block is null;
        }
        catch (KafkaBackupException error)
        {
            _unreadable = error;
        }
        catch (OperationCanceledException) when (cut.IsCancellationRequested)
        {
            // A slow store must not keep a transaction open.
        }

        return _block is not null;
    }

    private void LetGo()
    {
        _block?.Dispose();
        _block = null;
    }

    /// <summary>
    /// Null when it is worth going on. A refused batch is sent again record by record, which names the one; then everything before that one
    /// is committed, and the lane ends there.
    /// </summary>
    private KafkaBackupException? Verdict(SendFault? fault, int faults)
    {
        switch (fault?.Kind)
        {
            case null:
                return faults < MostFaults ? null : ErrorIds.TargetUnavailable.With(
                    $"Partition {_work.Target}: {faults} transactions in a row could not be committed. {_lost?.Message}", _work.Target.ToString(), inner: _lost);
            case WriteFaultKind.Refused when !_sizing.IsSingle(fault!.Index):
                _sizing.Refused(fault.Index, _inDoubt!.RefusedUntil);
                return null;
            case WriteFaultKind.Refused:
                _limit = fault!.Index;
                _refusal = LaneChecks.Refused(_work, fault!.Index, fault);
                return null;
            case WriteFaultKind.Unauthorized:
                return LaneChecks.Unauthorized(_work);
            case WriteFaultKind.UnknownPartition:
                return LaneChecks.Gone(_work, fault!);
            default:
                return fault!.Error is { } error && (error.Definition == ErrorIds.TargetUnavailable || error.Definition == ErrorIds.ProducerFenced || error.Definition == ErrorIds.ClusterUnauthorized) ? error
                    : faults < MostFaults ? null
                    : fault.Error ?? ErrorIds.TargetUnavailable.With($"Partition {_work.Target} failed {faults} times in a row: {fault.Text}.", _work.Target.ToString());
        }
    }
}
