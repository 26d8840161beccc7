using System.Diagnostics;
using KafkaBackup.Engine;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage.Files;

namespace KafkaBackup.Benchmarks.EndToEnd;

/// <summary>Many partitions and many segments, with hardly a record: what planning costs.</summary>
internal sealed class Scale(BenchOptions options, BrokerProcess broker, string folder)
{
    public const string Name = "scale";

    private const string Topic = "kafkabackup-bench-scale";

    public async Task<IReadOnlyList<Figures>> MeasureAsync()
    {
        var partitions = options.Quick ? 1_000 : 10_000;
        var segments = options.Quick ? 10_000 : 100_000;
        await using var cluster = KafkaCluster.Connect(Job.At(broker.Bootstrap), SilentEvents.Instance);
        await cluster.CreateTopicsAsync([new NewTopic(Topic, partitions, 1, new Dictionary<string, string>())], CancellationToken.None);
        var store = Directory.CreateDirectory(Path.Combine(folder, Name)).FullName;
        Figures[] all =
        [
            await RunAsync($"plan a backup of {partitions:N0} partitions", "capture", broker.Bootstrap, Topic, store),
            await RunAsync($"commit a manifest of {segments:N0} segments", "manifest", store, $"{segments}"),
            await RunAsync($"list a backup of {segments:N0} segments", "describe", store),
            await RunAsync($"plan a restore of {segments:N0} segments", "plan-restore", store, broker.Bootstrap),
        ];
        await cluster.DeleteTopicAsync(Topic, CancellationToken.None);
        return all;
    }

    public static async Task<JobReport> CaptureAsync(string bootstrap, string topic, string store)
    {
        var settings = new BackupSettings
        {
            Source = Job.At(bootstrap),
            Store = new StoreSettings { Path = store },
            BackupId = "capture",
            Topics = [topic],
        };
        await using var planned = await new KafkaEngine(SilentEvents.Instance, store).PlanBackupAsync(settings, CancellationToken.None);
        return new JobReport { Records = planned.Plan.Topics.Sum(t => t.Partitions.Count) };
    }

    /// <summary>A backup of one topic with ten partitions whose segments are files without content.</summary>
    public static async Task<JobReport> ManifestAsync(string store, int segments)
    {
        const int Partitions = 10;
        await using var files = new FileStore(store);
        await using var session = await BackupSession.BeginAsync(
            new BackupCatalog(files),
            "bench",
            new SessionOptions
            {
                RunId = "run-1",
                Clock = TimeProvider.System,
                SourceClusterId = "scale",
            },
            CancellationToken.None
        );
        var manifest = Invented.Manifest(session.Manifest!, Topic, Partitions, segments / Partitions);
        Invented.CreateFiles(Path.Combine(store, "bench"), manifest);
        var clock = Stopwatch.StartNew();
        await session.CommitAsync(manifest, CancellationToken.None);
        return new JobReport { Records = segments, Seconds = clock.Elapsed.TotalSeconds };
    }

    public static async Task<JobReport> PlanRestoreAsync(string store, string bootstrap)
    {
        var settings = new RestoreSettings
        {
            Target = Job.At(bootstrap),
            Store = new StoreSettings { Path = store },
            BackupId = "bench",
            TopicMapping = new Dictionary<string, string> { [Topic] = Topic + "-restored" },
            CreateTopics = true,
        };
        await using var planned = await new KafkaEngine(SilentEvents.Instance, store).PlanRestoreAsync([settings], CancellationToken.None);
        return new JobReport { Records = planned.Plan[0].SegmentCount };
    }

    private static async Task<Figures> RunAsync(string what, params string[] job)
    {
        var cost = await ProcessRun.SelfAsync(["job", .. job]);
        var report = Job.Parse(cost.Output.Trim().Split('\n')[^1]);
        await Console.Error.WriteLineAsync(
            $"{Name}: {what}: {(report.Skipped is { } why ? "SKIPPED: " + why : $"{report.Seconds:0.00} s")}"
        );
        return new Figures
        {
            Workload = Name,
            Step = what,
            Records = report.Records,
            Skipped = report.Skipped,
            Samples =
            [
                new Sample
                {
                    Seconds = report.Seconds,
                    ProcessSeconds = cost.WallSeconds,
                    CpuSeconds = cost.CpuSeconds,
                    PeakBytes = cost.PeakBytes,
                    AllocatedBytes = report.AllocatedBytes,
                },
            ],
        };
    }
}
