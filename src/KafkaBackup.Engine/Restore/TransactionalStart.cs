using System.Globalization;
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

    /// <summary>Goes with each progress: whose it is, and where the partition began.</summary>
    public static GroupOffset Mark(RestoreWork work, TopicPartition target, long done, long start) =>
        new(target, done, string.Create(CultureInfo.InvariantCulture, $"kafkabackup:1:{start}:{work.Options.Fingerprint.Hash}"));

    public static (long Start, string Hash)? ReadMetadata(string metadata)
    {
        var parts = metadata.Split(':');
        return parts is ["kafkabackup", "1", var start, var hash] && long.TryParse(start, NumberStyles.None, CultureInfo.InvariantCulture, out var offset) ? (offset, hash) : null;
    }
}

/// <summary>
/// Where each target partition goes on: what the private group says, read as stable offsets after the dead process was fenced. Exact whatever
/// happened to it.
/// </summary>
internal sealed class TransactionalStart(RestoreScope scope, TargetLog log)
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
        var marks = targets.Where(t => !committed.ContainsKey(t.Target)).Select(t => TransactionalNames.Mark(scope.Work, t.Target, 0, ends[t.Target])).ToArray();
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
        if (TransactionalNames.ReadMetadata(committed.Metadata) is not { } mark || mark.Hash != scope.Options.Fingerprint.Hash || committed.Offset > target.RecordCount)
        {
            return (new PartitionProgress(target, 0, 0), ErrorIds.CheckpointMismatch.With(
                $"Target partition {target.Target} holds {committed.Offset} records of a restore of backup '{scope.Options.BackupId}' with other settings.", target.Target.ToString(),
                $"Run with the settings it began with; or empty the topic and delete the consumer group {TransactionalNames.Group(scope.Options)}."));
        }

        try
        {
            var stream = scope.Stream(target);
            if (committed.Offset == 0)
            {
                return (new PartitionProgress(target, mark.Start, 0), null);
            }

            var maps = await new TransactionalMaps(scope.Cluster, scope.Clock).ReadAsync(target, stream, mark.Start, committed.Offset, stop).ConfigureAwait(false);
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
