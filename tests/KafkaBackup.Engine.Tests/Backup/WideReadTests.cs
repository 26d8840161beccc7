using System.Diagnostics;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>A thousand partitions read at once, with far more in them than there is memory for.</summary>
public sealed class WideReadTests
{
    private const int Partitions = 1000;
    private const int Records = 120;

    /// <summary>Each partition wants a block of a megabyte, and all of them have 96 MB: they share, hand on early, and wait for each other.</summary>
    [Fact]
    public async Task B4_a_thousand_partitions_at_once_share_the_memory_without_a_loss_or_a_deadlock_and_keep_to_400_MB()
    {
        await using var scenario = new BackupScenario(limit: TimeSpan.FromMinutes(3));
        scenario.Cluster.CreateTopic("wide", Partitions);
        var value = new byte[1500];
        Random.Shared.NextBytes(value);
        var text = Convert.ToBase64String(value);
        for (var partition = 0; partition < Partitions; partition++)
        {
            scenario.Cluster.Append("wide", partition, Enumerable.Range(0, Records).Select(i => LocalBroker.LocalRecord.Of($"{partition}", $"{i} {text}", 1_700_000_000_000 + i)));
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
              max_concurrent_partitions: {Partitions}
            """);

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
        while (!process.HasExited)
        {
            process.Refresh();
            peak = Math.Max(peak, process.HasExited ? 0 : process.PeakWorkingSet64);
            await Task.Delay(20, cancel);
        }

        Assert.True(process.ExitCode == 0, string.Join('\n', await said));
        return peak;
    }
}
