using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Follows the source until stopped (SEMANTICS B10): looks often, and when there is something new, and the interval is over or much has come,
/// reads it in a pass like any other run's. Memory, ends, gaps and truncations are thereby the same as in a single run. Broker loss is waited out.
/// </summary>
internal sealed class ContinuousBackup(RunScope run, Committer committer, BackupPass pass, TopicJournal topics)
{
    /// <summary>So many new offsets are read at once, without waiting for the interval: it bounds what a crash makes us read again.</summary>
    private const long ManyOffsets = 2_000_000;

    private readonly HashSet<string> _told = new(StringComparer.Ordinal);
    private readonly SegmentMerger _merger = new(run);

    public async Task FollowAsync(OutcomeBook outcomes, CancellationToken stop)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop, committer.Lost);
        if (run.Options.Duration is { } duration)
        {
            ending.CancelAfter(duration);
        }

        run.Events.Verbose($"Following the source; new records are committed at least every {run.Options.SegmentMaxInterval.TotalSeconds:0.#} s.");
        var lastPass = run.Clock.GetTimestamp();
        while (!ending.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(run.Options.PollInterval, run.Clock, ending.Token).ConfigureAwait(false);
                var due = run.Clock.GetElapsedTime(lastPass) >= run.Options.SegmentMaxInterval;
                if (due || await NewOffsetsAsync(ending.Token).ConfigureAwait(false) >= ManyOffsets)
                {
                    lastPass = run.Clock.GetTimestamp();
                    outcomes.Add(await PassAsync(ending.Token).ConfigureAwait(false));
                }

                _told.Remove("");
            }
            catch (OperationCanceledException) when (ending.IsCancellationRequested)
            {
                break;
            }
            catch (KafkaBackupException error) when (committer.Failure is null && error.ErrorId.StartsWith("Cluster", StringComparison.Ordinal))
            {
                // The cluster may come back; what is stored is committed. Said once per outage.
                if (_told.Add(""))
                {
                    run.Events.Warning($"{error.Message} The backup waits and goes on when the cluster is back.");
                }
            }
        }

        await committer.DrainAsync().ConfigureAwait(false);
        if (committer.Failure is { } failure)
        {
            throw failure;
        }
    }

    private async Task<long> NewOffsetsAsync(CancellationToken cancel)
    {
        var known = run.Session.Manifest!.Topics.Values
            .SelectMany(t => t.Partitions.Values.Select(p => (Id: new TopicPartition(t.Name, p.Partition), p.NextOffset)))
            .ToDictionary(p => p.Id, p => p.NextOffset);
        var ends = await run.Cluster.ListOffsetsAsync(known.Keys, OffsetBound.HighWatermark, cancel).ConfigureAwait(false);
        return ends.Sum(e => e.Value.Error is null ? Math.Max(0, (e.Value.Offset ?? 0) - known[e.Key]) : 0);
    }

    private async Task<IReadOnlyList<PartitionOutcome>> PassAsync(CancellationToken stop)
    {
        var source = await run.Cluster.DescribeAsync(stop).ConfigureAwait(false);
        var selected = source.Topics.Values.Where(t => run.Options.Topics.Selects(t.Name)).OrderBy(t => t.Name, StringComparer.Ordinal).ToArray();
        var configs = await run.Cluster.DescribeConfigsAsync(selected.Select(t => t.Name).ToArray(), stop).ConfigureAwait(false);
        var capture = new SourceCapture(run.Cluster, run.Options, run.Clock, run.Events);
        var works = await capture.CaptureAsync(selected, configs, run.Session.Manifest, null, stop).ConfigureAwait(false);
        TellTroubles(works);
        topics.Describe(selected, configs, works);
        var outcomes = await pass.RunAsync(works, stop).ConfigureAwait(false);
        await topics.TakeGroupsAsync(CancellationToken.None).ConfigureAwait(false);
        await committer.CommitAsync(complete: outcomes.All(o => o.Status == PartitionStatus.Complete)).ConfigureAwait(false);
        await MergeAsync(stop).ConfigureAwait(false);
        return outcomes;
    }

    private async Task MergeAsync(CancellationToken stop)
    {
        if (await _merger.MergeAsync(stop).ConfigureAwait(false) > 0)
        {
            await committer.CommitAsync(complete: run.Session.Manifest!.Complete).ConfigureAwait(false);
        }
    }

    private void TellTroubles(IReadOnlyList<PartitionWork> works)
    {
        foreach (var work in works.Where(w => w.Refused is not null))
        {
            if (_told.Add($"{work.Id} {work.Refused!.ErrorId}"))
            {
                run.Events.Error(work.Refused);
            }
        }
    }
}
