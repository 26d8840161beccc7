using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Benchmarks.EndToEnd;

/// <summary>
/// Loads each workload, then runs its steps one after the other, round after round, so that whatever else the machine does falls on all of
/// them.
/// </summary>
internal sealed class Comparison(BenchOptions options, BrokerProcess broker, string folder)
{
    private const string Prefix = "kafkabackup-bench-";
    private const string BareRead = "kcat-read";
    private const string ReadBoth = "kcat-read-both";
    private const string CompareTopics = "compare-topics";

    private readonly string? _kcat = ProcessRun.Find("kcat");
    private readonly string? _zstd = ProcessRun.Find("zstd");
    private readonly string? _perfTest = ProcessRun.Find("kafka-producer-perf-test") ?? ProcessRun.Find("kafka-producer-perf-test.sh");
    private readonly List<Figures> _all = [];
    private int _targets;

    /// <summary>Returns whether anything failed.</summary>
    public static async Task<bool> RunAsync(BenchOptions options)
    {
        var workloads = Workload.All.Where(w => options.Wants(w.Name)).Select(w => options.Quick ? w.Tenth() : w).ToArray();
        if (workloads.Length == 0 && !options.Wants(Scale.Name))
        {
            return false;
        }

        var folder = Directory.CreateDirectory(Path.Combine(options.Folder, $"kafkabackup-bench-{Environment.ProcessId}")).FullName;
        try
        {
            using var broker = await BrokerProcess.StartAsync(options);
            var comparison = new Comparison(options, broker, folder);
            foreach (var workload in workloads)
            {
                await comparison.MeasureAsync(workload);
            }

            if (options.Wants(Scale.Name))
            {
                comparison._all.AddRange(await new Scale(options, broker, folder).MeasureAsync());
            }

            await Report.WriteAsync(options, comparison._all, broker.IsLocal);
            return comparison._all.Any(f => f.Samples.Count == 0 && f.Skipped is null);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task MeasureAsync(Workload workload)
    {
        await using var cluster = KafkaCluster.Connect(Job.At(broker.Bootstrap), SilentEvents.Instance);
        var topic = Prefix + workload.Name;
        var lines = Path.Combine(folder, workload.Name + ".lines");
        Say(
            $"{workload.Name}: loading {workload.Records:N0} records of {workload.RecordBytes:N0} bytes into {workload.Partitions:N0} partitions"
        );
        await CreateAsync(cluster, topic, workload);
        var now = $"{DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()}";
        await ProcessRun.SelfAsync(
            "job",
            "load",
            broker.Bootstrap,
            topic,
            workload.Name,
            $"{workload.Records}",
            _kcat is null ? "" : lines,
            now
        );
        var steps = Steps(cluster, workload, topic, lines).ToArray();
        if (steps.Any(s => s.Name == CompareTopics))
        {
            await CreateAsync(cluster, Copy(topic), workload);
            await ProcessRun.SelfAsync("job", "load", broker.Bootstrap, Copy(topic), workload.Name, $"{workload.Records}", "", now);
        }

        var samples = steps.ToDictionary(s => s.Name, _ => new List<(int Round, Sample Sample)>());
        var skipped = new Dictionary<string, string>();
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var step in steps.Where(s => !skipped.ContainsKey(s.Name)))
            {
                if (step.Missing is { } missing)
                {
                    skipped[step.Name] = missing;
                    Say($"{workload.Name}: {step.Name} SKIPPED: {missing}");
                    continue;
                }

                var (sample, why) = await step.RunAsync();
                if (why is not null)
                {
                    skipped[step.Name] = why;
                    Say($"{workload.Name}: {step.Name} SKIPPED: {why}");
                }
                else
                {
                    samples[step.Name].Add((round, sample));
                    Say($"{workload.Name}: round {round + 1}: {step.Name} {sample.Seconds:0.00} s");
                }
            }
        }

        _all.AddRange(
            steps.Select(step => new Figures
            {
                Workload = workload.Name,
                Step = step.Name,
                Records = workload.Records,
                Bytes = workload.Bytes,
                Samples = samples[step.Name].Select(s => s.Sample).ToArray(),
                Skipped = skipped.GetValueOrDefault(step.Name),
                Beside = step.Beside,
                Target = step.Target,
                Ratio = Ratio(samples, step),
            })
        );
        await cluster.DeleteTopicAsync(topic, CancellationToken.None);
        if (steps.Any(s => s.Name == CompareTopics))
        {
            await cluster.DeleteTopicAsync(Copy(topic), CancellationToken.None);
        }

        Directory.Delete(StoreFolder(workload), recursive: true);
        File.Delete(lines);
    }

