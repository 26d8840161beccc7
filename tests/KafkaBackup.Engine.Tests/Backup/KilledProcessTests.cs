using System.Diagnostics;
using System.Globalization;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>Real processes, really killed. KAFKABACKUP_TEST_KILLS sets how often; CI takes a few.</summary>
[Trait("Run", "Long")]
public sealed class KilledProcessTests
{
    private static readonly int Kills = int.TryParse(
        Environment.GetEnvironmentVariable("KAFKABACKUP_TEST_KILLS"),
        CultureInfo.InvariantCulture,
        out var asked
    )
        ? asked
        : 8;

    [Fact]
    public async Task C1_a_backup_of_a_live_topic_killed_at_random_times_has_no_hole_and_no_duplicate()
    {
        await using var scenario = new BackupScenario(limit: TimeSpan.FromSeconds(60 + (Kills * 20)));
        scenario.Cluster.CreateTopic("orders", 2);
        scenario.Fill("orders", 5000);
        using var enough = new CancellationTokenSource();
        var producing = Task.Run(async () =>
        {
            for (var i = 5000; !enough.IsCancellationRequested; i += 20)
            {
                scenario.Fill("orders", 20, i);
                scenario.Fill("orders", 20, i, partition: 1);
                await Task.Delay(5);
            }
        });
        var random = new Random(Environment.TickCount);
        var config = await WriteConfigAsync(scenario);

        for (var kill = 0; kill < Kills; kill++)
        {
            using var process = Start(config);
            var after = TimeSpan.FromMilliseconds(random.Next(300, 3500));
            var early = process.WaitForExitAsync(scenario.Cancel);
            Assert.True(
                await Task.WhenAny(early, Task.Delay(after)) != early,
                $"kill {kill}: the process ended by itself with {(process.HasExited ? process.ExitCode : 0)}"
            );
            process.Kill();
            await process.WaitForExitAsync(scenario.Cancel);

            // The dead one's lock is as old as if half a minute had gone by; the next process takes it over. One killed early has not
            // written it.
            Age(scenario);
            if ((await scenario.KeysAsync("b/manifest/0")).Count > 0 && (await scenario.ManifestAsync()).Topics.ContainsKey("orders"))
            {
                await AssertPrefixAsync(scenario, 0, kill);
                await AssertPrefixAsync(scenario, 1, kill);
            }
        }

        await enough.CancelAsync();
        await producing;
        var last = await scenario.BackUpAsync();
        Assert.Equal(BackupStatus.Complete, last.Status);
        await scenario.AssertStoredIsSourceAsync("orders");
        await scenario.AssertStoredIsSourceAsync("orders", 1);
    }

    [Fact]
    public async Task C1_the_lock_of_a_killed_process_is_waited_for_aloud_and_taken_over_on_its_age_by_the_stores_clock()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders", 2);
        scenario.Fill("orders", 5000);
        using var process = Start(await WriteConfigAsync(scenario));
        await scenario.WaitAsync(async () => (await scenario.KeysAsync("b/topics/")).Count > 0, "the first segment");
        process.Kill();
        await process.WaitForExitAsync(scenario.Cancel);

        var running = scenario.BackUpAsync();
        await scenario.WaitAsync(() => !scenario.Events.Warnings.IsEmpty, "the warning");
        var warning = Assert.Single(scenario.Events.Warnings);
        Assert.Contains($"process {process.Id}, run run-", warning, StringComparison.Ordinal);
        Assert.Contains("its lock is taken over in ", warning, StringComparison.Ordinal);
        Assert.False(running.IsCompleted);
        Age(scenario);

        Assert.Equal(BackupStatus.Complete, (await running).Status);
        await scenario.AssertStoredIsSourceAsync("orders");
        Assert.Empty(await scenario.KeysAsync("b/lock.json"));
    }

    private static void Age(BackupScenario scenario)
    {
        var file = Path.Combine(scenario.StorePath, "b", "lock.json");
        if (File.Exists(file))
        {
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow - TimeSpan.FromSeconds(31));
        }
    }

    private static async Task<string> WriteConfigAsync(BackupScenario scenario)
    {
        var config = Path.Combine(Path.GetDirectoryName(scenario.StorePath)!, "backup.yaml");
        await File.WriteAllTextAsync(
            config,
            $"""
            mode: backup
            backup_id: b
            source:
              bootstrap_servers: ["{scenario.Cluster.BootstrapServers}"]
              topics: {"{"}include: [orders]{"}"}
            storage:
              backend: filesystem
              path: {scenario.StorePath}
            backup:
              continuous: true
              segment_max_interval_ms: 60
              segment_max_records: 500
              poll_interval_ms: 20
            """
        );

        return config;
    }

    private static async Task AssertPrefixAsync(BackupScenario scenario, int partition, int kill)
    {
        var stored = await scenario.StoredAsync("orders", partition);
        var source = scenario.Source("orders", partition).Take(stored.Count);
        Assert.True(
            source.Select(r => r.ToString()).SequenceEqual(stored.Select(r => r.ToString())),
            $"kill {kill}: partition {partition} is not what the source has"
        );
    }

    private static Process Start(string config)
    {
        var demo = Path.Combine(AppContext.BaseDirectory, "KafkaBackup.Demo.dll");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { demo, "backup", "--config", config })
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
