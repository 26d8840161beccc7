using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Health;
using KafkaBackup.Engine.Pacing;

namespace KafkaBackup.Engine.Restore;

/// <summary>What a restore of one backup came to, before the consumer groups.</summary>
internal sealed record RestoreData(RestoreStatus Status, DateTimeOffset StartedAt, bool Resumed, IReadOnlyList<LaneOutcome> Outcomes)
{
    public required RestoreJournal Journal { get; init; }

    public required string? NotChecked { get; init; }

    /// <summary>In transactional mode.</summary>
    public TransactionalMarks? Marks { get; init; }
}

/// <summary>Carries out the data part of one backup's plan. Everything refusable was refused by the planner.</summary>
internal sealed class RestoreRun(IKafkaCluster cluster, BackupCatalog catalog, RestoreWork work, TimeProvider clock, IEngineEvents events)
{
    private const int ReadAhead = 4 << 20;
    private const int AllReadAhead = 32 << 20;
    private const int BlocksPerLane = 4;
    private const int SpareBlocks = 8;
    private const long AllUnacknowledged = 96L << 20;

    private readonly RestoreOptions _options = work.Options;

    public async Task<RestoreData> RunAsync(CancellationToken stop)
    {
        var startedAt = clock.GetUtcNow();
        var targets = work.Targets.Where(t => t.RecordCount > 0).ToArray();
        var width = Math.Max(1, Math.Min(_options.MaxConcurrentPartitions, targets.Length));
        using var pool = new BlockBufferPool(((width * BlocksPerLane) + SpareBlocks) * (long)(BlockBufferPool.StandardBlock + (64 << 10)));
        var status = new OperationStatus("restore", _options.BackupId, _options.Health.Enabled ? _options.CheckpointInterval : null, clock);
        var health = HealthEndpoint.Start(_options.Health, status, events);
        await using var serving = health.ConfigureAwait(false);
        using var writers = new WriterPool(cluster);
        var scope = new RestoreScope(
            work,
            cluster,
            catalog,
            pool,
            new RateLimiter(_options.RecordsPerSecond, _options.BytesPerSecond, clock),
            clock,
            events
        )
        {
            ReadAhead = Math.Min(ReadAhead, AllReadAhead / width),
            MostUnacknowledged = AllUnacknowledged / width,
            Status = status,
            Writers = writers,
        };
        var log = new TargetLog(cluster, clock, events);
        var journal = new RestoreJournal(work, clock, events);
        var marks = _options.Delivery == DeliveryMode.Transactional ? new TransactionalMarks(scope) : null;
        IReadOnlyList<LaneOutcome> outcomes;
        try
        {
            await new TargetPreparation(scope, log).RunAsync(stop).ConfigureAwait(false);
            outcomes = marks is null
                ? await RunIdempotentAsync(scope, log, journal, targets, width, stop).ConfigureAwait(false)
                : await RunTransactionalAsync(scope, log, journal, marks, targets, width, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Stopped before the first record: the lanes answer a stop themselves.
            outcomes = targets.Select(t => new LaneOutcome(new PartitionProgress(t), PartitionStatus.Stopped, null)).ToArray();
        }

        foreach (var outcome in outcomes.Where(o => o.Error is not null))
        {
            status.Trouble(outcome.Error!);
            events.Error(outcome.Error!);
        }

        var (kept, rebuilt) = (outcomes.Sum(o => o.Progress.BatchesKept), outcomes.Sum(o => o.Progress.BatchesRebuilt));
        if (kept + rebuilt > 0)
        {
            events.Verbose(
                FormattableString.Invariant(
                    $"{kept:N0} record batches were sent as they are, {rebuilt:N0} were rebuilt from their records."
                )
            );
        }

        journal.Save();
        var resumed = outcomes.Any(o => o.Progress.Resumed > 0) || journal.Found is not null;
        return new RestoreData(Status(outcomes, stop), startedAt, resumed, outcomes.OrderBy(o => o.Progress.Work.Target).ToArray())
        {
            Journal = journal,
            Marks = marks,
            NotChecked = scope.Proofs.Unproven(work),
        };
    }

    private static RestoreStatus Status(IReadOnlyList<LaneOutcome> outcomes, CancellationToken stop) =>
        outcomes.All(o => o.Status == PartitionStatus.Complete) ? RestoreStatus.Complete
        : outcomes.All(o =>
            o.Status == PartitionStatus.Failed
            || (o is { Status: PartitionStatus.Stopped, Progress.Done: 0 } && !stop.IsCancellationRequested)
        )
            ? RestoreStatus.Failed
        : outcomes.Any(o => o.Status == PartitionStatus.Failed) || !stop.IsCancellationRequested ? RestoreStatus.Incomplete
        : RestoreStatus.Stopped;

    private static async Task<IReadOnlyList<LaneOutcome>> RunIdempotentAsync(
        RestoreScope scope,
        TargetLog log,
        RestoreJournal journal,
        TargetWork[] targets,
        int width,
        CancellationToken stop
    )
    {
        var start = new IdempotentStart(scope, log, journal);
        try
        {
            await start.IdentifyAsync(targets, stop).ConfigureAwait(false);
        }
        catch (KafkaBackupException error) when (error.Definition == ErrorIds.ClusterUnauthorized)
        {
            // What the cluster as a whole does not allow is one error, not one for each partition.
            return targets
                .Select(t =>
                    t == targets[0]
                        ? new LaneOutcome(new PartitionProgress(t), PartitionStatus.Failed, error)
                        : new LaneOutcome(new PartitionProgress(t), PartitionStatus.Stopped, null)
                )
                .ToArray();
        }

        var found = await start.FindAsync(targets, stop).ConfigureAwait(false);
        var lost = found
            .Where(f => f.Error is not null)
            .Select(f => new LaneOutcome(f.Progress, PartitionStatus.Failed, f.Error))
            .ToArray();
        journal.Begin(found.Select(f => f.Progress).ToArray());
        var partitions = found.Where(f => f.Error is null).Select(f => f.Progress).ToArray();
        var outcomes = await new LaneRunner(scope, journal)
            .RunAsync(partitions, width, (p, halt) => new RestoreLane(scope, p, log, start, journal).RunAsync(halt), stop)
            .ConfigureAwait(false);
        return [.. outcomes, .. lost];
    }

    private static async Task<IReadOnlyList<LaneOutcome>> RunTransactionalAsync(
        RestoreScope scope,
        TargetLog log,
        RestoreJournal journal,
        TransactionalMarks marks,
        IReadOnlyList<TargetWork> targets,
        int width,
        CancellationToken stop
    )
    {
        var start = new TransactionalStart(scope, log, journal, marks);
        await start.MarkAsync(targets, stop).ConfigureAwait(false);
        var partitions = targets.Select(t => new PartitionProgress(t)).ToArray();
        journal.Begin(partitions);
        return await new LaneRunner(scope, journal)
            .RunAsync(partitions, width, (p, halt) => new TransactionalLane(scope, p, log, marks, start).RunAsync(halt), stop)
            .ConfigureAwait(false);
    }

    /// <summary>
    /// After success, data and groups, what a resume would stand on must go, the checkpoint too: the next restore of this backup is a new
    /// one.
    /// </summary>
    public async Task ForgetMarksAsync(RestoreData data, CancellationToken stop)
    {
        if (data.Marks is { } marks && data.Outcomes.Count > 0)
        {
            await FinishAsync(marks, data.Outcomes.Select(o => o.Progress).ToArray(), stop).ConfigureAwait(false);
        }
    }

    private async Task FinishAsync(TransactionalMarks marks, IReadOnlyList<PartitionProgress> restored, CancellationToken stop)
    {
        using var patience = new CancellationTokenSource();
        using var onStop = stop.Register(() => patience.CancelAfter(RestoreScope.StopPatience));
        var group = TransactionalMarks.Group(_options);
        try
        {
            if (!await marks.FinishAsync(restored, patience.Token).ConfigureAwait(false))
            {
                events.Warning(
                    $"The restore is complete. Another restore of this backup has begun meanwhile, and its progress in consumer group {group} is left alone."
                );
            }
        }
        catch (Exception error) when (error is KafkaBackupException || patience.IsCancellationRequested)
        {
            events.Warning(
                $"The restore is complete, but its progress could not be removed: {error.Message} Delete the consumer group {group} before this backup is restored to this cluster again."
            );
        }
    }
}
