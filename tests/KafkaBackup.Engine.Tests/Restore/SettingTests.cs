using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Confluent.Kafka;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;
using KafkaBackup.Testing;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>Settings of a restore, each by the effect that it has.</summary>
public sealed class SettingTests
{
    [Fact]
    public async Task A2_a_running_restore_serves_health_and_metrics_and_stops_when_it_ends()
    {
        await using var scenario = await FaultTests.FilledAsync(8000);
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var port = ((IPEndPoint)probe.LocalEndpoint).Port;
        probe.Stop();
        var running = scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                RecordsPerSecond = 2000,
                Health = new HealthSettings { Enabled = true, Port = port },
            }
        );
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(10) };
        await FaultTests.ReachedAsync(scenario, 2000);

        Assert.Contains("\"status\": \"healthy\"", await http.GetStringAsync("/health"), StringComparison.Ordinal);
        await scenario.Source.WaitAsync(async () => Restored(await http.GetStringAsync("/metrics")) is > 0 and < 8000, "the metrics");

        await running;
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync("/health"));
    }

    [Theory]
    [InlineData(50, true)]
    [InlineData(3_600_000, false)]
    public async Task A2_checkpoint_interval_secs_says_how_old_a_checkpoint_may_get(int milliseconds, bool grows)
    {
        await using var scenario = await FaultTests.FilledAsync(8000);
        var running = scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                CheckpointPath = scenario.CheckpointPath,
                CheckpointInterval = TimeSpan.FromMilliseconds(milliseconds),
                RecordsPerSecond = 2000,
            }
        );
        await FaultTests.ReachedAsync(scenario, 5000);

        using var checkpoint = JsonDocument.Parse(await File.ReadAllTextAsync(scenario.CheckpointPath));

        Assert.Equal(grows, checkpoint.RootElement.GetProperty("records_restored").GetInt64() > 0);
        await running;
    }

    [Fact]
    public async Task A2_resume_quiet_secs_waits_for_what_a_dead_process_has_still_under_way()
    {
        await using var scenario = await FaultTests.FilledAsync(3000);
        var settings = RestoreScenario.Asked() with { CheckpointPath = scenario.CheckpointPath, ResumeQuiet = TimeSpan.FromSeconds(4) };
        await FaultTests.StopAtAsync(scenario, settings, 1000);
        var done = scenario.Target.LogEnd("orders");
        var resuming = scenario.RestoredAsync(settings);
        await scenario.Source.WaitAsync(
            () => scenario.Events.VerboseLines.Any(l => l.StartsWith("Waiting until", StringComparison.Ordinal)),
            "the resume"
        );

        // The requests that were under way come late; they are the records that come next.
        scenario.Target.Append(
            "orders",
            0,
            Enumerable.Range((int)done, 50).Select(i => LocalRecord.Of($"k{i}", $"v{i}", 1_700_000_000_000 + i))
        );

        Assert.Equal(done + 50, (await resuming).RecordsSkippedOnResume);
        scenario.AssertEqual("orders");
    }

    [Fact]
    public async Task A2_produce_batch_size_bounds_the_records_of_a_batch()
    {
        await using var scenario = await FaultTests.FilledAsync(2000);
        await scenario.RestoredAsync(RestoreScenario.Asked() with { ProduceBatchSize = 10 });
        var small = scenario.Target.Requests.Of(ApiKey.Produce).Count;
        scenario.Target.Requests.Clear();
        await scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                TopicMapping = new Dictionary<string, string> { ["orders"] = "large" },
            }
        );

        // A request carries one batch of a partition.
        Assert.InRange(small, 200, 2000);
        Assert.InRange(scenario.Target.Requests.Of(ApiKey.Produce).Count, 1, 100);
        scenario.AssertEqual("orders");
        scenario.AssertEqual("orders", target: "large");
    }

    [Fact]
    public async Task F4_an_active_group_is_refused_before_the_first_record()
    {
        await using var scenario = await FaultTests.FilledAsync(10);
        scenario.Source.Cluster.CommitOffset("busy", "orders", 0, 5);
        await scenario.Source.BackUpAsync();
        scenario.Target.CreateTopic("elsewhere");
        using var consumer = new ConsumerBuilder<byte[], byte[]>(
            new ConsumerConfig { BootstrapServers = scenario.Target.BootstrapServers, GroupId = "busy" }
        ).Build();
        consumer.Subscribe("elsewhere");
        await scenario.Source.WaitAsync(
            () =>
            {
                consumer.Consume(TimeSpan.FromMilliseconds(50));
                return scenario.Target.GroupState("busy") == "Stable";
            },
            "the group"
        );
        var settings = RestoreScenario.Asked() with
        {
            OffsetStrategy = OffsetStrategy.HeaderBased,
            IncludeOriginalOffsetHeader = true,
            ResetConsumerOffsets = true,
            ConsumerGroups = ["busy"],
            Force = true,
        };

        var refused = await scenario.RefusedAsync(settings);

        Assert.Contains("busy is active in the target (Stable, 1 members)", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("-Force", refused.Advice, StringComparison.Ordinal);
        consumer.Close();
        Assert.Equal(5, (await scenario.RestoredAsync(settings)).GroupsReset.Single().TargetOffset);
    }

    [Fact]
    public async Task D3_the_topic_that_was_backed_up_is_refused_as_target_while_producers_write_to_it()
    {
        await using var scenario = await FaultTests.FilledAsync(10);
        using var end = new CancellationTokenSource();
        var producing = Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                scenario.Source.Cluster.Append("orders", 0, LocalRecord.Of("k", "v"));
                await Task.Delay(50);
            }
        });
        var source = new ClusterSettings { BootstrapServers = [scenario.Source.Cluster.BootstrapServers] };

        var report = await scenario.ReportAsync(RestoreScenario.Asked() with { Target = source });
        await end.CancelAsync();
        await producing;

        var finding = Assert.Single(report.Findings, f => f.Kind == FindingKind.TargetIsSource);
        Assert.Equal((FindingSeverity.Error, true), (finding.Severity, finding.CanForce));
        Assert.Contains("the very topic that was backed up", finding.Message, StringComparison.Ordinal);
    }

    /// <summary>How long the broker is away: a minute is survived as well, and takes one.</summary>
    private static readonly int AwaySeconds = int.TryParse(
        Environment.GetEnvironmentVariable("KAFKABACKUP_TEST_AWAY_SECS"),
        NumberStyles.None,
        CultureInfo.InvariantCulture,
        out var seconds
    )
        ? seconds
        : 4;

    [Theory]
    [InlineData(DeliveryMode.Idempotent)]
    [InlineData(DeliveryMode.Transactional)]
    public async Task E6_a_target_that_vanishes_and_comes_back_and_one_that_answers_slowly_are_survived(DeliveryMode delivery)
    {
        await using var scenario = await FaultTests.FilledAsync(9000);
        scenario.Target.Faults.On(ApiKey.Produce).Times(6).Delay(TimeSpan.FromMilliseconds(400));
        await using var planned = await scenario.PlanAsync(RestoreScenario.Asked() with { RecordsPerSecond = 3000, Delivery = delivery });
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var running = planned.RunAsync(limit.Token);
        await FaultTests.ReachedAsync(scenario, 3000);
        await scenario.Target.StopBroker(1);
        await Task.Delay(TimeSpan.FromSeconds(AwaySeconds));
        scenario.Target.StartBroker(1);

        var result = (await running).Single();

        Assert.True(result.Status == RestoreStatus.Complete, result.Partitions.Single().ErrorMessage);
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Fact]
    public async Task E6_a_transaction_that_the_target_ended_by_time_is_brought_again()
    {
        var clock = new ShiftingClock();
        await using var scenario = new RestoreScenario(targetOptions: new LocalClusterOptions { Clock = clock }) { Clock = clock };
        scenario.Source.Cluster.CreateTopic("orders");
        scenario.Source.Fill("orders", 9000);
        await scenario.Source.BackUpAsync();
        var running = scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                RecordsPerSecond = 3000,
                Delivery = DeliveryMode.Transactional,
            }
        );
        await FaultTests.ReachedAsync(scenario, 3000);

        clock.Shift(TimeSpan.FromMinutes(2));

        Assert.Equal(9000, (await running).RecordCount);
        Assert.Contains(scenario.Events.VerboseLines, l => l.Contains("longer than a transaction lasts", StringComparison.Ordinal));
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Theory]
    [InlineData(DeliveryMode.Idempotent)]
    [InlineData(DeliveryMode.Transactional)]
    public async Task E6_a_target_that_takes_nothing_is_warned_of_and_given_up_with_the_likely_reason(DeliveryMode delivery)
    {
        var clock = new ShiftingClock();
        await using var scenario = new RestoreScenario { Clock = clock };
        scenario.Source.Cluster.CreateTopic("orders");
        scenario.Source.Fill("orders", 100);
        await scenario.Source.BackUpAsync();
        scenario.Target.CreateTopic("orders", config: new Dictionary<string, string> { ["min.insync.replicas"] = "2" });
        var running = scenario.RestoreAsync(RestoreScenario.Asked() with { Delivery = delivery });
        await UntilAsync(() => scenario.Target.Requests.Of(ApiKey.Produce).Count > 0);

        clock.Shift(TimeSpan.FromSeconds(40));
        await UntilAsync(() =>
            scenario.Events.Warnings.Any(w => w.Contains("orders/0 has acknowledged nothing", StringComparison.Ordinal))
        );
        while (!running.IsCompleted)
        {
            // More than once: a fault is first looked into, by sending again.
            clock.Shift(TimeSpan.FromMinutes(6));
            await Task.WhenAny(running, Task.Delay(1000));
        }

        Assert.Equal(RestoreStatus.Failed, (await running).Status);
        var error = Assert.Single(scenario.Events.Errors);
        Assert.Equal(ErrorIds.TargetUnavailable, error.Definition);
        Assert.Contains("min.insync.replicas", error.Message, StringComparison.Ordinal);
        Assert.Empty(scenario.Restored("orders"));

        async Task UntilAsync(Func<bool> condition)
        {
            while (!condition())
            {
                await Task.Delay(20, scenario.Cancel);
            }
        }
    }

    private static long Restored(string metrics)
    {
        var line = metrics
            .Split('\n')
            .FirstOrDefault(l => l.StartsWith("kafkabackup_records_total{operation=\"restore\"", StringComparison.Ordinal));
        return line is null ? -1 : long.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture);
    }
}
