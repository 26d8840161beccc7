using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>How the restore of one target partition ended.</summary>
internal sealed record LaneOutcome(PartitionProgress Progress, PartitionStatus Status, KafkaBackupException? Error);

/// <summary>
/// Brings one target partition's records over, exactly once (rules E2, L6). Each has a writer of its own: a refused record stops that
/// writer and nothing else. After any fault the target's log end says how far we really came, and its last record proves it.
/// </summary>
internal sealed class RestoreLane(
    RestoreScope scope,
    PartitionProgress progress,
    TargetLog log,
    IdempotentStart start,
    RestoreJournal journal
)
{
    /// <summary>Faults in a row without a record brought over in between.</summary>
    private const int MostFaults = 5;

    /// <summary>
    /// A late request of our own may be stored between a look at the log's end and the next batch, which is refused then; hardly twice.
    /// </summary>
    private const int MostGuardedFaults = 2;

    private readonly RecordStream _stream = scope.Stream(progress.Work);
    private readonly TargetWork _work = progress.Work;
    private readonly BatchSizing _sizing = new(progress.Work);

    public async Task<LaneOutcome> RunAsync(CancellationToken stop)
    {
        var faults = 0;
        try
        {
            if (!stop.IsCancellationRequested)
            {
                await RequireOwnEndAsync(stop).ConfigureAwait(false);
            }

            while (!progress.IsComplete && !stop.IsCancellationRequested)
            {
                var before = progress.Done;
                var limit = _sizing.Limit(before, _work.RecordCount);
                var reports = await SendAsync(limit, stop).ConfigureAwait(false);
                if (reports.Fault is not { } fault)
                {
                    if (progress.Done < limit)
                    {
                        break;
                    }

                    _sizing.Passed(progress.Done);
                    continue;
                }

                faults = progress.Done > before ? 1 : faults + 1;
                if (Verdict(fault, faults) is { } verdict)
                {
                    // Who may not write has written nothing; and where others write the log's end tells nothing of us.
                    if (
                        verdict.Definition != ErrorIds.TargetChanged
                        && (verdict.Definition != ErrorIds.ClusterUnauthorized || progress.Done > before)
                    )
                    {
                        await SettleAsync(reports.Unacknowledged, faults, stop).ConfigureAwait(false);
                    }

                    return new LaneOutcome(progress, PartitionStatus.Failed, verdict);
                }

                scope.Events.Verbose($"{_work.Target}: {fault.Error?.Message ?? fault.Text} Looking at the target to see how far it came.");
                await SettleAsync(reports.Unacknowledged, faults, stop).ConfigureAwait(false);
                if (fault.Kind == WriteFaultKind.Refused)
                {
                    _sizing.Refused(fault, reports.RefusedUntil);
                }
            }

            if (!progress.IsComplete)
            {
                return new LaneOutcome(progress, PartitionStatus.Stopped, null);
            }

            LaneChecks.RequireEnd(
                scope,
                _work,
                await log.EndAsync(_work.Target, stop).ConfigureAwait(false),
                progress.Start + progress.Done,
                "after the last record was sent"
            );
            return new LaneOutcome(progress, PartitionStatus.Complete, null);
        }
        catch (KafkaBackupException error)
        {
            return new LaneOutcome(
                progress,
                PartitionStatus.Failed,
                error.Definition == ErrorIds.TopicNotFound ? LaneChecks.Gone(scope, _work, error) : error
            );
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new LaneOutcome(progress, PartitionStatus.Stopped, null);
        }
    }

    /// <summary>This lane's turn may come long after the restore began.</summary>
    private async Task RequireOwnEndAsync(CancellationToken stop)
    {
        var (end, expected) = (await log.EndAsync(_work.Target, stop).ConfigureAwait(false), progress.Start + progress.Done);
        if (end != expected && journal.Found is not null)
        {
            await start.ResumeAgainAsync(progress, stop).ConfigureAwait(false);
            journal.Save();
        }
        else
        {
            LaneChecks.RequireEnd(scope, _work, end, expected, "before the first record is sent");
        }
    }

    /// <summary>Sends from where we are, on a thread of its own; returns the fault that ended it, if one did.</summary>
    private async Task<Acknowledgements> SendAsync(long limit, CancellationToken stop)
    {
        using var lent = scope.Writers.Lend(
            LaneWriter.Options(scope, _sizing.Bytes, transactionalId: null, _sizing.IsSingle(progress.Done)),
            _work.Target,
            progress.Sequence!.At(progress.Done)
        );
        var began = progress.Start;
        var reports = new Acknowledgements(scope, progress, lent.Writer, _sizing.Bytes, index => began + index);
        var sender = new PartitionSender(scope, progress, lent.Writer, _sizing, reports);
        var feed = new BlockFeed(_stream, progress.Done, stop);
        await using (feed.ConfigureAwait(false))
        {
            await Task
                .Factory.StartNew(
                    () => SendBlocks(sender, feed, limit, stop),
                    CancellationToken.None,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default
                )
                .ConfigureAwait(false);
        }

        lent.IsDone = reports.Fault is null && progress.IsComplete;
        return reports;
    }

    private static void SendBlocks(PartitionSender sender, BlockFeed feed, long limit, CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested && sender.Next < limit && feed.Next(stop) is { } block)
            {
                using (block)
                {
                    if (!sender.Send(block, limit, stop))
                    {
                        break;
                    }
                }
            }
        }
        finally
        {
            // Also when the backup could not be read on: what was sent before is not in doubt.
            using var patience = new CancellationTokenSource();
            using var onStop = stop.Register(() => patience.CancelAfter(RestoreScope.StopPatience));
            sender.Reports.Drain(patience.Token);
        }
    }

    /// <summary>After a fault: how far did we come? What the target's log end says, and its last record must be ours.</summary>
    /// <param name="faults">After some faults in a row the broker is taken to have forgotten the sequence.</param>
    private async Task SettleAsync(IReadOnlyCollection<SentRecords> unacknowledged, int faults, CancellationToken stop)
    {
        var sequence = progress.Sequence!;
        var ends = await new SettledEnds(scope, log)
            .FindAsync(
                new Dictionary<TopicPartition, PartitionSequence?>
                {
                    [_work.Target] = faults > MostGuardedFaults ? null : sequence.At(progress.Done),
                },
                stop
            )
            .ConfigureAwait(false);
        var settled = ends[_work.Target];
        var end = settled.End ?? throw LaneChecks.Restless(scope, _work);
        var done = end - progress.Start;
        var sent = unacknowledged.Sum(s => (long)s.Count);
        if (done < progress.Done || done - progress.Done > sent)
        {
            throw LaneChecks.Changed(
                scope,
                _work,
                done > progress.Done + sent && done <= _work.RecordCount
                    ? $"its log ends at offset {end}, further than this process has brought it: another process goes on with this restore"
                    : $"its log ends at offset {end}, which cannot be: {progress.Done} records were acknowledged and {sent} more were sent from offset {progress.Start} on"
            );
        }

        await LaneChecks.RequireLastRecordAsync(scope, log, _stream, _work, progress.Start, done, stop).ConfigureAwait(false);
        foreach (var stored in unacknowledged.TakeWhile(s => s.Index + s.Count <= done))
        {
            progress.Take(stored, progress.Start + stored.Index);
        }

        if (progress.Done != done)
        {
            throw LaneChecks.Changed(scope, _work, $"its log ends at offset {end}, in the middle of a batch that was sent whole");
        }

        if (!settled.IsGuarded)
        {
            progress.GoOnWith(sequence.Renewed(done));
            journal.Save();
        }
    }

    /// <summary>Null when it is worth going on.</summary>
    private KafkaBackupException? Verdict(SendFault fault, int faults) =>
        fault.Error is { } error && error.Definition == ErrorIds.TargetChanged ? error
        : fault.Kind == WriteFaultKind.Refused
            ? (_sizing.IsSingle(fault.Index) && !_sizing.IsOfCodec(fault) ? LaneChecks.Refused(_work, progress.Done, fault) : null)
        : fault.Kind == WriteFaultKind.Unauthorized ? LaneChecks.Unauthorized(_work)
        : fault.Error is { } given && (given.Definition == ErrorIds.TargetUnavailable || given.Definition == ErrorIds.ClusterUnauthorized)
            ? given
        : faults >= MostFaults
            ? fault.Error
                ?? ErrorIds.TargetUnavailable.With(
                    $"Partition {_work.Target} failed {faults} times in a row: {fault.Text}.",
                    _work.Target.ToString()
                )
        : null;
}
