using KafkaBackup.Engine.Backup;
using KafkaBackup.Engine.Browse;
using KafkaBackup.Engine.Compare;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Restore;
using KafkaBackup.Engine.Verify;

namespace KafkaBackup.Engine;

/// <summary>
/// The facade: everything that the module, the demo and the tests can ask of the engine, in Model types only. Operations that write come as
/// a plan first, which has written nothing; running the plan does what it shows.
/// </summary>
/// <param name="events">Where running operations report.</param>
/// <param name="baseDirectory">What relative paths in parameters are relative to; paths in a file are relative to that file.</param>
/// <param name="services">Null for the real cluster, stores and clock.</param>
public sealed class KafkaEngine(IEngineEvents events, string baseDirectory, EngineServices? services = null)
{
    private readonly IEngineEvents _events = events;
    private readonly string _baseDirectory = baseDirectory;
    private readonly EngineServices _services = services ?? EngineServices.Real;

    public Task<PlannedOperation<BackupPlan, BackupResult>> PlanBackupAsync(BackupSettings settings, CancellationToken cancel)
    {
        var run = new RedactedRun(_events);
        return run.PlanAsync(
            () => BackupJob.PlanAsync(Options(run).Resolve(settings), _services, run, cancel),
            plan => plan with { Findings = run.Clean(plan.Findings) },
            result =>
                result with
                {
                    Findings = run.Clean(result.Findings),
                    Topics = ItemList.From(result.Topics.Select(topic => Clean(topic, run)).ToArray()),
                }
        );
    }

    /// <param name="backupId">A glob over backup ids; null for all.</param>
    public IAsyncEnumerable<BackupInfo> GetBackupsAsync(
        StoreSettings store,
        string? backupId,
        IReadOnlyList<string>? topics,
        CancellationToken cancel
    ) => new BackupListing(_services, _events).ListAsync(Options().Resolve(store), backupId, topics, cancel);

    public IAsyncEnumerable<RecordInfo> ReadBackupRecordsAsync(
        StoreSettings store,
        string backupId,
        RecordQuery query,
        CancellationToken cancel
    ) => new BackupBrowser(() => _services.OpenStore(Options().Resolve(store), _events)).ReadAsync(backupId, query, cancel);

    /// <summary>Plans the restore of one backup or of several together (rule E9).</summary>
    public Task<PlannedOperation<IReadOnlyList<RestoreReport>, IReadOnlyList<RestoreResult>>> PlanRestoreAsync(
        IReadOnlyList<RestoreSettings> settings,
        CancellationToken cancel
    )
    {
        var run = new RedactedRun(_events);
        return run.PlanAsync<IReadOnlyList<RestoreReport>, IReadOnlyList<RestoreResult>>(
            () => new RestoreJob(_services, run, _baseDirectory).PlanAsync(ResolveAll(settings, run), cancel),
            plans => plans.Select(plan => plan with { Findings = run.Clean(plan.Findings) }).ToArray(),
            results =>
                results
                    .Select(result =>
                        result with
                        {
                            Findings = run.Clean(result.Findings),
                            Partitions = ItemList.From(
                                result.Partitions.Select(p => p with { ErrorMessage = run.Clean(p.ErrorMessage) }).ToArray()
                            ),
                        }
                    )
                    .ToArray()
        );
    }

    public Task<IReadOnlyList<OffsetMapping>> GetOffsetMappingAsync(OffsetMappingSettings settings, CancellationToken cancel) =>
        new OffsetMappingQuery(_services, _events, Options()).RunAsync(
            settings with
            {
                OffsetReportPath = Absolute(settings.OffsetReportPath),
            },
            cancel
        );

    public IAsyncEnumerable<TopicComparison> CompareAsync(CompareSettings settings, CancellationToken cancel) =>
        new CompareJob(_services, _events, Options()).RunAsync(settings, cancel);

    public IAsyncEnumerable<RecordInfo> ReadTopicRecordsAsync(ClusterSettings cluster, RecordQuery query, CancellationToken cancel) =>
        new TopicBrowser(() => _services.OpenCluster(Options().Resolve(cluster), _events), _services.Clock, _events).ReadAsync(
            query,
            cancel
        );

    /// <summary>A row per partition, then (Partition null) one per topic.</summary>
    public async Task<IReadOnlyList<TopicMeasure>> MeasureTopicsAsync(MeasureSettings settings, CancellationToken cancel)
    {
        await using var cluster = _services.OpenCluster(Options().Resolve(settings.Cluster), _events);
        return await new TopicMeter(cluster, _services.Clock).MeasureAsync(settings, cancel).ConfigureAwait(false);
    }

    public Task<BackupReport> CheckBackupAsync(CheckSettings settings, CancellationToken cancel) =>
        new BackupCheck(_services, _events).RunAsync(Options().Resolve(settings.Store), settings, cancel);

    public Task<PlannedOperation<RepairResult, RepairResult>> PlanRepairAsync(RepairSettings settings, CancellationToken cancel) =>
        RepairJob.PlanAsync(Options().Resolve(settings.Store), settings, _services, _events, cancel);

    public Task<PlannedOperation<IReadOnlyList<RemovalResult>, IReadOnlyList<RemovalResult>>> PlanRemovalAsync(
        RemoveSettings settings,
        CancellationToken cancel
    ) => RemovalJob.PlanAsync(Options().Resolve(settings.Store), settings, _services, _events, cancel);

    public Task<PlannedOperation<ConsumerOffsetPlan, IReadOnlyList<ConsumerOffsetRestoreResult>>> PlanOffsetRestoreAsync(
        ConsumerOffsetRestoreSettings settings,
        CancellationToken cancel
    ) =>
        OffsetRestoreJob.PlanAsync(
            settings with
            {
                OffsetBackupPath = Absolute(settings.OffsetBackupPath),
            },
            Options(),
            _services,
            _events,
            cancel
        );

    private RestoreOptions[] ResolveAll(IReadOnlyList<RestoreSettings> settings, RedactedRun run)
    {
        var resolver = Options(run);
        return settings.Select(resolver.Resolve).ToArray();
    }

    private static BackupTopicResult Clean(BackupTopicResult topic, RedactedRun run) =>
        topic with
        {
            Partitions = ItemList.From(topic.Partitions.Select(p => p with { ErrorMessage = run.Clean(p.ErrorMessage) }).ToArray()),
        };

    private OptionsResolver Options() => new(_baseDirectory, _events, _services.Clock);

    private OptionsResolver Options(RedactedRun run) => new(_baseDirectory, run, _services.Clock, redaction: run.Redaction);

    private string? Absolute(string? path) => path is null ? null : Path.GetFullPath(path, _baseDirectory);
}
