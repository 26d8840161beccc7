using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Records;
using KafkaBackup.Testing.Storage;
using Xunit;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>Real backups in memory, written run by run with real segments, and the engine on top of them.</summary>
internal static class SmallBackup
{
    public const string Id = "b";
    public const int PerSegment = 10;

    public static readonly DateTimeOffset Begin = new(2024, 1, 15, 10, 0, 0, TimeSpan.Zero);

    /// <summary>So many complete runs, an hour apart; each adds a segment to both partitions of topic orders.</summary>
    /// <param name="compressions">Of the first run's segments, the second's, and so on, round and round; null for none.</param>
    public static async Task WriteAsync(
        IStore store,
        int runs,
        string id = Id,
        TimeProvider? clock = null,
        int keptHeads = 5,
        int perSegment = PerSegment,
        CompressionKind[]? compressions = null
    )
    {
        for (var run = 1; run <= runs; run++)
        {
            var options = new SessionOptions
            {
                RunId = $"run-{run}",
                Clock = clock ?? TimeProvider.System,
                SourceClusterId = "cluster-1",
                KeptHeads = keptHeads,
            };
            await using var session = await BackupSession.BeginAsync(new BackupCatalog(store), id, options, default);
            var partitions = new Dictionary<int, PartitionEntry>();
            for (var number = 0; number < 2; number++)
            {
                var before = session.Manifest!.Topics.GetValueOrDefault("orders")?.Partitions[number];
                var segment = await AddSegmentAsync(
                    store,
                    id,
                    "orders",
                    number,
                    (run - 1) * perSegment,
                    $"run-{run}",
                    perSegment,
                    compression: compressions?[run % compressions.Length] ?? CompressionKind.None
                );
                partitions[number] = new PartitionEntry
                {
                    Partition = number,
                    CapturedStart = 0,
                    CapturedEnd = segment.Entry.LastOffset + 1,
                    NextOffset = segment.Entry.LastOffset + 1,
                    Complete = true,
                    Gaps = [],
                    Segments = [.. before?.Segments ?? [], segment.Entry],
                    LastRecord = segment.Last,
                };
            }

            var topic = new TopicEntry
            {
                Name = "orders",
                TopicId = "id-orders",
                PartitionCount = 2,
                ReplicationFactor = 3,
                Configs = new Dictionary<string, string> { ["retention.ms"] = "-1" },
                Partitions = partitions,
            };
            var started = Begin.AddHours(run - 1);
            await session.CommitAsync(
                session.Manifest! with
                {
                    Complete = true,
                    Topics = new Dictionary<string, TopicEntry> { ["orders"] = topic },
                    Runs =
                    [
                        .. session.Manifest.Runs,
                        new RunEntry
                        {
                            RunId = $"run-{run}",
                            StartedAt = started,
                            EndedAt = started.AddMinutes(10),
                            State = BackupStatus.Complete,
                            ToolVersion = "1.0.0",
                            Isolation = IsolationLevel.ReadCommitted,
                            RequestedTopics = ["orders"],
                            RecordCount = 2 * perSegment,
                        },
                    ],
                    GroupSnapshots =
                    [
                        new GroupSnapshot(
                            started,
                            $"run-{run}",
                            [new GroupEntry("billing", [new GroupOffsetEntry("orders", 0, 5, "note")])]
                        ),
                    ],
                },
                default
            );
        }
    }

