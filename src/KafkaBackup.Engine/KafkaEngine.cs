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
/// <param name="seams">Null for the real cluster, stores and clock.</param>
public sealed class KafkaEngine(IEngineEvents events, string baseDirectory, EngineSeams? seams = null)
{
    private readonly IEngineEvents _events = events;
    private readonly string _baseDirectory = baseDirectory;
    private readonly EngineSeams _seams = seams ?? EngineSeams.Real;

    public Task<Planned<BackupPlan, BackupResult>> PlanBackupAsync(BackupSettings settings, CancellationToken cancel)
    {
        var run = new RedactedRun(_events);
        return run.PlanAsync(
            () => BackupJob.PlanAsync(Options(run).Resolve(settings), _seams, run, cancel),
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
    ) => new BackupListing(_seams, _events).ListAsync(Options().Resolve(store), backupId, topics, cancel);

    public IAsyncEnumerable<RecordInfo> ReadBackupRecordsAsync(
        StoreSettings store,
        string backupId,
        RecordQuery query,
        CancellationToken cancel
    ) => new BackupBrowser(() => _seams.OpenStore(Options().Resolve(store), _events)).ReadAsync(backupId, query, cancel);

    /// <summary>Plans the restore of one backup or of several together (rule E9).</summary>
    public Task<Planned<IReadOnlyList<RestoreReport>, IReadOnlyList<RestoreResult>>> PlanRestoreAsync(
        IReadOnlyList<RestoreSettings> settings,
        CancellationToken cancel
    )
    {
        var run = new RedactedRun(_events);
        return run.PlanAsync<IReadOnlyList<RestoreReport>, IReadOnlyList<RestoreResult>>(
            () => new RestoreJob(_seams, run, _baseDirectory).PlanAsync(ResolveAll(settings, run), cancel),
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
        new OffsetMappingQuery(_seams, _events, Options()).RunAsync(
            settings with
            {
                OffsetReportPath = Absolute(settings.OffsetReportPath),
            },
            cancel
        );

    public IAsyncEnumerable<TopicComparison> CompareAsync(CompareSettings settings, CancellationToken cancel) =>
        new CompareJob(_seams, _events, Options()).RunAsync(settings, cancel);

    public IAsyncEnumerable<RecordInfo> ReadTopicRecordsAsync(ClusterSettings cluster, RecordQuery query, CancellationToken cancel) =>
        new TopicBrowser(() => _seams.OpenCluster(Options().Resolve(cluster), _events), _seams.Clock, _events).ReadAsync(query, cancel);

    /// <summary>A row per partition, then (Partition null) one per topic.</summary>
    public async Task<IReadOnlyList<TopicMeasure>> MeasureTopicsAsync(MeasureSettings settings, CancellationToken cancel)
    {
        await using var cluster = _seams.OpenCluster(Options().Resolve(settings.Cluster), _events);
        return await new TopicMeter(cluster, _seams.Clock).MeasureAsync(settings, cancel).ConfigureAwait(false);
    }

    public Task<BackupReport> CheckBackupAsync(CheckSettings settings, CancellationToken cancel) =>
        new BackupCheck(_seams, _events).RunAsync(Options().Resolve(settings.Store), settings, cancel);

    public Task<Planned<RepairResult, RepairResult>> PlanRepairAsync(RepairSettings settings, CancellationToken cancel) =>
        RepairJob.PlanAsync(Options().Resolve(settings.Store), settings, _seams, _events, cancel);

    public Task<Planned<IReadOnlyList<RemovalResult>, IReadOnlyList<RemovalResult>>> PlanRemovalAsync(
        RemoveSettings settings,
        CancellationToken cancel
    ) => RemovalJob.PlanAsync(Options().Resolve(settings.Store), settings, _seams, _events, cancel);

    public Task<Planned<ConsumerOffsetPlan, IReadOnlyList<ConsumerOffsetRestoreResult>>> PlanOffsetRestoreAsync(
        ConsumerOffsetRestoreSettings settings,
        CancellationToken cancel
    ) =>
        OffsetRestoreJob.PlanAsync(
            settings with
            {
                OffsetBackupPath = Absolute(settings.OffsetBackupPath),
            },
            Options(),
            _seams,
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

    private OptionsResolver Options() => new(_baseDirectory, _events, _seams.Clock);

    private OptionsResolver Options(RedactedRun run) => new(_baseDirectory, run, _seams.Clock, redaction: run.Redaction);

    private string? Absolute(string? path) => path is null ? null : Path.GetFullPath(path, _baseDirectory);
}
