using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Storage;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Records;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>A local cluster, a store and an engine between them, for tests that back up and look at what is stored.</summary>
public sealed class BackupScenario : IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly List<KafkaBackup.Engine.Cluster.IKafkaCluster> _clients = [];
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _limit;

    public BackupScenario(int brokers = 1, IStore? store = null, LocalClusterOptions? options = null, TimeSpan? limit = null)
    {
        _limit = new CancellationTokenSource(limit ?? Limit);
        Cluster = LocalCluster.Start(options ?? new LocalClusterOptions { Brokers = brokers });
        Store = store ?? new Engine.Storage.Files.FileStore(StorePath);
    }

    public LocalCluster Cluster { get; }

    public RecordingEvents Events { get; } = new();

    public string StorePath => _folder.File("store");

    public IStore Store { get; }

    public CancellationToken Cancel => _limit.Token;

    /// <summary>The store as a run sees it: set it to put faults in between.</summary>
    public Func<IStore, IStore> Wrap { get; set; } = store => store;

    /// <summary>The cluster as a run sees it.</summary>
    public Func<KafkaBackup.Engine.Cluster.IKafkaCluster, KafkaBackup.Engine.Cluster.IKafkaCluster> WrapCluster { get; set; } =
        cluster => cluster;

    public TimeProvider Clock { get; set; } = TimeProvider.System;

    public static BackupSettings Asked(params string[] topics) =>
        new()
        {
            BackupId = "b",
            Topics = topics.Length == 0 ? ["*"] : topics,
            PollInterval = TimeSpan.FromMilliseconds(50),
        };

    public KafkaEngine Engine() =>
        new(
            Events,
            _folder.Path,
            EngineServices.Real with
            {
                OpenStore = (_, _) => new Borrowed(Wrap(Store)),
                OpenCluster = (settings, events) => WrapCluster(EngineServices.Real.OpenCluster(settings, events)),
                Clock = Clock,
            }
        );

    public async Task<BackupResult> BackUpAsync(BackupSettings? settings = null, CancellationToken? stop = null)
    {
        await using var planned = await PlanAsync(settings ?? Asked());
        return await planned.RunAsync(stop ?? Cancel).WaitAsync(Limit);
    }

    /// <summary>Until a backup has been reading for a while: how long it takes to begin is the machine's business.</summary>
    public async Task ReadingAsync()
    {
        await WaitAsync(() => Cluster.Requests.Of(ApiKey.Fetch).Count > 0, "the first fetch");
        await Task.Delay(TimeSpan.FromSeconds(1), Cancel);
    }

    public Task<PlannedOperation<BackupPlan, BackupResult>> PlanAsync(BackupSettings settings) =>
        Engine()
            .PlanBackupAsync(
                settings with
                {
                    Source = settings.Source ?? new ClusterSettings { BootstrapServers = [Cluster.BootstrapServers] },
                    Store = settings.Store ?? new StoreSettings { Path = StorePath },
                },
                Cancel
            );

    public async Task<Manifest> ManifestAsync(string backupId = "b") =>
        (await new BackupCatalog(Store).OpenAsync(backupId, Cancel)).Manifest;

    public async Task<PartitionEntry> PartitionAsync(string topic, int partition = 0, string backupId = "b") =>
        (await ManifestAsync(backupId)).Topics[topic].Partitions[partition];

    /// <summary>What the backup holds of a partition, read through nothing but the manifest and the segment reader.</summary>
    public async Task<IReadOnlyList<TestRecord>> StoredAsync(string topic, int partition = 0, string backupId = "b", IStore? store = null)
    {
        store ??= Store;
        var records = new List<TestRecord>();
        using var pool = new BlockBufferPool(64 << 20);
        var manifest = (await new BackupCatalog(store).OpenAsync(backupId, Cancel)).Manifest;
        foreach (var segment in manifest.Topics[topic].Partitions[partition].Segments)
        {
            var key = BackupKeys.Of(backupId, segment.Key);
            using var reader = await SegmentReader.OpenAsync(
                key,
                (offset, buffer, cancel) => store.ReadAsync(key, offset, buffer, cancel),
                segment.StoredBytes,
                pool,
                0,
                Cancel
            );
            for (var index = 0; index < reader.Blocks.Count; index++)
            {
                using var block = await reader.ReadBlockAsync(index, Cancel);
                foreach (var record in block)
                {
                    records.Add(TestRecord.Copy(record));
                }
            }
        }

        return records;
    }

    /// <summary>What a read_committed consumer of the source would see.</summary>
    public IReadOnlyList<TestRecord> Source(string topic, int partition = 0, bool committedOnly = true) =>
        Cluster
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

    /// <summary>A client of the cluster, as an application would be.</summary>
    public KafkaBackup.Engine.Cluster.IKafkaCluster Client() =>
        KafkaBackup.Engine.Cluster.KafkaCluster.Connect(
            new ClusterSettings { BootstrapServers = [Cluster.BootstrapServers] },
            SilentEvents.Instance
        );

    /// <summary>
    /// Writes the values in one transaction, which is committed, aborted, or (null) left open: dispose of the writer then.
    /// </summary>
    public async Task<IDisposable> TransactAsync(string topic, bool? commit, params string[] values)
    {
        var client = Client();
        _clients.Add(client);
        var writer = client.OpenWriter(new KafkaBackup.Engine.Cluster.WriterOptions(TransactionalId: $"tx-{topic}"));
        await writer.InitTransactionsAsync(Cancel);
        writer.BeginTransaction();
        writer.Open(new TopicPartition(topic, 0), 0);
        foreach (var value in values)
        {
            KafkaBackup.Engine.Tests.Cluster.ClusterTesting.Send(writer, 0, value, 0, 1_700_000_000_000);
        }

        KafkaBackup.Engine.Tests.Cluster.ClusterTesting.Drain(writer, new KafkaBackup.Engine.Tests.Cluster.CollectingReports());
        if (commit is { } ends)
        {
            await (ends ? writer.CommitTransactionAsync(Cancel) : writer.AbortTransactionAsync(Cancel));
        }

        return writer;
    }

    /// <summary>Values v{from}, v{from + 1}, ..., in batches of so many.</summary>
    public void Fill(string topic, int count, int from = 0, int partition = 0, int batch = 1000)
    {
        for (var next = from; next < from + count; next += batch)
        {
            Cluster.Append(
                topic,
                partition,
                Enumerable
                    .Range(next, Math.Min(batch, from + count - next))
                    .Select(i => LocalRecord.Of($"k{i}", $"v{i}", 1_700_000_000_000 + i))
            );
        }
    }

    public async Task WaitAsync(Func<bool> done, string what)
    {
        while (!done())
        {
            Assert.False(Cancel.IsCancellationRequested, $"waited too long: {what}");
            await Task.Delay(20);
        }
    }

    public async Task WaitAsync(Func<Task<bool>> done, string what)
    {
        while (!await done())
        {
            Assert.False(Cancel.IsCancellationRequested, $"waited too long: {what}");
            await Task.Delay(20);
        }
    }

    /// <summary>What the run was refused with, before anything was written.</summary>
    public async Task<KafkaBackupException> RefusedAsync(BackupSettings? settings = null)
    {
        var before = await KeysAsync();
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => BackUpAsync(settings));
        Assert.Equal(before, await KeysAsync());
        Assert.False(string.IsNullOrWhiteSpace(error.Advice));
        return error;
    }

    public async Task<IReadOnlyList<string>> KeysAsync(string prefix = "")
    {
        var keys = new List<string>();
        try
        {
            await foreach (var found in Store.ListAsync(prefix, Cancel))
            {
                keys.Add(found.Key);
            }
        }
        catch (KafkaBackupException error) when (error.Definition == ErrorIds.StoreNotFound)
        {
            return [];
        }

        return keys;
    }

    public async Task AssertStoredIsSourceAsync(string topic, int partition = 0) =>
        Assert.Equal(Source(topic, partition).Select(r => r.ToString()), (await StoredAsync(topic, partition)).Select(r => r.ToString()));

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }

        await Cluster.DisposeAsync();
        await Store.DisposeAsync();
        _limit.Dispose();
        _folder.Dispose();
    }

    /// <summary>The scenario keeps the store; the engine disposes what it opened.</summary>
    private sealed class Borrowed(IStore inner) : ForwardingStore(inner)
    {
#pragma warning disable CA2215 // Borrowed means just that: not disposed of.
        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
#pragma warning restore CA2215
    }
}
