using System.Diagnostics;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>Very many partitions read at once, with far more in them than there is memory for.</summary>
[Trait("Run", "Long")]
public sealed class WideReadTests
{
    private const int Partitions = 1000;
    private const int Records = 120;

    [Fact]
    public async Task B4_a_thousand_partitions_at_once_are_read_whole_within_400_MB()
    {
        await using var scenario = new BackupScenario(limit: TimeSpan.FromMinutes(3));
        scenario.Cluster.CreateTopic("wide", Partitions);
        var value = new byte[1500];
        Random.Shared.NextBytes(value);
        var text = Convert.ToBase64String(value);
        for (var partition = 0; partition < Partitions; partition++)
        {
            scenario.Cluster.Append(
                "wide",
                partition,
                Enumerable.Range(0, Records).Select(i => LocalBroker.LocalRecord.Of($"{partition}", $"{i} {text}", 1_700_000_000_000 + i))
            );
        }

        var config = Path.Combine(Path.GetDirectoryName(scenario.StorePath)!, "backup.yaml");
        await File.WriteAllTextAsync(
            config,
            $"""
            mode: backup
            backup_id: b
            source:
              bootstrap_servers: ["{scenario.Cluster.BootstrapServers}"]
              topics: {"{"}include: [wide]{"}"}
            storage:
              backend: filesystem
              path: {scenario.StorePath}
            backup:
              max_concurrent_partitions: {Partitions}
            """
        );

        var peak = await PeakOfAsync(config, scenario.Cancel);

        Assert.InRange(peak, 1, 400L << 20);
        var manifest = await scenario.ManifestAsync();
        Assert.True(manifest.Complete);
        Assert.All(manifest.Topics["wide"].Partitions.Values, p => Assert.Equal((long)Records, p.Segments.Sum(s => s.RecordCount)));
        for (var partition = 0; partition < Partitions; partition += 37)
        {
            await scenario.AssertStoredIsSourceAsync("wide", partition);
        }
    }

    /// <summary>
    /// Two thousand open blocks do not fit into the blocks' memory, not even small ones: whoever gets none makes all others hand theirs on.
    /// Without that everybody would wait for everybody, for ever.
    /// </summary>
    [Fact]
    public async Task B4_more_open_blocks_than_there_is_memory_for_are_shared_without_a_loss_or_a_deadlock()
    {
        const int Wide = 2000;
        await using var scenario = new BackupScenario(limit: TimeSpan.FromMinutes(3));
        scenario.Cluster.CreateTopic("wide", Wide);
        for (var partition = 0; partition < Wide; partition++)
        {
            scenario.Fill("wide", RoundRobinReader.Records, partition: partition);
        }

        scenario.WrapCluster = c => new ClusterDouble(c) { BatchReader = _ => new RoundRobinReader() };
        var result = await scenario.BackUpAsync(BackupScenario.Asked() with { MaxConcurrentPartitions = Wide });

        Assert.Equal((BackupStatus.Complete, (long)Wide * RoundRobinReader.Records), (result.Status, result.RecordCount));
        var partitions = (await scenario.ManifestAsync()).Topics["wide"].Partitions.Values;
        Assert.All(partitions, p => Assert.Equal((long)RoundRobinReader.Records, p.Segments.Sum(s => s.RecordCount)));
        Assert.All(partitions, p => Assert.Equal((long)RoundRobinReader.Records, p.NextOffset));
    }

    private static async Task<long> PeakOfAsync(string config, CancellationToken cancel)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { Path.Combine(AppContext.BaseDirectory, "KafkaBackup.Demo.dll"), "backup", "--config", config })
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var said = Task.WhenAll(process.StandardOutput.ReadToEndAsync(cancel), process.StandardError.ReadToEndAsync(cancel));
        var peak = 0L;
        try
        {
            while (!process.HasExited)
            {
                process.Refresh();
                peak = Math.Max(peak, process.HasExited ? 0 : process.PeakWorkingSet64);
                await Task.Delay(20, cancel);
            }
        }
        finally
        {
            process.Kill();
        }

        Assert.True(process.ExitCode == 0, string.Join('\n', await said));
        return peak;
    }

    /// <summary>Hands out a batch of each partition in turn, so that all of them have an open block at once.</summary>
    private sealed class RoundRobinReader : Engine.Cluster.IBatchReader
    {
        public const int Records = 3;

        private readonly SortedDictionary<int, long> _next = [];
        private readonly Engine.Batches.BatchBuilder _builder = new();

        public void Assign(TopicPartition partition, long offset, int slot) => _next[slot] = offset;

        public void Remove(int slot) => _next.Remove(slot);

        public long Poll(Engine.Cluster.IBatchSink sink, long maxBytes = long.MaxValue)
        {
            var bytes = 0L;
            foreach (var (slot, offset) in _next.ToArray())
            {
                if (offset < Records)
                {
                    _builder.Begin();
                    _builder.Append(offset, 1, new Engine.Batches.RecordFields { KeyIsNull = true, Value = "v"u8 });
                    var batch = Engine.Batches.RecordBatch.Open(_builder.Build());
                    sink.OnBatch(slot, batch);
                    _next[slot] = batch.NextOffset;
                    bytes += batch.Length;
                }

                sink.OnFacts(slot, new Engine.Cluster.LogFacts(_next.GetValueOrDefault(slot, Records), Records, Records, 0));
            }

            return bytes;
        }

        public void Dispose() => _builder.Dispose();
    }
}
