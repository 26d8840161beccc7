namespace KafkaBackup.Engine.Restore;

/// <summary>Runs the lanes of all target partitions, a few at a time, saves the checkpoint as they go, and shows the progress.</summary>
internal sealed class LaneRunner(RestoreScope scope, RestoreJournal journal)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);

    private readonly long _start = scope.Clock.GetTimestamp();
    private (long Done, long Records, long Bytes, bool Known) _told;

    /// <param name="run">Runs one partition's lane.</param>
    public async Task<IReadOnlyList<LaneOutcome>> RunAsync(
        IReadOnlyList<PartitionProgress> partitions,
        int width,
        Func<PartitionProgress, CancellationToken, Task<LaneOutcome>> run,
        CancellationToken stop
    )
    {
        using var halt = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var outcomes = new LaneOutcome[partitions.Count];
        var lanes = Parallel.ForAsync(
            0,
            partitions.Count,
            new ParallelOptions { MaxDegreeOfParallelism = width, CancellationToken = CancellationToken.None },
            async (i, _) =>
            {
                outcomes[i] =
                    halt.IsCancellationRequested && !partitions[i].IsComplete
                        ? new LaneOutcome(partitions[i], PartitionStatus.Stopped, null)
                        : await run(partitions[i], halt.Token).ConfigureAwait(false);
                if (
                    outcomes[i].Error is { } error
                    && error.Definition == ErrorIds.ClusterUnauthorized
                    && Equals(error.TargetObject, scope.Cluster.Address)
                )
                {
                    // What the cluster as a whole does not allow, the next partition would only find out once more.
                    await halt.CancelAsync().ConfigureAwait(false);
                }
            }
        );

        KafkaBackupException? checkpointFailure = null;
        var savedAt = scope.Clock.GetTimestamp();
        while (!lanes.IsCompleted)
        {
            await Task.WhenAny(lanes, Task.Delay(Tick, scope.Clock, CancellationToken.None)).ConfigureAwait(false);
            Show(partitions);
            if (checkpointFailure is null && scope.Clock.GetElapsedTime(savedAt) >= scope.Options.CheckpointInterval)
            {
                savedAt = scope.Clock.GetTimestamp();
                try
                {
                    journal.Save();
                    scope.Status.Committed();
                }
                catch (KafkaBackupException error)
                {
                    // The start offsets are on disk, so nothing is lost; but a user who asked for checkpoints must know that there are
                    // none.
                    checkpointFailure = error;
                    await halt.CancelAsync().ConfigureAwait(false);
                }
            }
        }

        await lanes.ConfigureAwait(false);
        Show(partitions);
        return checkpointFailure is null ? outcomes : throw checkpointFailure;
    }

    private void Show(IReadOnlyList<PartitionProgress> partitions)
    {
        var (done, bytes) = (partitions.Sum(p => p.Done), partitions.Sum(p => p.Bytes));
        Tell(partitions, done, bytes);
        scope.Events.Progress(
            new ProgressInfo(
                "Restoring",
                done,
                scope.Work.RecordCount,
                bytes,
                scope.Clock.GetElapsedTime(_start),
                partitions
                    .GroupBy(p => p.Work.Target.Topic, StringComparer.Ordinal)
                    .Where(t => t.Any(p => !p.IsComplete))
                    .Select(t => new TopicProgress(t.Key, t.Sum(p => p.Done), t.Sum(p => p.Work.RecordCount)))
                    .ToArray()
            )
        );
    }

    /// <summary>For those who look at the health endpoint: a record that got through is the sign of life.</summary>
    private void Tell(IReadOnlyList<PartitionProgress> partitions, long done, long bytes)
    {
        if (done == _told.Done && _told.Known)
        {
            return;
        }

        var records = partitions.Sum(p => p.Records);
        scope.Status.Count(records - _told.Records, bytes - _told.Bytes);
        scope.Status.SetAway(null);
        scope.Status.Alive();
        foreach (var partition in partitions)
        {
            scope.Status.SetLag(partition.Work.Target, partition.Work.RecordCount - partition.Done);
        }

        _told = (done, records, bytes, true);
    }
}
