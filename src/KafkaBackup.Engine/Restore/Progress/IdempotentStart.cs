using System.Globalization;
using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Where each target partition begins, or goes on. A new restore begins at the log's end. A resumed one takes how far it came from the
/// log's end, has it proven by the content of the last record (rule E2), and goes on with the same sequence (rule L6).
/// </summary>
internal sealed class IdempotentStart(RestoreScope scope, TargetLog log, RestoreJournal journal)
{
    private readonly SettledEnds _ends = new(scope, log);
    private long? _producerId;

    /// <summary>Comes first: sees to it that every partition has a sequence, or there is a producer id for a new one.</summary>
    public async Task IdentifyAsync(IReadOnlyList<TargetWork> targets, CancellationToken stop)
    {
        if (targets.Any(t => journal.SequenceOf(t.Target) is null))
        {
            _producerId = await scope.Cluster.NewProducerIdAsync(stop).ConfigureAwait(false);
        }
    }

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

        var settled = await _ends.FindAsync(ids.ToDictionary(id => id, id => journal.SequenceOf(id)?.At(0)), stop).ConfigureAwait(false);
        var starts = await log.StartsAsync(ids, stop).ConfigureAwait(false);
        var found = new List<(PartitionProgress, KafkaBackupException?)>(targets.Count);
        foreach (var target in targets)
        {
            // A partition that the checkpoint does not know held nothing to restore then; the mismatch check has seen to that.
            var end = settled[target.Target];
            var start = journal.StartOffsetOf(target.Target) ?? end.End ?? 0;
            var progress = new PartitionProgress(target, start, 0, sequence: journal.SequenceOf(target.Target));
            found.Add((progress, await TryResumeAsync(progress, end, starts[target.Target], stop).ConfigureAwait(false)));
        }

        return found;
    }

    /// <summary>
    /// For a partition whose end has moved between the start of a resume and its turn: a request of the interrupted run came late.
    /// </summary>
    public async Task ResumeAgainAsync(PartitionProgress progress, CancellationToken stop)
    {
        var target = progress.Work.Target;
        var settled = await _ends
            .FindAsync(new Dictionary<TopicPartition, PartitionSequence?> { [target] = progress.Sequence!.At(0) }, stop)
            .ConfigureAwait(false);
        var starts = await log.StartsAsync([target], stop).ConfigureAwait(false);
        if (await TryResumeAsync(progress, settled[target], starts[target], stop).ConfigureAwait(false) is { } error)
        {
            throw error;
        }
    }

    private (PartitionProgress Progress, KafkaBackupException? Error) Begin(
        TargetWork target,
        IReadOnlyDictionary<TopicPartition, long> ends
    )
    {
        try
        {
            LaneChecks.RequirePlannedEnd(scope, target, ends);
            return (new PartitionProgress(target, ends[target.Target], 0, sequence: New(0)), null);
        }
        catch (KafkaBackupException error)
        {
            // Not begun, so that no checkpoint says it was: the next run looks at what the partition holds.
            return (new PartitionProgress(target), error);
        }
    }

    private TargetSequence New(long firstRecord) => new(_producerId!.Value, 0, firstRecord);

    private async Task<KafkaBackupException?> TryResumeAsync(
        PartitionProgress progress,
        SettledEnd settled,
        long logStart,
        CancellationToken stop
    )
    {
        var (target, start) = (progress.Work, progress.Start);
        if (settled.End is not { } end)
        {
            return LaneChecks.Restless(scope, target);
        }

        var done = end - start;
        if (done < 0 || done > target.RecordCount)
        {
            return LaneChecks.Changed(
                scope,
                target,
                $"its log ends at offset {end}, but the restore began at {start} and has {target.RecordCount} records to bring"
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

            var sequence =
                progress.Sequence is not { } before ? New(done)
                : settled.IsGuarded ? before
                : before.Renewed(done);
            progress.Begin(start, done, maps, sequence);
            return null;
        }
        catch (KafkaBackupException error)
        {
            return error;
        }
    }
}