    /// <summary>
    /// A whole segment in the store that no manifest names yet; of version 1 and 2 in turn as the offsets go up (rule L8).
    /// </summary>
    public static async Task<(SegmentEntry Entry, LastRecord? Last)> AddSegmentAsync(
        IStore store,
        string id,
        string topic,
        int partition,
        long first,
        string run,
        int records = PerSegment,
        int step = 1,
        CompressionKind compression = CompressionKind.None
    )
    {
        var key = BackupKeys.NewSegment(topic, partition, first);
        var header = new SegmentHeader(id, topic, partition, run, compression, Begin);
        var all = Enumerable
            .Range(0, records)
            .Select(i =>
                TestRecord.Text(first + ((long)i * step), $"k{i}", $"value {first + i}", Begin.ToUnixTimeMilliseconds() + first + i)
            );
        var (bytes, summary) = new SegmentForm(1 + (int)(first / records % 2), compression).Write(all, Math.Max(5, records / 8), header);
        await store.PutAsync(BackupKeys.Of(id, key), bytes, default);
        return (summary.ToEntry(key, run), (await SegmentImage.CheckAsync(bytes)).LastRecord);
    }

    /// <summary>A segment's upload that is under way, with more bytes than an object store holds back: a part of it is stored.</summary>
    public static async Task<IStoreUpload> BegunUploadAsync(IStore store, long first)
    {
        var key = BackupKeys.Of(Id, BackupKeys.NewSegment("orders", 0, first));
        var upload = await store.CreateAsync(key, default);
        await upload.WriteAsync(new byte[(5 << 20) + 1], default);
        return upload;
    }

    public static KafkaEngine EngineOn(IStore store, IEngineEvents? events = null, TimeProvider? clock = null) =>
        new(
            events ?? SilentEvents.Instance,
            Path.GetTempPath(),
            EngineServices.Real with
            {
                OpenStore = (_, _) => store,
                Clock = clock ?? TimeProvider.System,
            }
        );

    public static StoreSettings Settings { get; } = new() { Path = Path.Combine(Path.GetTempPath(), "kafkabackup-not-used") };

    public static Task<BackupReport> CheckAsync(
        IStore store,
        bool deep = true,
        Sample? sample = null,
        string id = Id,
        TimeProvider? clock = null
    ) =>
        EngineOn(store, clock: clock)
            .CheckBackupAsync(
                new CheckSettings
                {
                    Store = Settings,
                    BackupId = id,
                    Deep = deep,
                    Sample = sample,
                },
                default
            );

    public static async Task<RepairResult> RepairAsync(IStore store, bool force = false, TimeProvider? clock = null)
    {
        await using var planned = await PlanRepairAsync(store, force, clock);
        return await planned.RunAsync(default);
    }

    public static Task<PlannedOperation<RepairResult, RepairResult>> PlanRepairAsync(
        IStore store,
        bool force = false,
        TimeProvider? clock = null
    ) =>
        EngineOn(store, clock: clock)
            .PlanRepairAsync(
                new RepairSettings
                {
                    Store = Settings,
                    BackupId = Id,
                    Force = force,
                },
                default
            );

    public static async Task<RemovalResult> RemoveAsync(IStore store, RemoveSettings? settings = null, TimeProvider? clock = null)
    {
        await using var planned = await EngineOn(store, clock: clock)
            .PlanRemovalAsync(
                (settings ?? new RemoveSettings { Force = true }) with
                {
                    Store = Settings,
                    BackupId = settings?.BackupId ?? Id,
                },
                default
            );
        return Assert.Single(await planned.RunAsync(default));
    }

    public static async Task<Manifest> ManifestAsync(IStore store, string id = Id) =>
        (await new BackupCatalog(store).OpenAsync(id, default)).Manifest;

    public static IEnumerable<SegmentEntry> Segments(Manifest manifest) =>
        manifest.Topics.Values.SelectMany(t => t.Partitions.Values).SelectMany(p => p.Segments);

    public static string SegmentKey(IOpenedStore store, int nth = 0) =>
        store.Keys.Where(k => k.EndsWith(".kbs", StringComparison.Ordinal)).ElementAt(nth);

    public static void Flip(IOpenedStore store, string key, int at, byte mask = 0xFF)
    {
        var bytes = store[key];
        bytes[at % bytes.Length] ^= mask;
        store[key] = bytes;
    }
}
