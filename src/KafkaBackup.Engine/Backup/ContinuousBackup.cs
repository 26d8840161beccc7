using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Follows the source until stopped (rule B10): looks often, and when there is something new, and the interval is over or much has come,
/// reads it in a pass like any other run's. Memory, ends, gaps and truncations are thereby the same as in a single run. Broker loss is
/// waited out.
/// </summary>
internal sealed class ContinuousBackup(RunScope run, Committer committer, BackupPass pass, TopicJournal topics, RunOutcomes outcomes)
{
    /// <summary>
    /// So many new offsets are read at once, without waiting for the interval: it bounds what a crash makes us read again.
    /// </summary>
    private const long ManyOffsets = 2_000_000;

    private readonly VanishedTopics _vanished = new(run);

    /// <summary>What the last pass could read, for looking at how far behind we are.</summary>
    private TopicPartition[] _followed = [];
    private bool _isAway;

    /// <summary>
    /// Returns at a stop, and when the duration is over: then a pass under way still reaches its ends, which are fixed, and a last one
    /// takes what has come since. Only the first, which may have years to read, is cut short.
    /// </summary>
    public async Task FollowAsync(IReadOnlyList<PartitionWork> first, CancellationToken stop)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop, committer.Lost);
        using var timer = new CancellationTokenSource(run.Options.Duration ?? Timeout.InfiniteTimeSpan, run.Clock);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ending.Token, timer.Token);
        run.Events.Verbose(
            $"Following the source; new records are committed at least every {run.Options.SegmentMaxInterval.TotalSeconds:0.#} s."
        );
        var lastPass = run.Clock.GetTimestamp();
        await ReadAsync(first, over.Token).ConfigureAwait(false);
        var wasCutShort = over.IsCancellationRequested;
        while (!over.IsCancellationRequested && outcomes.StoreFailure is null)
        {
            try
            {
                await Task.Delay(run.Options.PollInterval, run.Clock, over.Token).ConfigureAwait(false);
                var behind = await LookAsync(ending.Token).ConfigureAwait(false);
                if (behind >= ManyOffsets || run.Clock.GetElapsedTime(lastPass) >= run.Options.SegmentMaxInterval)
                {
                    lastPass = run.Clock.GetTimestamp();
                    await ReadAsync(await CaptureAsync(ending.Token).ConfigureAwait(false), ending.Token).ConfigureAwait(false);
                }

                Return();
            }
            catch (OperationCanceledException) when (ending.IsCancellationRequested || over.IsCancellationRequested)
            {
                // Both: what waits on the one may be told of a stop before the other is.
                break;
            }
            catch (KafkaBackupException error) when (committer.Failure is null && IsOfCluster(error))
            {
                Leave(error);
            }
        }

        if (!wasCutShort && !ending.IsCancellationRequested && outcomes.StoreFailure is null)
        {
            await ReadLastAsync(ending.Token).ConfigureAwait(false);
        }
    }

    private async Task ReadLastAsync(CancellationToken stop)
    {
        try
        {
            await ReadAsync(await CaptureAsync(stop).ConfigureAwait(false), stop).ConfigureAwait(false);
            Return();
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            run.Events.Verbose("The last pass was stopped; what it did not reach is read by the next run.");
        }
        catch (KafkaBackupException error) when (committer.Failure is null && IsOfCluster(error))
        {
            run.Status.Trouble(error);
            run.Findings.Add(
                new Finding(
                    FindingSeverity.Warning,
                    FindingKind.PartitionTrouble,
                    run.Cluster.Address,
                    $"The cluster was away at the end of the duration, so what came last is not in the backup: {error.Message}",
                    "Run again when the cluster is back."
                )
            );
        }
    }

    private static bool IsOfCluster(KafkaBackupException error) => error.ErrorId.StartsWith("Cluster", StringComparison.Ordinal);

    /// <summary>Said once per outage. The cluster may come back, and what is stored is committed.</summary>
    private void Leave(KafkaBackupException error)
    {
        run.Status.Trouble(error);
        run.Status.SetAway(error.Message);
        if (!_isAway)
        {
            run.Events.Warning($"{error.Message} The backup waits and goes on when the cluster is back.");
        }

        _isAway = true;
    }

    private void Return()
    {
        run.Status.SetAway(null);
        if (_isAway)
        {
            run.Events.Verbose("The cluster is back.");
        }

        _isAway = false;
    }

    /// <summary>How many offsets wait for us.</summary>
    private async Task<long> LookAsync(CancellationToken cancel)
    {
        var bound = run.Options.IsolationLevel == IsolationLevel.ReadCommitted ? OffsetBound.LastStable : OffsetBound.HighWatermark;
        var ends = await run.Cluster.ListOffsetsAsync(_followed, bound, cancel).ConfigureAwait(false);
        var behind = 0L;
        foreach (var (id, end) in ends)
        {
            if (end is { Error: null, Offset: { } offset })
            {
                var lag = Math.Max(0, offset - run.Draft.Partition(id).NextOffset);
                run.Status.SetLag(id, lag);
                behind += lag;
            }
        }

        return behind;
    }

    private async Task<IReadOnlyList<PartitionWork>> CaptureAsync(CancellationToken stop)
    {
        var source = await run.Cluster.DescribeAsync(stop).ConfigureAwait(false);
        _vanished.Look(source.Topics);
        outcomes.Fail(run.Proof.GiveUp(_vanished.Gone), run.Draft);
        var selected = source
            .Topics.Values.Where(t => run.Options.Topics.Selects(t.Name) && t.Partitions.Count > 0)
            .OrderBy(t => t.Name, StringComparer.Ordinal)
            .ToArray();
        var configs = await run.Cluster.DescribeConfigsAsync(selected.Select(t => t.Name).ToArray(), stop).ConfigureAwait(false);
        var meeting = new LogMeeting(run.Cluster, run.Store, run.Session.Owner, run.Clock);
        var capture = new SourceCapture(run.Cluster, run.Options, meeting, _vanished.WasMissed, run.Clock, run.Events);

        // What waits for its proof has been read, though no manifest names it yet.
        var known = run.Session.Manifest! with
        {
            Topics = run.Draft.Topics(),
        };
        var captured = await capture.CaptureAsync(selected, configs, known, null, stop).ConfigureAwait(false);
        _vanished.Compared(source.Topics);
        var works = _vanished
            .Judge(captured, source.Topics)
            .Select(w => run.Proof.WhyRefused(w.Id.Topic) is { } refused ? w with { Refused = refused } : w)
            .ToArray();
        topics.Describe(selected, configs, works);
        return works;
    }

    private async Task ReadAsync(IReadOnlyList<PartitionWork> works, CancellationToken stop)
    {
        _vanished.Follow(works.Select(w => w.Id.Topic));
        _followed = works.Where(w => w.Refused is null).Select(w => w.Id).ToArray();
        run.Proof.Expect(works);
        var read = await pass.RunAsync(works, stop).ConfigureAwait(false);
        outcomes.Add(read);
        await committer.ProveAsync(isLastWord: false, inHaste: true, stop).ConfigureAwait(false);
        outcomes.Fail(run.Proof.Refused, run.Draft);
        if (outcomes.StoreFailure is not null || committer.Failure is not null)
        {
            return;
        }

        outcomes.TellFailures();
        TellHealth(read);
        if (stop.IsCancellationRequested)
        {
            // The run's end takes the groups and commits.
            return;
        }

        await topics.TakeGroupsAsync(GroupWatch.ShortPatience, stop).ConfigureAwait(false);
        var complete = run.Proof.Unproven.Count == 0 && outcomes.State(stopped: false) == BackupStatus.Complete;
        await committer.CommitAsync(complete).ConfigureAwait(false);
        var merger = new SegmentMerger(run);
        if (merger.HasWork && await merger.MergeAsync(stop).ConfigureAwait(false) > 0)
        {
            await committer.CommitAsync(complete).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// What is not being backed up although it should be: it lasts until a pass has read it, or the backup is started again.
    /// </summary>
    private void TellHealth(IReadOnlyList<PartitionOutcome> read)
    {
        var errors = read.Select(o => o.Error).OfType<KafkaBackupException>().ToArray();
        Array.ForEach(errors, run.Status.Trouble);
        var gone =
            _vanished.Gone.Count == 0
                ? null
                : $"Topics that were followed are gone from the cluster: {string.Join(", ", _vanished.Gone.Order(StringComparer.Ordinal))}.";
        run.Status.SetFailing(errors.Length == 0 ? gone : $"{errors.Length} partitions could not be read; the first: {errors[0].Message}");
    }
}