    private static double? Ratio(Dictionary<string, List<(int Round, Sample Sample)>> samples, Step step) =>
        step.Beside is null || samples[step.Name].Count == 0 || samples.GetValueOrDefault(step.Beside) is not { Count: > 0 } beside
            ? null
            : Figures.Median(samples[step.Name].Join(beside, s => s.Round, b => b.Round, (s, b) => s.Sample.Seconds / b.Sample.Seconds));

    private IEnumerable<Step> Steps(KafkaCluster cluster, Workload workload, string topic, string lines)
    {
        var small = workload.RecordBytes < 1000;
        var promise = workload.Name is "json-1k" or "random-1k" or "small-100";
        var store = Directory.CreateDirectory(StoreFolder(workload)).FullName;
        var noKcat = _kcat is null ? "kcat is not installed" : null;
        var read = Read(topic);
        Step[] all =
        [
            new(BareRead, () => ShellAsync($"exec {read} -f ''"), Missing: noKcat),
            new("backup-none", () => BackUpAsync(topic, store, "none"), BareRead, promise ? (small ? 1.5 : 1.15) : null),
            new(
                "kcat-zstd",
                () => ShellAsync($"{read} | {_zstd} -1 -q -f -o {Path.Combine(store, "lines.zst")}"),
                BareRead,
                Missing: noKcat ?? (_zstd is null ? "zstd is not installed" : null)
            ),
            new("backup-zstd", () => BackUpAsync(topic, store, "zstd"), BareRead, promise ? 1.5 : null),
            new("backup-gzip", () => BackUpAsync(topic, store, "gzip"), BareRead),
            new(
                "kcat-write",
                () =>
                    IntoNewTopicAsync(
                        cluster,
                        workload,
                        target =>
                            ShellAsync(
                                $"exec {_kcat} -b {broker.Bootstrap} -P -t {target} -X acks=all -X enable.idempotence=true -X message.max.bytes=10000000 -l {lines}"
                            )
                    ),
                Missing: noKcat
            ),
            new(
                "perf-test",
                () =>
                    IntoNewTopicAsync(
                        cluster,
                        workload,
                        target =>
                            ShellAsync(
                                $"exec {_perfTest} --topic {target} --num-records {workload.Records} --record-size {workload.RecordBytes} --throughput -1 "
                                    + $"--producer-props bootstrap.servers={broker.Bootstrap} acks=all max.request.size=10000000"
                            )
                    ),
                Missing: _perfTest is null ? "kafka-producer-perf-test is not installed" : null
            ),
            new("restore", () => RestoreAsync(cluster, topic, Path.Combine(store, "zstd")), "kcat-write"),
            new("compare", () => JobAsync("compare", broker.Bootstrap, topic, Path.Combine(store, "zstd")), BareRead),
            new(ReadBoth, () => ShellAsync($"{read} -f '' && {Read(Copy(topic))} -f ''"), Missing: noKcat),
            new(CompareTopics, () => JobAsync(CompareTopics, broker.Bootstrap, topic, Copy(topic)), ReadBoth, promise ? 1.3 : null),
            new("describe", () => JobAsync("describe", Path.Combine(store, "zstd"))),
        ];
        return all.Where(s =>
            options.WantsStep(s.Name)
            || s.Name == BareRead
            || (s.Name == ReadBoth && options.WantsStep(CompareTopics))
            || (s.Name == "backup-zstd" && all.Any(o => options.WantsStep(o.Name) && o.Name is "restore" or "compare" or "describe"))
        );
    }

