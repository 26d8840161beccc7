using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Brings one target partition's records over in transactions, each with the progress that it makes: what a read_committed reader sees is
/// exact whatever happens to us (rule E2). The lane may write while it holds the partition's transactional id and the mark in the target
/// is the one that it left there: both are asked for whenever it begins with a new writer, and the brokers ask for the first at each
/// commit.
/// </summary>
internal sealed class TransactionalLane(
    RestoreScope scope,
    PartitionProgress progress,
    TargetLog log,
    TransactionalMarks marks,
    TransactionalStart start
)
{
    /// <summary>Commits stay well under this: a transaction is a block or a few, or a second of a slow target.</summary>
    private static readonly TimeSpan TransactionTimeout = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan LongestTransaction = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan OpenPatience = TimeSpan.FromSeconds(20);

    private const long TransactionRecords = 20_000;
    private const int MostFaults = 5;

    private readonly RecordStream _stream = scope.Stream(progress.Work);
    private readonly TargetWork _work = progress.Work;
    private readonly BatchSizing _sizing = new(progress.Work);
    private long _limit = progress.Work.RecordCount;
    private KafkaBackupException? _refusal;
    private KafkaBackupException? _unreadable;
    private Exception? _lost;
    private PartitionSender? _sender;
    private long _began;
    private StreamBlock? _block;
    private bool _atEnd;

    /// <summary>As the lane found or left it.</summary>
    private GroupOffset? _mark;

    /// <summary>Of a commit whose outcome is not known, and where the log would end with it.</summary>
    private (GroupOffset Mark, long Behind)? _inDoubt;

    /// <summary>Up to here every committed record is accounted for.</summary>
    private long _behind;

    /// <summary>A commit's marker takes the next offset.</summary>
    private int _marker;

    public async Task<LaneOutcome> RunAsync(CancellationToken stop)
    {
        var faults = 0;
        try
        {
            while (!(progress.HasBegun && progress.Done >= _limit) && !stop.IsCancellationRequested)
            {
                var before = progress.Done;
                var fault = await SendAsync(stop).ConfigureAwait(false);
                faults = progress.Done > before ? 1 : faults + 1;
                if (fault?.Kind == WriteFaultKind.UnknownPartition)
                {
                    // Brokers that come back do not know all their topics at once.
                    _ = await log.EndAsync(_work.Target, stop).ConfigureAwait(false);
                }

                if (Verdict(fault, faults) is { } verdict)
                {
                    return new LaneOutcome(progress, PartitionStatus.Failed, verdict);
                }

                if (fault is null)
                {
                    _sizing.Passed(progress.Done);
                }
            }

            if (_refusal is not null)
            {
                return new LaneOutcome(progress, PartitionStatus.Failed, _refusal);
            }

            if (!progress.IsComplete)
            {
                return new LaneOutcome(progress, PartitionStatus.Stopped, null);
            }

            var (end, isOpen) = await log.SettledEndAsync(_work, OpenPatience, stop).ConfigureAwait(false);
            await RequireNoStrangerAsync(end, stop).ConfigureAwait(false);
            if (isOpen)
            {
                LaneChecks.RequireNoOpenTransaction(scope, _work, end);
            }

            return new LaneOutcome(progress, PartitionStatus.Complete, null);
        }
        catch (KafkaBackupException error)
        {
            var told = error.Definition == ErrorIds.TopicNotFound ? LaneChecks.Gone(scope, _work, error) : error;
            return new LaneOutcome(progress, PartitionStatus.Failed, told);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new LaneOutcome(progress, PartitionStatus.Stopped, null);
        }
    }

    /// <summary>
    /// A target that is away for longer than a transaction may last ends ours by shutting this writer out, just as another process would:
    /// the mark tells which of the two it was, before the next writer shuts anybody out. Asked of what the writer says only: a mark that is
    /// not this lane's is an answer.
    /// </summary>
    private bool HasExpired(Exception? error) =>
        error is KafkaBackupException known
        && known.Definition == ErrorIds.ProducerFenced
        && scope.Clock.GetElapsedTime(_began) >= TransactionTimeout;

    /// <summary>
    /// The mark in the target must be this lane's last one, or that of the commit in doubt, which has been carried out then.
    /// </summary>
    private async Task RequireOwnMarkAsync(bool settled, CancellationToken stop)
    {
        var there = await marks.FindAsync(_work.Target, settled, stop).ConfigureAwait(false);
        if (IsSame(there, _mark!))
        {
            _inDoubt = settled ? null : _inDoubt;
            return;
        }

        if (_inDoubt is not { } doubt || !IsSame(there, doubt.Mark))
        {
            throw await start.LostAsync(_work, stop).ConfigureAwait(false);
        }

        Committed(doubt.Mark, doubt.Behind);
    }

    private static bool IsSame(GroupOffset? one, GroupOffset other) =>
        one is not null && one.Offset == other.Offset && one.Metadata == other.Metadata;

    private void Committed(GroupOffset mark, long behind)
    {
        _sender!.Reports.Held.Release();
        (_mark, _behind, _marker, _inDoubt) = (mark, behind, 1, null);
    }

    /// <summary>One writer's life: transactions until all is over, a stop, or a fault, whose transaction is aborted.</summary>
    private async Task<SendFault?> SendAsync(CancellationToken stop)
    {
        var before = progress.Done;
        if (_mark is not null)
        {
            // Not to shut out who has taken over; a transaction that this lane has left open is not waited for.
            await RequireOwnMarkAsync(settled: false, stop).ConfigureAwait(false);
        }

        var id = TransactionalMarks.TransactionalId(scope.Options.BackupId, _work.Target);
        var options = LaneWriter.Options(scope, _sizing.Bytes, id, _sizing.IsSingle(progress.Done), TransactionTimeout);
        using var writer = new BoundedWriter(scope, scope.Cluster.OpenWriter(options), _work.Target.ToString());
        writer.Writer.Open(_work.Target, 0);
        await writer.InitAsync(stop).ConfigureAwait(false);
        if (_mark is null)
        {
            (_mark, _behind) = await start.BeginAsync(progress, stop).ConfigureAwait(false);
        }
        else
        {
            await RequireOwnMarkAsync(settled: true, stop).ConfigureAwait(false);
            if (progress.Done != before)
            {
                // What comes next may need another kind of writer than what came before.
                return null;
            }
        }

        if (progress.Done >= _limit)
        {
            return null;
        }

        var reports = new Acknowledgements(scope, progress, writer.Writer, _sizing.Bytes, expectedOffset: null) { HoldBack = true };
        _sender = new PartitionSender(scope, progress, writer.Writer, _sizing, reports);
        var limit = _sizing.Limit(progress.Done, _limit);
        var feed = new BlockFeed(_stream, progress.Done, stop);
        await using (feed.ConfigureAwait(false))
        {
            try
            {
                while (!stop.IsCancellationRequested && await TransactAsync(writer, _sender, feed, limit, stop).ConfigureAwait(false)) { }
            }
            finally
            {
                LetGo();
            }
        }

        if (_unreadable is not null && _sender.Reports.Fault is null)
        {
            throw _unreadable;
        }

        if (!HasExpired(_sender.Reports.Fault?.Error ?? _lost))
        {
            return _sender.Reports.Fault;
        }

        scope.Events.Verbose(
            $"{_work.Target}: the target was away for longer than a transaction lasts ({TransactionTimeout.TotalSeconds:0} s); "
                + "beginning again from the last commit."
        );
        return null;
    }

    /// <summary>One transaction. False when nothing is left, or after a fault.</summary>
    private async Task<bool> TransactAsync(BoundedWriter writer, PartitionSender sender, BlockFeed feed, long limit, CancellationToken stop)
    {
        (_began, _lost) = (scope.Clock.GetTimestamp(), null);
        var more = false;
        try
        {
            writer.Writer.BeginTransaction();
            more = await Task
                .Factory.StartNew(
                    () => Fill(sender, feed, limit, stop),
                    CancellationToken.None,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default
                )
                .ConfigureAwait(false);
            if (sender.Reports.Fault is null && sender.Reports.Delivered > progress.Done && sender.Reports.Unacknowledged.Count == 0)
            {
                await CommitAsync(writer, sender, stop).ConfigureAwait(false);
                return more;
            }
        }
        catch (Exception lost) when (lost is AbortableTransactionException || IsOfThisWriter(lost) || HasExpired(lost))
        {
            // The transaction is lost, not the restore: the next one begins where the last commit ended.
            _lost = lost;
            more = false;
        }
        catch (KafkaBackupException stranger) when (stranger.Definition == ErrorIds.TargetChanged)
        {
            // Left open, it would keep read_committed consumers waiting.
            _ = await writer.TryAbortAsync(stop).ConfigureAwait(false);
            throw;
        }

        try
        {
            if (!writer.IsGivenUp && await writer.TryAbortAsync(stop).ConfigureAwait(false))
            {
                return more && sender.Reports.Fault is null;
            }
        }
        catch (KafkaBackupException lost) when (IsOfThisWriter(lost) || HasExpired(lost))
        {
            _lost = lost;
        }

        scope.Events.Verbose(
            $"{_work.Target}: a transaction could not be brought to its end, so its producer is given up; the next one aborts it."
        );
        return false;
    }

    /// <summary>The writer has failed, or found nobody to talk to: another one may do better.</summary>
    private static bool IsOfThisWriter(Exception error) =>
        error is KafkaBackupException known
        && (
            known.Definition == ErrorIds.ClusterRequestFailed
            || known.Definition == ErrorIds.ClusterUnreachable
            || known.Definition == ErrorIds.TargetUnavailable
        );

    private async Task CommitAsync(BoundedWriter writer, PartitionSender sender, CancellationToken stop)
    {
        if (sender.Reports.Held.HoleAt is { } hole)
        {
            TransactionalMaps.RequireNoStranger(scope, _work, 1, hole);
        }

        await RequireNoStrangerAsync(sender.Reports.Held.First, stop).ConfigureAwait(false);
        var mark = marks.Mark(_work, sender.Reports.Delivered, progress.Start);
        var behind = sender.Reports.Held.Last + 1;
        await writer.SendOffsetsAsync(TransactionalMarks.Group(scope.Options), [mark], stop).ConfigureAwait(false);
        _inDoubt = (mark, behind);
        await writer.CommitAsync(stop).ConfigureAwait(false);
        Committed(mark, behind);
    }

    /// <summary>
    /// Between what is accounted for and the offset there may be markers and what was aborted, and no record that a read_committed consumer
    /// sees. One offset is the last commit's marker, and needs no look.
    /// </summary>
    private async Task RequireNoStrangerAsync(long before, CancellationToken stop)
    {
        if (before <= _behind + _marker)
        {
            return;
        }

        var (count, first) = (0L, -1L);
        var seen = await Task.Run(
                () =>
                    new CommittedRecords(scope).Read(
                        _work.Target,
                        _behind,
                        before,
                        () => int.MaxValue,
                        (in Records.RecordView record) =>
                        {
                            (count, first) = (count + 1, count == 0 ? record.Offset : first);
                            return true;
                        },
                        stop
                    ),
                CancellationToken.None
            )
            .ConfigureAwait(false);
        TransactionalMaps.RequireNoStranger(scope, _work, count, first);
        if (seen < before)
        {
            LaneChecks.RequireNoOpenTransaction(scope, _work, seen);
        }

        (_behind, _marker) = (before, 0);
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
                _block = _block! with
                {
                    Skip = (int)(sender.Next - _block.FirstIndex),
                };
                break;
            }
        }

        using var patience = new CancellationTokenSource();
        using var onStop = stop.Register(() => patience.CancelAfter(RestoreScope.StopPatience));
        return sender.Reports.Drain(patience.Token) && !_atEnd && _unreadable is null && sender.Next < limit;
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
                return faults < MostFaults
                    ? null
                    : ErrorIds.TargetUnavailable.With(
                        $"Partition {_work.Target}: {faults} transactions in a row could not be committed. {_lost?.Message}",
                        _work.Target.ToString(),
                        inner: _lost
                    );
            case WriteFaultKind.Refused when !_sizing.IsSingle(fault!.Index) || _sizing.IsOfCodec(fault):
                _sizing.Refused(fault, _sender!.Reports.RefusedUntil);
                return null;
            case WriteFaultKind.Refused:
                _limit = fault!.Index;
                _refusal = LaneChecks.Refused(_work, fault!.Index, fault);
                return null;
            case WriteFaultKind.Unauthorized:
                return LaneChecks.Unauthorized(_work);
            default:
                return fault!.Error is { } error
                    && (
                        error.Definition == ErrorIds.TargetUnavailable
                        || error.Definition == ErrorIds.ProducerFenced
                        || error.Definition == ErrorIds.ClusterUnauthorized
                    )
                        ? error
                    : faults < MostFaults ? null
                    : fault.Error
                        ?? ErrorIds.TargetUnavailable.With(
                            $"Partition {_work.Target} failed {faults} times in a row: {fault.Text}.",
                            _work.Target.ToString()
                        );
        }
    }
}
