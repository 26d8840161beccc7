using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Pacing;

namespace KafkaBackup.Engine.Restore;

/// <summary>What a restore of one backup came to, before the consumer groups.</summary>
internal sealed record RestoreData(RestoreStatus Status, DateTimeOffset StartedAt, bool Resumed, IReadOnlyList<LaneOutcome> Outcomes);

/// <summary>Carries out the data part of one backup's plan. Everything refusable was refused by the planner.</summary>
internal sealed class RestoreRun(IKafkaCluster cluster, BackupCatalog catalog, RestoreWork work, TimeProvider clock, IEngineEvents events)
{
    private const int BlocksPerLane = 4;
    private const int SpareBlocks = 8;
    private const long WriterBytes = 96L << 20;
    private const long LeastWriterBytes = 4L << 20;

    private readonly RestoreOptions _options = work.Options;

    public async Task<RestoreData> RunAsync(CancellationToken stop)
    {
        var startedAt = clock.GetUtcNow();
        var targets = work.Targets.Where(t => t.RecordCount > 0).ToArray();
        var width = Math.Max(1, Math.Min(_options.MaxConcurrentPartitions, targets.Length));
        using var pool = new BlockBufferPool(((width * BlocksPerLane) + SpareBlocks) * (long)(BlockBufferPool.StandardBlock + (64 << 10)));
        var scope = new RestoreScope(work, cluster, catalog, pool, new RateLimiter(_options.RecordsPerSecond, _options.BytesPerSecond, clock), clock, events);
        var log = new TargetLog(cluster, clock, events);
        var journal = new RestoreJournal(work, clock, events);
        await new TargetPreparation(scope).RunAsync(journal.Found is not null, stop).ConfigureAwait(false);

        var transactional = _options.Delivery == DeliveryMode.Transactional;
        var found = transactional
            ? await new TransactionalStart(scope, log).FindAsync(targets, stop).ConfigureAwait(false)
            : await new IdempotentStart(scope, log, journal).FindAsync(targets, stop).ConfigureAwait(false);
        var lost = found.Where(f => f.Error is not null).Select(f => new LaneOutcome(f.Progress, PartitionStatus.Failed, f.Error)).ToArray();
        var partitions = found.Where(f => f.Error is null).Select(f => f.Progress).ToArray();
        journal.Begin(found.Select(f => f.Progress).ToArray());

        var writerBytes = Math.Max(LeastWriterBytes, WriterBytes / width);
        var outcomes = await new LaneRunner(scope, journal).RunAsync(
            partitions, width,
            (partition, halt) => transactional
                ? new TransactionalLane(scope, partition, writerBytes).RunAsync(halt)
                : new RestoreLane(scope, partition, log, writerBytes).RunAsync(halt),
            stop).ConfigureAwait(false);

        LaneOutcome[] all = [.. outcomes, .. lost];
        foreach (var outcome in all.Where(o => o.Error is not null))
        {
            events.Error(outcome.Error!);
        }

        var status = Status(all, stop);
        await KeepOrRemoveProgressAsync(journal, status, transactional).ConfigureAwait(false);
        var resumed = all.Any(o => o.Progress.Resumed > 0) || journal.Found is not null;
        return new RestoreData(status, startedAt, resumed, all.OrderBy(o => o.Progress.Work.Target).ToArray());
    }

    private static RestoreStatus Status(LaneOutcome[] outcomes, CancellationToken stop) =>
        outcomes.All(o => o.Status == PartitionStatus.Complete) ? RestoreStatus.Complete
        : outcomes.All(o => o.Status == PartitionStatus.Failed) ? RestoreStatus.Failed
        : outcomes.Any(o => o.Status == PartitionStatus.Failed) || !stop.IsCancellationRequested ? RestoreStatus.Incomplete
        : RestoreStatus.Stopped;

    /// <summary>After success, what a resume would stand on must go: the next restore of this backup is a new one.</summary>
    private async Task KeepOrRemoveProgressAsync(RestoreJournal journal, RestoreStatus status, bool transactional)
    {
        if (status != RestoreStatus.Complete)
        {
            journal.Save();
            return;
        }

        if (transactional && work.RecordCount > 0)
        {
            await cluster.DeleteGroupOffsetsAsync(
                TransactionalNames.Group(_options), work.Targets.Where(t => t.RecordCount > 0).Select(t => t.Target).ToArray(), CancellationToken.None).ConfigureAwait(false);
        }

        journal.Remove();
    }
}
