using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// The transactional mode's names and its progress, which lies in the target itself: offsets of a private group, committed in the same
/// transactions as the records (SEMANTICS E2).
/// </summary>
internal static class TransactionalNames
{
    public static string Group(RestoreOptions options) => $"kafkabackup-restore-{options.BackupId}";

    /// <summary>Fixed per backup and target partition: a second process with the same one fences the first.</summary>
    public static string TransactionalId(RestoreWork work, TopicPartition target) => $"kafkabackup-restore-{work.Options.BackupId}-{target.Topic}-{target.Partition}";

    /// <summary>Progress, and what has to be known to go on from it.</summary>
    public static GroupOffset Progress(RestoreWork work, TargetWork target, long done, long start) => new(target.Target, done, TransactionalMark.Of(work, target, start).ToString());
}

/// <summary>
/// Where each target partition goes on: what the private group says, read as stable offsets after the dead process was fenced. Exact whatever
/// happened to it.
/// </summary>
internal sealed class TransactionalStart(RestoreScope scope, TargetLog log, RestoreJournal journal)
{
    public async Task<IReadOnlyList<(PartitionProgress Progress, KafkaBackupException? Error)>> FindAsync(IReadOnlyList<TargetWork> targets, CancellationToken stop)
    {
        await FenceAsync(targets, stop).ConfigureAwait(false);
        var group = TransactionalNames.Group(scope.Options);
        var committed = (await scope.Cluster.ListGroupOffsetsAsync(group, requireStable: true, stop).ConfigureAwait(false)).ToDictionary(o => o.Partition);
        var ends = await log.EndsAsync(targets.Select(t => t.Target).ToArray(), stop).ConfigureAwait(false);
        var found = new List<(PartitionProgress, KafkaBackupException?)>(targets.Count);
        foreach (var target in targets)
        {
            found.Add(committed.TryGetValue(target.Target, out var offset) && offset.Offset >= 0
                ? await ResumeAsync(target, offset, stop).ConfigureAwait(false)
                : (new PartitionProgress(target, ends[target.Target], 0), null));
        }

        // Killed in its very first transaction, a restore leaves aborted records; the next run must know them for its own.
        var marks = targets.Where(t => !committed.ContainsKey(t.Target)).Select(t => TransactionalNames.Progress(scope.Work, t, 0, ends[t.Target])).ToArray();
        if (marks.Length > 0)
        {
            await scope.Cluster.AlterGroupOffsetsAsync(group, marks, stop).ConfigureAwait(false);
        }

        return found;
    }

    /// <summary>Ends whatever an earlier process left open; its late requests are refused from here on.</summary>
    private Task FenceAsync(IReadOnlyList<TargetWork> targets, CancellationToken stop) => Parallel.ForEachAsync(
        targets, new ParallelOptions { MaxDegreeOfParallelism = scope.Options.MaxConcurrentPartitions, CancellationToken = stop },
        async (target, cancel) =>
        {
            using var writer = scope.Cluster.OpenWriter(new WriterOptions(TransactionalNames.TransactionalId(scope.Work, target.Target)));
            await writer.InitTransactionsAsync(cancel).ConfigureAwait(false);
        });

    private async Task<(PartitionProgress Progress, KafkaBackupException? Error)> ResumeAsync(TargetWork target, GroupOffset committed, CancellationToken stop)
    {
        var mark = TransactionalMark.Read(committed.Metadata) ?? new TransactionalMark(0, "", "");
        if (mark.Hash != scope.Options.Fingerprint.Hash)
        {
            return (new PartitionProgress(target, 0, 0), TransactionalMark.OfOtherSettings(committed, scope.Options));
        }

        if (!mark.IsOf(target) || committed.Offset > target.RecordCount)
        {
            return (new PartitionProgress(target, 0, 0), ErrorIds.CheckpointMismatch.With(
                $"The backup has changed since the interrupted restore put {committed.Offset} records into target partition {target.Target}.", target.Target.ToString(),
                $"Empty the topic, delete the consumer group {TransactionalNames.Group(scope.Options)}, and begin anew."));
        }

        try
        {
            var stream = scope.Stream(target);
            if (committed.Offset == 0)
            {
                return (new PartitionProgress(target, mark.Start, 0), null);
            }

            var maps = await new TransactionalMaps(scope, log).FindAsync(target, stream, mark.Start, committed.Offset, journal.MapsOf(target, mark.Start), stop).ConfigureAwait(false);
            scope.Events.Verbose($"{target.Target}: {committed.Offset} of {target.RecordCount} records are there already.");
            return (new PartitionProgress(target, mark.Start, committed.Offset, maps), null);
        }
        catch (KafkaBackupException error)
        {
            var cause = error.Definition != ErrorIds.TargetChanged ? error : ErrorIds.TargetChanged.With(
                error.Message, target.Target.ToString(), $"Stop what writes there, empty the partition, delete the consumer group {TransactionalNames.Group(scope.Options)}, and restore again.", error);
            return (new PartitionProgress(target, mark.Start, 0), cause);
        }
    }
}
