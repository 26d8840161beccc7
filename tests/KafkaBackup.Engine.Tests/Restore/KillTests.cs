using System.Globalization;
using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>Real processes, killed at random times, and run again until they end: nothing missing, nothing twice.</summary>
[Trait("Run", "Long")]
public sealed class KillTests
{
    private const int Records = 60_000;

    private static readonly int Kills = int.TryParse(
        Environment.GetEnvironmentVariable("KAFKABACKUP_TEST_KILLS"),
        NumberStyles.None,
        CultureInfo.InvariantCulture,
        out var kills
    )
        ? kills
        : 8;

    [Theory]
    [InlineData("idempotent")]
    [InlineData("transactional")]
    public async Task E2_a_restore_killed_at_random_times_and_resumed_leaves_nothing_missing_and_nothing_twice(string delivery)
    {
        await using var scenario = await BackedUpAsync();
        var random = new Random(delivery.Length);
        var seen = new List<string>();
        var paced = $"  delivery: {delivery}\n  rate_limit_records_per_sec: 20000";
        var atWork = 0;
        for (var kill = 0; kill < Kills; kill++)
        {
            // Each kill comes at a random place in its share of what was left, so that all of them meet a restore at work.
            var before = Done(scenario);
            var share = ((2 * Records) - Math.Min(before, 2 * Records)) / (Kills - kill + 1);
            var until = before + 1 + (long)(random.NextDouble() * share);
            using var running = new RestoreProcess(scenario, paced);
            await WaitAsync(() => running.HasExited || Done(scenario) >= until);
            await Task.Delay(random.Next(30));
            atWork += running.HasExited ? 0 : 1;
            running.Kill();
            seen.Add($"{before}, {until}: {Done(scenario)} {(await running.EndAsync()).Text}");
            Assert.True(atWork == kill + 1, string.Join('\n', seen));
        }

        using var last = new RestoreProcess(scenario, $"  delivery: {delivery}");
        var (exitCode, text) = await last.EndAsync();
        Assert.True(exitCode == 0, text + string.Join('\n', seen));
        scenario.AssertEqual("orders", 0, committedOnly: true);
        scenario.AssertEqual("orders", 1, committedOnly: true);
        Assert.False(File.Exists(scenario.CheckpointPath));
    }

    [Fact]
    public async Task E2_requests_that_a_frozen_broker_handles_after_their_process_died_are_not_sent_twice()
    {
        await using var scenario = await BackedUpAsync();
        var frozen = scenario.Target.Faults.On(ApiKey.Produce).Topic("orders").Skip(6).Freeze();
        using (var running = new RestoreProcess(scenario))
        {
            await frozen.WaitForHits(2);
            running.Kill();
            await running.EndAsync();
        }

        frozen.Remove();
        using var resumed = new RestoreProcess(scenario);
        await Task.Delay(1500);
        frozen.Thaw();
        var (exitCode, text) = await resumed.EndAsync();

        Assert.True(exitCode == 0, text);
        scenario.AssertEqual("orders", 0);
        scenario.AssertEqual("orders", 1);
    }

    private static long Done(RestoreScenario scenario) =>
        scenario.Target.TopicNames.Contains("orders") ? scenario.Target.LogEnd("orders", 0) + scenario.Target.LogEnd("orders", 1) : 0;

    private static async Task WaitAsync(Func<bool> done)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (!done())
        {
            await Task.Delay(2, limit.Token);
        }
    }

    private static async Task<RestoreScenario> BackedUpAsync()
    {
        var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", partitions: 2);
        scenario.Source.Fill("orders", Records, partition: 0);
        scenario.Source.Fill("orders", Records, partition: 1);
        await scenario.Source.BackUpAsync(Backup.BackupScenario.Asked() with { SegmentMaxRecords = 9000 });
        return scenario;
    }
}
