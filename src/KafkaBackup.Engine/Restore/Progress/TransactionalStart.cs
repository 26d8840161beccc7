using System.Globalization;
using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Where each target partition begins or goes on in transactional mode. Every partition has a mark in the target before any has a record,
/// so that the marks are the whole plan; a lane goes by its partition's mark as it is once every other process is shut out of that
/// partition.
/// </summary>
internal sealed class TransactionalStart(RestoreScope scope, TargetLog log, RestoreJournal journal, TransactionalMarks marks)
{
    private const int Looks = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Marks what has no mark. Refused where the target is not as the plan saw it: another process may have ended this restore.
    /// </summary>
    public Task MarkAsync(IReadOnlyList<TargetWork> targets, CancellationToken stop) =>
        marks.ChangeAsync(
            targets.Select(t => t.Target).ToArray(),
            async there =>
            {
                var missing = targets.Where(t => !there.ContainsKey(t.Target)).ToArray();
                if (missing.Length == 0)
                {
                    return [];
                }

                var ends = await log.EndsAsync(missing.Select(t => t.Target).ToArray(), stop).ConfigureAwait(false);
                foreach (var target in missing)
                {
                    if (scope.Work.Resuming.Contains(target.Target))
                    {
                        throw TakenOver(target);
                    }

                    LaneChecks.RequirePlannedEnd(scope, target, ends);
                }

                return missing.Select(t => marks.Mark(t, 0, ends[t.Target])).ToArray();
            },
            stop
        );

    /// <summary>Finds out, for a lane that has just shut everybody else out of its partition, where that stands.</summary>
    /// <returns>The mark, and where the log ends: all records before that are accounted for.</returns>
    public async Task<(GroupOffset Mark, long Behind)> BeginAsync(PartitionProgress progress, CancellationToken stop)
    {
        var target = progress.Work;
        for (var look = 1; ; look++)
        {
            var committed =
                await marks.FindAsync(target.Target, settled: true, stop).ConfigureAwait(false)
                ?? throw await LostAsync(target, stop).ConfigureAwait(false);
            var mark = RequireOwn(target, committed);
            var logStart = (await log.StartsAsync([target.Target], stop).ConfigureAwait(false))[target.Target];
            if (committed.Offset > 0)
            {
                LaneChecks.RequireStart(scope, target, logStart, mark.Start);
            }

            try
            {
                return (committed, await BeginAsync(progress, committed, mark, logStart, stop).ConfigureAwait(false));
            }
            catch (KafkaBackupException error) when (error.Definition == ErrorIds.TargetChanged)
            {
                // Brokers before Kafka 2.5 may show a group's offsets as they were before the last transaction, for a moment.
                await Task.Delay(Pause, stop).ConfigureAwait(false);
                if (
                    look == Looks
                    || (await marks.FindAsync(target.Target, settled: true, stop).ConfigureAwait(false))?.Offset == committed.Offset
                )
                {
                    throw ErrorIds.TargetChanged.With(
                        error.Message,
                        target.Target.ToString(),
                        $"Find what wrote there and stop it. Records of others that may stay are left alone with -Force. {BeginAgain.Advice(scope.Options)}",
                        error
                    );
                }
            }
        }
    }

    /// <summary>Brokers drop what groups have of a topic that is deleted: that is found out first.</summary>
    public async Task<KafkaBackupException> LostAsync(TargetWork target, CancellationToken stop)
    {
        _ = await log.EndAsync(target.Target, stop).ConfigureAwait(false);
        return TakenOver(target);
    }

    private static KafkaBackupException TakenOver(TargetWork target) =>
        ErrorIds.ProducerFenced.With(
            $"Another process has taken over the restore into target partition {target.Target}, or has completed it: "
                + "the progress kept in the target is not the one of this process.",
            target.Target.ToString()
        );

    private TransactionalMark RequireOwn(TargetWork target, GroupOffset committed)
    {
        var mark = TransactionalMark.Read(committed.Metadata)!;
        if (mark.Hash != scope.Options.Fingerprint.Hash)
        {
            throw TransactionalMark.OfOtherSettings(committed, scope.Options);
        }

        if (!mark.IsOf(target, scope.Work.MarkedPlans.GetValueOrDefault(target.Target)) || committed.Offset > target.RecordCount)
        {
            throw ErrorIds.CheckpointMismatch.With(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The backup has changed since the interrupted restore put {committed.Offset:N0} records into target partition {target.Target}."
                ),
                target.Target.ToString(),
                BeginAgain.Advice(scope.Options)
            );
        }

        return mark;
    }

    private async Task<long> BeginAsync(
        PartitionProgress progress,
        GroupOffset committed,
        TransactionalMark mark,
        long logStart,
        CancellationToken stop
    )
    {
        var target = progress.Work;
        var (maps, behind) = await new TransactionalMaps(scope, log)
            .FindAsync(target, scope.Stream(target), mark.Start, logStart, committed.Offset, journal.MapsOf(target, mark.Start), stop)
            .ConfigureAwait(false);
        progress.Begin(mark.Start, committed.Offset, maps);
        if (committed.Offset > 0)
        {
            scope.Events.Verbose($"{target.Target}: {committed.Offset} of {target.RecordCount} records are there already.");
        }

        return behind;
    }
}
