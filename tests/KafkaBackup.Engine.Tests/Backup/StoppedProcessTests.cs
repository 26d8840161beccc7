using System.Diagnostics;
using System.Globalization;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>Real processes that are stopped (SIGSTOP), succeeded by others, and continued. KAFKABACKUP_TEST_KILLS sets how often.</summary>
[Trait("Run", "Long")]
public sealed class StoppedProcessTests
{
    private const int Leftovers = 1500;

    private static readonly int Stops = int.TryParse(
        Environment.GetEnvironmentVariable("KAFKABACKUP_TEST_KILLS"),
        CultureInfo.InvariantCulture,
        out var asked
    )
        ? asked
        : 4;

    [Fact]
    public async Task C1_a_process_stopped_while_it_clears_up_takes_nothing_of_its_successor_when_it_goes_on()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var scenario = new BackupScenario(limit: TimeSpan.FromSeconds(120 + (Stops * 60)));
        scenario.Cluster.CreateTopic("orders", 2);
        scenario.Fill("orders", 3000);
        var config = await WriteConfigAsync(scenario);
        for (var stop = 0; stop < Stops; stop++)
        {
            using (var dead = Start(config))
            {
                var before = await NewestAsync(scenario);
                await scenario.WaitAsync(async () => await NewestAsync(scenario) > before + 1, "commits of the first process");
                dead.Kill();
                await dead.WaitForExitAsync(scenario.Cancel);
            }

            var folder = Path.Combine(scenario.StorePath, "b", "topics", "orders", "partition=1");
            Directory.CreateDirectory(folder);
            for (var i = 0; i < Leftovers; i++)
            {
                await File.WriteAllTextAsync(Path.Combine(folder, $"segment-{i:D20}-dead.kbs"), "left");
            }

            Age(scenario);
            using var zombie = Start(config);
            await scenario.WaitAsync(() => Left(folder) < Leftovers - (stop * 7), "the first deletes");
            await SignalAsync(zombie, "STOP");
            var left = Left(folder);
            Age(scenario);
            scenario.Fill("orders", 500, 3000 + (stop * 500), batch: 50);
            scenario.Fill("orders", 500, 3000 + (stop * 500), partition: 1, batch: 50);
            Assert.Equal(
                BackupStatus.Complete,
                (await scenario.BackUpAsync(BackupScenario.Asked() with { SegmentMaxRecords = 50 })).Status
            );
            await SignalAsync(zombie, "CONT");
            await zombie.WaitForExitAsync(scenario.Cancel);

            Assert.NotEqual(0, zombie.ExitCode);
            Assert.InRange(left, 1, Leftovers);
            await AssertSoundAsync(scenario, stop);
        }
    }

    [Fact]
    public async Task C1_a_process_stopped_while_it_commits_is_refused_after_its_number_was_trimmed()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var scenario = new BackupScenario(limit: TimeSpan.FromSeconds(120 + (Stops * 60)));
        scenario.Cluster.CreateTopic("orders", 2);
        scenario.Fill("orders", 500);
        var config = await WriteConfigAsync(scenario);
        using var enough = new CancellationTokenSource();
        var producing = Task.Run(async () =>
        {
            for (var i = 500; !enough.IsCancellationRequested; i += 10)
            {
                scenario.Fill("orders", 10, i);
                await Task.Delay(5);
            }
        });
        var random = new Random(7);
        for (var stop = 0; stop < Stops * 2; stop++)
        {
            using var zombie = Start(config);
            var before = await NewestAsync(scenario);
            await scenario.WaitAsync(async () => await NewestAsync(scenario) > before + 2, "commits of the first process");
            await Task.Delay(random.Next(150));
            await SignalAsync(zombie, "STOP");
            for (var run = 0; run < 1 + (stop % 5); run++)
            {
                Age(scenario);
                Assert.Equal(BackupStatus.Complete, (await scenario.BackUpAsync()).Status);
            }

            var heads = await scenario.KeysAsync("b/manifest/0");
            await SignalAsync(zombie, "CONT");
            await zombie.WaitForExitAsync(scenario.Cancel);

            Assert.NotEqual(0, zombie.ExitCode);
            Assert.Equal(heads, await scenario.KeysAsync("b/manifest/0"));
            var report = await CheckAsync(scenario);
            Assert.True(
                report.Findings.All(f => f.Severity != FindingSeverity.Error),
                $"stop {stop}: {string.Join("; ", report.Findings)}"
            );
        }

        await enough.CancelAsync();
        await producing;
        await scenario.BackUpAsync();
        await AssertSoundAsync(scenario, -1);
    }

    private static int Left(string folder) => Directory.GetFiles(folder, "*-dead.kbs").Length;

    private static async Task<long> NewestAsync(BackupScenario scenario)
    {
        var heads = await scenario.KeysAsync("b/manifest/0");
        return heads.Count == 0 ? 0 : long.Parse(Path.GetFileNameWithoutExtension(heads[^1]), CultureInfo.InvariantCulture);
    }

    private static Task<BackupReport> CheckAsync(BackupScenario scenario) =>
        scenario
            .Engine()
            .CheckBackupAsync(
                new CheckSettings
                {
                    Store = new StoreSettings { Path = scenario.StorePath },
                    BackupId = "b",
                    Deep = true,
                },
                scenario.Cancel
            );

    private static async Task AssertSoundAsync(BackupScenario scenario, int stop)
    {
        var report = await CheckAsync(scenario);
        Assert.True(report.Findings.All(f => f.Severity != FindingSeverity.Error), $"stop {stop}: {string.Join("; ", report.Findings)}");
        await scenario.AssertStoredIsSourceAsync("orders");
        await scenario.AssertStoredIsSourceAsync("orders", 1);
    }

    private static async Task SignalAsync(Process process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>As if half a minute had gone by since the last heartbeat.</summary>
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
            $$"""
            mode: backup
            backup_id: b
            source:
              bootstrap_servers: ["{{scenario.Cluster.BootstrapServers}}"]
              topics: {include: [orders]}
            storage:
              backend: filesystem
              path: {{scenario.StorePath}}
            backup:
              continuous: true
              segment_max_interval_ms: 60
              segment_max_records: 100
              poll_interval_ms: 20
            """
        );
        return config;
    }

    private static Process Start(string config)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { Path.Combine(AppContext.BaseDirectory, "KafkaBackup.Demo.dll"), "backup", "--config", config })
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