    private string Read(string topic) => $"{_kcat} -b {broker.Bootstrap} -C -t {topic} -o beginning -e -q";

    /// <summary>The same records again.</summary>
    private static string Copy(string topic) => topic + "-copy";

    private async Task<(Sample, string?)> BackUpAsync(string topic, string store, string compression)
    {
        var target = Path.Combine(store, compression);
        if (Directory.Exists(target))
        {
            Directory.Delete(target, recursive: true);
        }

        return await JobAsync("backup", broker.Bootstrap, topic, Directory.CreateDirectory(target).FullName, compression);
    }

    private async Task<(Sample, string?)> RestoreAsync(KafkaCluster cluster, string topic, string store)
    {
        var target = $"{topic}-restored-{_targets++}";
        var sample = await JobAsync("restore", broker.Bootstrap, topic, store, target);
        if (sample.Skipped is null)
        {
            await cluster.DeleteTopicAsync(target, CancellationToken.None);
        }

        return sample;
    }

    private async Task<(Sample, string?)> IntoNewTopicAsync(
        KafkaCluster cluster,
        Workload workload,
        Func<string, Task<(Sample, string?)>> fill
    )
    {
        var target = $"{Prefix}{workload.Name}-filled-{_targets++}";
        await CreateAsync(cluster, target, workload);
        var sample = await fill(target);
        await cluster.DeleteTopicAsync(target, CancellationToken.None);
        return sample;
    }

    private static Task CreateAsync(KafkaCluster cluster, string topic, Workload workload) =>
        cluster.CreateTopicsAsync(
            [new NewTopic(topic, workload.Partitions, 1, new Dictionary<string, string> { ["max.message.bytes"] = "10000000" })],
            CancellationToken.None
        );

    private async Task<(Sample Sample, string? Skipped)> JobAsync(params string[] arguments)
    {
        var brokerBefore = broker.CpuSeconds;
        var cost = await ProcessRun.SelfAsync(["job", .. arguments]);
        var report = Job.Parse(cost.Output.Trim().Split('\n')[^1]);
        return (
            new Sample
            {
                Seconds = report.Seconds,
                ProcessSeconds = cost.WallSeconds,
                CpuSeconds = cost.CpuSeconds,
                BrokerCpuSeconds = broker.CpuSeconds - brokerBefore,
                PeakBytes = cost.PeakBytes,
                AllocatedBytes = report.AllocatedBytes,
                StoredBytes = report.StoredBytes,
            },
            report.Skipped
        );
    }

    private async Task<(Sample, string?)> ShellAsync(string line)
    {
        var brokerBefore = broker.CpuSeconds;
        var cost = await ProcessRun.ShellAsync(line);
        return (
            new Sample
            {
                Seconds = cost.WallSeconds,
                ProcessSeconds = cost.WallSeconds,
                CpuSeconds = cost.CpuSeconds,
                BrokerCpuSeconds = broker.CpuSeconds - brokerBefore,
                PeakBytes = cost.PeakBytes,
            },
            null
        );
    }

    private string StoreFolder(Workload workload) => Path.Combine(folder, workload.Name);

    private static void Say(string line) => Console.Error.WriteLine(line);

    /// <param name="Beside">The step whose time it is compared with.</param>
    /// <param name="Target">The largest ratio that was promised.</param>
    /// <param name="Missing">Why it cannot run here.</param>
    private sealed record Step(
        string Name,
        Func<Task<(Sample Sample, string? Skipped)>> RunAsync,
        string? Beside = null,
        double? Target = null,
        string? Missing = null
    );
}
