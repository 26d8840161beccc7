using System.Diagnostics;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>Very many partitions read at once, with far more in them than there is memory for.</summary>
public sealed class WideReadTests
{
    /// <summary>
    /// All blocks together have 96 MB. A thousand partitions that come whole grow theirs as far as that goes; two thousand that come in small pieces
    /// cannot even have a small one each: whoever gets none makes all others hand theirs on, or everybody would wait for everybody.
    /// </summary>
    [Theory]
    [InlineData(1000, 120, 1 << 20)]
    [InlineData(2000, 40, 8000)]
    public async Task B4_partitions_read_at_once_share_the_memory_without_a_loss_or_a_deadlock_and_keep_to_400_MB(int partitions, int records, int fetchBytes)
    {
        await using var scenario = new BackupScenario(limit: TimeSpan.FromMinutes(3));
        scenario.Cluster.CreateTopic("wide", partitions);
        var value = new byte[1500];
        Random.Shared.NextBytes(value);
        var text = Convert.ToBase64String(value);
        for (var partition = 0; partition < partitions; partition++)
        {
            // A batch comes whole or not at all: they are small.
            foreach (var batch in Enumerable.Range(0, records).Chunk(4))
            {
                scenario.Cluster.Append("wide", partition, batch.Select(i => LocalBroker.LocalRecord.Of($"{partition}", $"{i} {text}", 1_700_000_000_000 + i)));
            }
        }

        var config = Path.Combine(Path.GetDirectoryName(scenario.StorePath)!, "backup.yaml");
        await File.WriteAllTextAsync(config, $"""
            mode: backup
            backup_id: b
            source:
              bootstrap_servers: ["{scenario.Cluster.BootstrapServers}"]
              topics: {"{"}include: [wide]{"}"}
            storage:
              backend: filesystem
              path: {scenario.StorePath}
            backup:
              max_concurrent_partitions: {partitions}
            kafka_options:
              max.partition.fetch.bytes: {fetchBytes}
            """);

        var peak = await PeakOfAsync(config, scenario.Cancel);

        Assert.InRange(peak, 1, 400L << 20);
        var manifest = await scenario.ManifestAsync();
        Assert.True(manifest.Complete);
        Assert.All(manifest.Topics["wide"].Partitions.Values, p => Assert.Equal((long)records, p.Segments.Sum(s => s.RecordCount)));
        for (var partition = 0; partition < partitions; partition += 37)
        {
            await scenario.AssertStoredIsSourceAsync("wide", partition);
        }
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
}
