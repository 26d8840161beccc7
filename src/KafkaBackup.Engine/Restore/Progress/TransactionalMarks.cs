using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// The progress of transactional restores, which lies in the target itself: offsets of a private group (rule E2). It is changed in two
/// ways only: by a lane, in the transaction that carries its records, while it holds its partition's transactional id; and here, for
/// partitions that no lane is at, in a transaction of the backup's own id, by what was read after that id was taken. Who lost the id since
/// changes nothing.
/// </summary>
internal sealed class TransactionalMarks(RestoreScope scope)
{
    /// <summary>Offsets of one group go into one batch of the brokers' own log, which takes a megabyte.</summary>
    private const int MostMetadata = 400_000;

    private const int MostTries = 20;

    private readonly string _owner = Guid.NewGuid().ToString("n")[..12];
    private readonly int _partitions = scope.Work.Targets.Count(t => t.RecordCount > 0);

    public static string Group(RestoreOptions options) => $"kafkabackup-restore-{options.BackupId}";

    /// <summary>Fixed per backup and target partition: who takes it shuts out whoever had it. No name holds a slash.</summary>
    public static string TransactionalId(string backupId, TopicPartition target) =>
        $"{TransactionalId(backupId)}{target.Topic}/{target.Partition}";

    private static string TransactionalId(string backupId) => $"kafkabackup-restore-{backupId}-/";

    public GroupOffset Mark(TargetWork target, long done, long start)
    {
        var mark = new TransactionalMark(start, _partitions, _owner, scope.Options.Fingerprint.Hash, TransactionalMark.PlanOf(target));
        return new GroupOffset(target.Target, done, mark.ToString());
    }

    /// <param name="settled">Waits for open transactions; without that, the last commit.</param>
    public async Task<GroupOffset?> FindAsync(TopicPartition target, bool settled, CancellationToken stop) =>
        (await ReadAsync([target], settled, stop).ConfigureAwait(false)).GetValueOrDefault(target);

    /// <summary>
    /// After success: what was restored here and nobody has touched since is marked as finished, which is no progress any more. The group's
    /// offsets are not deleted, because a deletion cannot be fenced and might hit a successor's progress; the brokers let them expire.
    /// </summary>
    /// <returns>Whether all of it was still this restore's.</returns>
    public async Task<bool> FinishAsync(IReadOnlyList<PartitionProgress> restored, CancellationToken stop)
    {
        var finished = 0;
        await ChangeAsync(
                restored.Select(p => p.Work.Target).ToArray(),
                there =>
                {
                    var own = restored
                        .Where(p =>
                            there.TryGetValue(p.Work.Target, out var mark)
                            && mark.Offset == p.Done
                            && TransactionalMark.Read(mark.Metadata)!.Start == p.Start
                        )
                        .Select(p => new GroupOffset(p.Work.Target, p.Done, TransactionalMark.Finished))
                        .ToArray();
                    finished = own.Length;
                    return Task.FromResult<IReadOnlyList<GroupOffset>>(own);
                },
                stop
            )
            .ConfigureAwait(false);
        return finished == restored.Count;
    }

    /// <summary>Those of restores under way.</summary>
    private async Task<IReadOnlyDictionary<TopicPartition, GroupOffset>> ReadAsync(
        IReadOnlyCollection<TopicPartition> targets,
        bool settled,
        CancellationToken stop
    )
    {
        var patience = new TargetPatience(scope.Clock, scope.Events);
        while (true)
        {
            try
            {
                var committed = await scope
                    .Cluster.ListGroupOffsetsAsync(Group(scope.Options), targets, requireStable: settled, stop)
                    .ConfigureAwait(false);
                return committed.Where(o => o.Offset >= 0 && TransactionalMark.Read(o.Metadata) is not null).ToDictionary(o => o.Partition);
            }
            catch (KafkaBackupException error)
            {
                await patience.PauseAsync(error, stop).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Reads the marks, has the changes decided and makes them, as one step. Decided anew as often as another process came in between.
    /// </summary>
    public async Task ChangeAsync(
        IReadOnlyCollection<TopicPartition> targets,
        Func<IReadOnlyDictionary<TopicPartition, GroupOffset>, Task<IReadOnlyList<GroupOffset>>> decide,
        CancellationToken stop
    )
    {
        for (var attempt = 1; !await TryChangeAsync(targets, decide, stop).ConfigureAwait(false); attempt++)
        {
            if (attempt == MostTries)
            {
                throw ErrorIds.ProducerFenced.With(
                    $"The progress in the target could not be changed: other restores of backup '{scope.Options.BackupId}' into this cluster "
                        + $"changed it at the same time, {MostTries} times in a row.",
                    scope.Options.BackupId
                );
            }

            await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(20, 100 * attempt)), stop).ConfigureAwait(false);
        }
    }

    /// <summary>False when another process came in between. What the decision throws is final.</summary>
    private async Task<bool> TryChangeAsync(
        IReadOnlyCollection<TopicPartition> targets,
        Func<IReadOnlyDictionary<TopicPartition, GroupOffset>, Task<IReadOnlyList<GroupOffset>>> decide,
        CancellationToken stop
    )
    {
        var options = new WriterOptions(TransactionalId(scope.Options.BackupId));
        using var writer = new BoundedWriter(scope, scope.Cluster.OpenWriter(options), Group(scope.Options));
        if (!await IsDoneAsync(() => writer.InitAsync(stop)).ConfigureAwait(false))
        {
            return false;
        }

        var changes = await decide(await ReadAsync(targets, settled: true, stop).ConfigureAwait(false)).ConfigureAwait(false);
        return changes.Count == 0 || await IsDoneAsync(() => WriteAsync(writer, changes, stop)).ConfigureAwait(false);
    }

    private async Task WriteAsync(BoundedWriter writer, IReadOnlyList<GroupOffset> changes, CancellationToken stop)
    {
        writer.Writer.BeginTransaction();
        foreach (var chunk in Chunks(changes))
        {
            await writer.SendOffsetsAsync(Group(scope.Options), chunk, stop).ConfigureAwait(false);
        }

        await writer.CommitAsync(stop).ConfigureAwait(false);
    }

    /// <summary>False when the transaction is lost. The next writer that takes the id aborts what this one leaves open.</summary>
    private async Task<bool> IsDoneAsync(Func<Task> call)
    {
        try
        {
            await call().ConfigureAwait(false);
            return true;
        }
        catch (Exception lost)
            when (lost is AbortableTransactionException || (lost as KafkaBackupException)?.Definition == ErrorIds.ProducerFenced)
        {
            scope.Events.Verbose($"The restore's progress could not be written, and is tried again: {lost.Message}");
            return false;
        }
    }

    private static IEnumerable<IReadOnlyList<GroupOffset>> Chunks(IReadOnlyList<GroupOffset> all)
    {
        var chunk = new List<GroupOffset>();
        var size = 0;
        foreach (var offset in all)
        {
            if (chunk.Count > 0 && size + offset.Metadata.Length > MostMetadata)
            {
                yield return chunk;
                (chunk, size) = ([], 0);
            }

            chunk.Add(offset);
            size += offset.Metadata.Length + offset.Partition.Topic.Length + 100;
        }

        yield return chunk;
    }
}
