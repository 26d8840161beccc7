using KafkaBackup.Engine.Restore;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Records;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>
/// A source cluster with its backup, and a target cluster: for tests that restore and look at what the target's log holds.
/// </summary>
public sealed class RestoreScenario : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();

    public RestoreScenario(int targetBrokers = 1, LocalClusterOptions? targetOptions = null, IStore? store = null)
    {
        Source = new BackupScenario(store: store);
        Target = LocalCluster.Start(targetOptions ?? new LocalClusterOptions { Brokers = targetBrokers });
    }

    /// <summary>The source's side: its cluster, the store, the backup.</summary>
    public BackupScenario Source { get; }

    public LocalCluster Target { get; }

    public RecordingEvents Events { get; } = new();

    public CancellationToken Cancel => Source.Cancel;

    public string CheckpointPath => _folder.File("checkpoint.json");

    public string ReportPath => _folder.File("offsets.json");

    /// <summary>The store as a restore sees it: set it to count or to put faults in between.</summary>
    public Func<IStore, IStore> Wrap { get; set; } = store => store;

    /// <summary>The target as a restore sees it.</summary>
    public Func<Engine.Cluster.IKafkaCluster, Engine.Cluster.IKafkaCluster> WrapCluster { get; set; } = cluster => cluster;

    /// <summary>The engine's.</summary>
    public TimeProvider Clock { get; set; } = TimeProvider.System;

    public string Folder => _folder.Path;

    public static RestoreSettings Asked() => new() { BackupId = "b", ResumeQuiet = TimeSpan.FromMilliseconds(300) };

    public KafkaEngine NewEngine() =>
        new(
            Events,
            _folder.Path,
            EngineServices.Real with
            {
                Clock = Clock,
                OpenStore = (_, _) => new Kept(Wrap(Source.Store)),
                OpenCluster = (settings, events) => WrapCluster(EngineServices.Real.OpenCluster(settings, events)),
            }
        );

    public Task<PlannedOperation<IReadOnlyList<RestoreReport>, IReadOnlyList<RestoreResult>>> PlanAsync(
        params RestoreSettings[] settings
    ) => NewEngine().PlanRestoreAsync(settings.Select(Complete).ToArray(), Cancel);

    public async Task<RestoreReport> ReportAsync(RestoreSettings? settings = null)
    {
        await using var planned = await PlanAsync(settings ?? Asked());
        return planned.Plan.Single();
    }

    public async Task<RestoreResult> RestoreAsync(RestoreSettings? settings = null, CancellationToken? stop = null)
    {
        await using var planned = await PlanAsync(settings ?? Asked());
        return (await planned.RunAsync(stop ?? Cancel).WaitAsync(BackupScenario.Limit)).Single();
    }

    /// <summary>Restores, all of it must arrive.</summary>
    public async Task<RestoreResult> RestoredAsync(RestoreSettings? settings = null)
    {
        var result = await RestoreAsync(settings);
        Assert.True(result.Status == RestoreStatus.Complete, string.Join('\n', Events.Errors.Select(e => e.Message)));
        return result;
    }

    /// <summary>Restores, all of it must arrive that is sound in the backup.</summary>
    public async Task<RestoreResult> RestoredWithoutDamagedAsync(RestoreSettings settings)
    {
        var result = await RestoreAsync(settings);
        Assert.Equal(RestoreStatus.Incomplete, result.Status);
        Assert.Equal(ErrorIds.RecordsLeftOut, Events.Errors.Last().Definition);
        Assert.All(result.Partitions, p => Assert.Equal(PartitionStatus.Complete, p.Status));
        Assert.True(result.RecordsLeftOut > 0);
        return result;
    }

    /// <summary>What the restore is refused with; nothing may have been written by then.</summary>
    public async Task<KafkaBackupException> RefusedAsync(RestoreSettings? settings = null)
    {
        var topics = Target.TopicNames.ToArray();
        var ends = Ends();
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => RestoreAsync(settings));
        Assert.Equal(topics, Target.TopicNames);
        Assert.Equal(ends, Ends());
        Assert.False(string.IsNullOrWhiteSpace(error.Advice));
        return error;
    }

    /// <summary>Everything in the target's log that a consumer sees.</summary>
    public IReadOnlyList<TestRecord> Restored(string topic, int partition = 0, bool committedOnly = false) =>
        Target
            .Read(topic, partition)
            .Where(r => !r.IsControl && !(committedOnly && r.IsAborted))
            .Select(r => new TestRecord
            {
                Offset = r.Offset,
                Timestamp = r.Timestamp,
                TimestampKind = r.IsLogAppendTime ? TimestampKind.LogAppendTime : TimestampKind.CreateTime,
                Key = r.Key,
                Value = r.Value,
                Headers = r.Headers.Select(h => new TestHeader(System.Text.Encoding.UTF8.GetBytes(h.Name), h.Value)).ToArray(),
            })
            .ToArray();

    /// <summary>The target's partition holds exactly what the source's does: nothing missing, nothing twice, in order.</summary>
    public void AssertEqual(
        string topic,
        int partition = 0,
        string? target = null,
        int? targetPartition = null,
        Func<TestRecord, bool>? only = null,
        bool committedOnly = false
    )
    {
        var expected = Source.Source(topic, partition).Where(only ?? (_ => true)).Select(Content);
        var found = Restored(target ?? topic, targetPartition ?? partition, committedOnly).Select(Content);
        Assert.Equal(expected, found);
    }

    /// <summary>No transactional restore of the backup is under way: finished ones may have left that they are.</summary>
    public void AssertNoProgress() =>
        Assert.All(Target.GroupOffsets("kafkabackup-restore-b").Values, o => Assert.Equal(TransactionalMark.Finished, o.Metadata));

    /// <summary>A record without its offset, which is another one in the target.</summary>
    public static string Content(TestRecord record) => (record with { Offset = 0 }).ToString();

    public IReadOnlyList<(string, int, long)> Ends() =>
        Target
            .TopicNames.Order(StringComparer.Ordinal)
            .SelectMany(t => Enumerable.Range(0, Target.PartitionCount(t)).Select(p => (t, p, Target.LogEnd(t, p))))
            .ToArray();

    public async ValueTask DisposeAsync()
    {
        await Target.DisposeAsync();
        await Source.DisposeAsync();
        _folder.Dispose();
    }

    private RestoreSettings Complete(RestoreSettings settings) =>
        settings with
        {
            Target = settings.Target ?? new ClusterSettings { BootstrapServers = [Target.BootstrapServers] },
            Store = settings.Store ?? new StoreSettings { Path = Source.StorePath },
        };

    /// <summary>The scenario keeps the store; the engine disposes what it opened.</summary>
    private sealed class Kept(IStore inner) : ForwardingStore(inner)
    {
#pragma warning disable CA2215 // Kept means just that: not disposed of.
        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
#pragma warning restore CA2215
    }
}
