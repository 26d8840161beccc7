using System.Globalization;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Where each target partition begins, or goes on. A new restore begins at the log's end. A resumed one waits until the ends are still,
/// takes how far it came from the log's end and has it proven by the content of the last record (rule E2).
/// </summary>
internal sealed class IdempotentStart(RestoreScope scope, TargetLog log, RestoreJournal journal)
{
    /// <summary>A partition that cannot be resumed fails alone: its error comes in place of its progress.</summary>
    public async Task<IReadOnlyList<(PartitionProgress Progress, KafkaBackupException? Error)>> FindAsync(
        IReadOnlyList<TargetWork> targets,
        CancellationToken stop
    )
    {
        var ids = targets.Select(t => t.Target).ToArray();
        if (journal.Found is null)
        {
            var ends = await log.EndsAsync(ids, stop).ConfigureAwait(false);
            return targets.Select(t => Begin(t, ends)).ToArray();
        }

        scope.Events.Verbose(
            $"Waiting until the target's partitions have been still for {scope.Options.ResumeQuiet.TotalSeconds:0.#} s, in case the interrupted restore's last requests are still on their way."
        );
        var still = await log.QuietEndsAsync(ids, scope.Options.ResumeQuiet, stop).ConfigureAwait(false);
        var starts = await log.StartsAsync(ids, stop).ConfigureAwait(false);
        var found = new List<(PartitionProgress, KafkaBackupException?)>(targets.Count);
        foreach (var target in targets)
        {
            // A partition that the checkpoint does not know held nothing to restore then; the mismatch check has seen to that.
            found.Add(
                still.TryGetValue(target.Target, out var end)
                    ? await ResumeAsync(target, journal.StartOffsetOf(target.Target) ?? end, end, starts[target.Target], stop)
                        .ConfigureAwait(false)
                    : (new PartitionProgress(target, journal.StartOffsetOf(target.Target) ?? 0, 0), LaneChecks.Restless(scope, target))
            );
        }

        return found;
    }

    private (PartitionProgress Progress, KafkaBackupException? Error) Begin(
        TargetWork target,
        IReadOnlyDictionary<TopicPartition, long> ends
    )
    {
        try
        {
            LaneChecks.RequirePlannedEnd(scope, target, ends);
            return (new PartitionProgress(target, ends[target.Target], 0), null);
        }
        catch (KafkaBackupException error)
        {
            // Not begun, so that no checkpoint says it was: the next run looks at what the partition holds.
            return (new PartitionProgress(target), error);
        }
    }

    private async Task<(PartitionProgress Progress, KafkaBackupException? Error)> ResumeAsync(
        TargetWork target,
        long start,
        long end,
        long logStart,
        CancellationToken stop
    )
    {
        var done = end - start;
        if (done < 0 || done > target.RecordCount)
        {
            return (
                new PartitionProgress(target, start, 0),
                LaneChecks.Changed(
                    scope,
                    target,
                    $"its log ends at offset {end}, but the restore began at {start} and has {target.RecordCount} records to bring"
                )
            );
        }

        try
        {
            LaneChecks.RequireStart(scope, target, logStart, start);
            var stream = scope.Stream(target);
            if (logStart < end)
            {
                await LaneChecks.RequireLastRecordAsync(scope, log, stream, target, start, done, stop).ConfigureAwait(false);
            }
            else if (done > 0)
            {
                scope.Events.Warning(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Target partition {target.Target}: none of the {done:N0} records is left to be compared; the log's end alone says how many there were."
                    )
                );
            }

            var maps = await PlanRecords.MapsAsync(target, stream, start, done, stop).ConfigureAwait(false);
            if (done > 0)
            {
                scope.Events.Verbose($"{target.Target}: {done} of {target.RecordCount} records are there already.");
            }

            return (new PartitionProgress(target, start, done, maps), null);
        }
        catch (KafkaBackupException error)
        {
            return (new PartitionProgress(target, start, 0), error);
        }
    }
}
