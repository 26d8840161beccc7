using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using KafkaBackup.Engine;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Benchmarks.EndToEnd;

/// <summary>
/// What runs in a process of its own: one operation through the engine's facade. Arguments are positional; only Comparison calls it.
/// </summary>
internal static class Job
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static async Task<int> RunAsync(string job, string[] args)
    {
        var clock = Stopwatch.StartNew();
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        JobReport report;
        try
        {
            report = await (
                job switch
                {
                    "load" => LoadAsync(
                        args[0],
                        args[1],
                        Workload.Named(args[2]) with
                        {
                            Records = long.Parse(args[3], CultureInfo.InvariantCulture),
                        },
                        args[4],
                        long.Parse(args[5], CultureInfo.InvariantCulture)
                    ),
                    "read" => BareRead.RunAsync(args[0], args[1]),
                    "backup" => BackUpAsync(args[0], args[1], args[2], Enum.Parse<CompressionKind>(args[3], ignoreCase: true)),
                    "restore" => RestoreAsync(args[0], args[1], args[2], args[3]),
                    "compare" => CompareAsync(
                        new CompareSide
                        {
                            Store = new StoreSettings { Path = args[2] },
                            BackupId = "bench",
                        },
                        args[0],
                        args[1],
                        args[1]
                    ),
                    "compare-topics" => CompareAsync(new CompareSide { Cluster = At(args[0]) }, args[0], args[1], args[2]),
                    "describe" => DescribeAsync(args[0]),
                    "capture" => Scale.CaptureAsync(args[0], args[1], args[2]),
                    "manifest" => Scale.ManifestAsync(args[0], int.Parse(args[1], CultureInfo.InvariantCulture)),
                    "plan-restore" => Scale.PlanRestoreAsync(args[0], args[1]),
                    _ => throw new ArgumentException($"There is no job '{job}'."),
                }
            );
        }
        catch (NotImplementedException)
        {
            report = new JobReport { Skipped = "the engine does not do this yet" };
        }
        catch (KafkaBackupException error)
        {
            await Console.Error.WriteLineAsync($"{error.Definition.Id}: {error.Message}");
            return 1;
        }

        Console.WriteLine(
            JsonSerializer.Serialize(
                report with
                {
                    Seconds = report.Seconds > 0 ? report.Seconds : clock.Elapsed.TotalSeconds,
                    AllocatedBytes = GC.GetTotalAllocatedBytes(precise: true) - allocated,
                    Collections = GC.CollectionCount(0),
                },
                Json
            )
        );
        return 0;
    }

    public static JobReport Parse(string line) =>
        JsonSerializer.Deserialize<JobReport>(line, Json) ?? throw new FormatException("The job said nothing.");

    /// <summary>Fills a topic, and writes the same values line by line into a file where one is asked for.</summary>
    /// <param name="newest">The last record's time; the others lie a millisecond apart before it.</param>
    private static async Task<JobReport> LoadAsync(string bootstrap, string topic, Workload workload, string lines, long newest)
    {
        await using var cluster = KafkaCluster.Connect(At(bootstrap), SilentEvents.Instance);
        using var writer = cluster.OpenWriter(new WriterOptions(QueuedBytes: 128L << 20));
        await using var file =
            lines.Length > 0 ? new FileStream(lines, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20) : Stream.Null;
        for (var partition = 0; partition < workload.Partitions; partition++)
        {
            writer.Open(new TopicPartition(topic, partition), partition);
        }

        var deliveries = new Deliveries();
        var source = new RecordSource(workload);
        var oldest = newest - workload.Records + 1;
        var share = Math.Max(1, workload.Records / workload.Partitions / 10);
        for (long number = 0; number < workload.Records; number++)
        {
            // A stretch for one partition, then for the next: batches fill, and partitions still end at about the same time.
            var slot = (int)(number / share % workload.Partitions);
            source.Next(number);
            var record = new RecordView
            {
                Offset = number,
                Timestamp = oldest + number,
                TimestampKind = TimestampKind.CreateTime,
                Key = source.Key,
                Value = source.Value,
            };
            while (writer.Send(slot, record, default, number) == SendOutcome.QueueFull)
            {
                writer.Poll(deliveries, TimeSpan.FromMilliseconds(20));
            }

            if (number % 1024 == 0)
            {
                writer.Poll(deliveries, TimeSpan.Zero);
            }

            file.Write(source.Value);
            file.WriteByte((byte)'\n');
        }

        while (writer.Pending > 0)
        {
            writer.Poll(deliveries, TimeSpan.FromMilliseconds(100));
        }

        return new JobReport { Records = workload.Records, Bytes = workload.Bytes };
    }

    private static async Task<JobReport> BackUpAsync(string bootstrap, string topic, string store, CompressionKind compression)
    {
        var settings = new BackupSettings
        {
            Source = At(bootstrap),
            Store = new StoreSettings { Path = store },
            BackupId = "bench",
            Topics = [topic],
            Compression = compression,
        };
        await using var planned = await new KafkaEngine(SilentEvents.Instance, store).PlanBackupAsync(settings, CancellationToken.None);
        var result = await planned.RunAsync(CancellationToken.None);
        Require(
            result.Status == BackupStatus.Complete,
            $"the backup ended as {result.Status}: {string.Join("; ", result.Findings.Select(f => f.Message))}"
        );
        return new JobReport
        {
            Records = result.RecordCount,
            Bytes = result.Bytes,
            StoredBytes = result.StoredBytes,
        };
    }

    private static async Task<JobReport> RestoreAsync(string bootstrap, string topic, string store, string target)
    {
        var settings = new RestoreSettings
        {
            Target = At(bootstrap),
            Store = new StoreSettings { Path = store },
            BackupId = "bench",
            TopicMapping = new Dictionary<string, string> { [topic] = target },
            CheckpointPath = Path.Combine(store, target + ".checkpoint"),
            CreateTopics = true,
        };
        await using var planned = await new KafkaEngine(SilentEvents.Instance, store).PlanRestoreAsync([settings], CancellationToken.None);
        var result = (await planned.RunAsync(CancellationToken.None))[0];
        Require(result.Status == RestoreStatus.Complete, $"the restore ended as {result.Status}");
        return new JobReport { Records = result.RecordCount, Bytes = result.Bytes };
    }

    private static async Task<JobReport> CompareAsync(CompareSide reference, string bootstrap, string topic, string other)
    {
        var settings = new CompareSettings
        {
            Reference = reference,
            Difference = new CompareSide { Cluster = At(bootstrap) },
            Topics = [topic],
            DifferenceTopics = [other],
        };
        long records = 0;
        await foreach (
            var row in new KafkaEngine(SilentEvents.Instance, Environment.CurrentDirectory).CompareAsync(settings, CancellationToken.None)
        )
        {
            Require(row.Equal, $"{row.Topic} {row.Partition} is {row.Verdict}");
            records += row.Partition is null ? 0 : row.ComparedCount;
        }

        return new JobReport { Records = records };
    }

    private static async Task<JobReport> DescribeAsync(string store)
    {
        long records = 0;
        await foreach (
            var backup in new KafkaEngine(SilentEvents.Instance, store).GetBackupsAsync(
                new StoreSettings { Path = store },
                "*",
                null,
                CancellationToken.None
            )
        )
        {
            records += backup.RecordCount;
        }

        return new JobReport { Records = records };
    }

    public static ClusterSettings At(string bootstrap) => new() { BootstrapServers = [bootstrap] };

    public static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new InvalidOperationException(otherwise);
        }
    }

    private sealed class Deliveries : IDeliverySink
    {
        public void OnDelivered(int slot, long tag, long offset) { }

        public void OnFailed(int slot, long tag, WriteFault fault) =>
            throw new InvalidOperationException($"Record {tag} could not be loaded: {fault.Message}");

        public void OnProducerFault(KafkaBackupException error, bool fatal) => throw error;
    }
}
