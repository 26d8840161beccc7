using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>Resuming after the backup itself has changed: it carries out the plan that was begun, exactly, or refuses.</summary>
public sealed class ResumeTests
{
    /// <summary>With the checkpoint, and in transactional mode also by nothing but what lies in the target.</summary>
    public static TheoryData<DeliveryMode, bool> Ways =>
        new()
        {
            { DeliveryMode.Idempotent, true },
            { DeliveryMode.Transactional, true },
            { DeliveryMode.Transactional, false },
        };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task E3_after_a_later_backup_run_a_resume_brings_what_was_planned_at_first(DeliveryMode delivery, bool checkpoint)
    {
        await using var scenario = await RunsAsync(6, 800);
        var settings = Settings(scenario, delivery, checkpoint);
        await FaultTests.StopAtAsync(scenario, settings, 1500);

        // The runs to come merge all segments into one: the plan's end lies inside a block then.
        for (var run = 6; run < 9; run++)
        {
            scenario.Source.Fill("orders", 800, run * 800);
            await scenario.Source.BackUpAsync();
        }

        scenario.Source.Cluster.CreateTopic("newer");
        scenario.Source.Fill("newer", 10);
        await scenario.Source.BackUpAsync();
        Assert.True((await scenario.Source.PartitionAsync("orders")).Segments[0].RecordCount > 4800);
        var resumed = await scenario.RestoredAsync(settings);

        Assert.Equal(4800, resumed.RecordCount + resumed.RecordsSkippedOnResume);
        Assert.True(resumed.RecordsSkippedOnResume > 0);
        scenario.AssertEqual("orders", only: r => r.Offset < 4800, committedOnly: true);
        Assert.Equal(["orders"], scenario.Target.TopicNames);
        Assert.Equal((0L, 4799L), (resumed.Partitions.Single().SourceFirstOffset, resumed.Partitions.Single().SourceLastOffset));
        Assert.Contains(
            resumed.Findings,
            f => f.Severity == FindingSeverity.Warning && f.Message.Contains("has grown since", StringComparison.Ordinal)
        );

        // The next restore is a new one and brings everything.
        var anew = await scenario.RestoredAsync(settings with { TopicMapping = new Dictionary<string, string> { ["orders"] = "anew" } });
        Assert.Equal(7210, anew.RecordCount);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task E3_of_merged_topics_the_first_may_grow_without_moving_the_second(DeliveryMode delivery, bool checkpoint)
    {
        await using var scenario = await RunsAsync(1, 2000);
        scenario.Source.Cluster.CreateTopic("payments");
        scenario.Source.Fill("payments", 2000, 50_000);
        await scenario.Source.BackUpAsync();
        var settings = Settings(scenario, delivery, checkpoint) with
        {
            AllowMerge = true,
            TopicMapping = new Dictionary<string, string> { ["payments"] = "orders" },
        };
        await FaultTests.StopAtAsync(scenario, settings, 1200);
        scenario.Source.Fill("orders", 500, 2000);
        await scenario.Source.BackUpAsync();

        await scenario.RestoredAsync(settings);

        var expected = scenario
            .Source.Source("orders")
            .Take(2000)
            .Concat(scenario.Source.Source("payments"))
            .Select(RestoreScenario.Content);
        Assert.Equal(expected, scenario.Restored("orders", committedOnly: true).Select(RestoreScenario.Content));
    }

    [Fact]
    public async Task E3_runs_removed_from_the_backup_are_not_missed_when_their_records_are_restored_already()
    {
        await using var scenario = await RunsAsync(4, 1000);
        var settings = Settings(scenario, DeliveryMode.Idempotent, true);
        await FaultTests.StopAtAsync(scenario, settings, 2200);
        await KeepLastAsync(scenario, 2);
        Assert.Equal(2000, (await scenario.Source.PartitionAsync("orders")).Segments[0].FirstOffset);

        var resumed = await scenario.RestoredAsync(settings);

        Assert.Equal(4000, resumed.RecordCount + resumed.RecordsSkippedOnResume);
        scenario.AssertEqual("orders");
        var range = Assert.Single(resumed.OffsetMapping.Single().Ranges);
        Assert.Equal((0L, 0L, 4000L), (range.SourceStart, range.TargetStart, range.Length));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task E3_records_removed_from_the_backup_before_they_were_restored_are_missed_and_named(
        DeliveryMode delivery,
        bool checkpoint
    )
    {
        await using var scenario = await RunsAsync(4, 1000);
        var settings = Settings(scenario, delivery, checkpoint);
        await FaultTests.StopAtAsync(scenario, settings, 500);
        await KeepLastAsync(scenario, 1);

        foreach (var force in (bool[])[false, true])
        {
            var refused = await scenario.RefusedAsync(settings with { Force = force });
            Assert.Equal(ErrorIds.CheckpointMismatch, refused.Definition);
            Assert.Contains("orders/0 had 4,000 records", refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task D2_a_restore_that_met_damage_goes_on_behind_it_when_forced(DeliveryMode delivery, bool checkpoint)
    {
        await using var scenario = await LargeAsync();
        await DamageAsync(scenario, 0.5);
        var settings = Settings(scenario, delivery, checkpoint);

        var failed = await scenario.RestoreAsync(settings);
        Assert.Equal(nameof(ErrorIds.SegmentCorrupt), failed.Partitions.Single().ErrorId);
        var before = failed.RecordCount;
        Assert.InRange(before, 1, 1199);

        // Stopped on its way, a forced resume leaves out the same again, even when the file has been put back.
        var forced = settings with
        {
            Force = true,
        };
        var stopped = await StopAfterAsync(scenario, forced, before + 100);
        await DamageAsync(scenario, 0.5);
        var done = await scenario.RestoredWithoutDamagedAsync(settings);

        var found = done.Partitions.Single();
        Assert.Equal(stopped.RecordsSkippedOnResume + stopped.RecordCount, done.RecordsSkippedOnResume);
        var lost = 1200 - found.RecordCount;
        Assert.InRange(lost, 1, 600);
        Assert.Equal(lost, done.RecordsLeftOut);
        scenario.AssertEqual("orders", only: r => r.Offset < before || r.Offset >= before + lost, committedOnly: true);
    }

    [Fact]
    public async Task D2_what_is_restored_already_may_be_damaged_or_gone_when_the_restore_goes_on()
    {
        await using var scenario = await RunsAsync(4, 1000);
        var settings = Settings(scenario, DeliveryMode.Idempotent, true);
        await FaultTests.StopAtAsync(scenario, settings, 2200);
        var segments = (await scenario.Source.PartitionAsync("orders")).Segments;
        File.Delete(Path.Combine(scenario.Source.StorePath, "b", segments[0].Key));
        await DamageAsync(scenario, 0.5, segments[1].Key);

        await scenario.RestoredAsync(settings with { Force = true });

        scenario.AssertEqual("orders");
    }

    [Fact]
    public async Task D2_of_a_damaged_segment_only_the_damaged_blocks_are_left_out()
    {
        await using var scenario = await LargeAsync();
        await DamageAsync(scenario, 0.5);

        var report = await scenario.ReportAsync(RestoreScenario.Asked() with { Deep = true });
        var damage = Assert.Single(report.Findings, f => f.Kind == FindingKind.Corrupt);
        var result = await scenario.RestoredWithoutDamagedAsync(RestoreScenario.Asked() with { Force = true });

        Assert.Equal(report.RecordCount, result.RecordCount);
        Assert.InRange(result.RecordCount, 600, 1199);
        Assert.Equal(1200 - result.RecordCount, result.RecordsLeftOut);
        var ranges = result.OffsetMapping.Single().Ranges;
        Assert.Contains(
            $"offsets {ranges[0].SourceStart + ranges[0].Length} to {ranges[1].SourceStart - 1} ",
            damage.Message,
            StringComparison.Ordinal
        );
        scenario.AssertEqual("orders", only: r => r.Offset < ranges[0].Length || r.Offset >= ranges[1].SourceStart);
    }

    [Fact]
    public async Task E3_a_transactional_resume_does_not_read_again_what_its_checkpoint_knows_the_place_of()
    {
        await using var scenario = await RunsAsync(2, 2000);
        var settings = Settings(scenario, DeliveryMode.Transactional, true);
        await FaultTests.StopAtAsync(scenario, settings, 1500);

        // The beginning of the target is gone: who reads it again will notice.
        scenario.Target.DeleteRecords("orders", 0, 1000);
        var resumed = await scenario.RestoredAsync(settings with { OffsetReportPath = scenario.ReportPath, Force = true });

        Assert.InRange(resumed.RecordsSkippedOnResume, 1001, 3999);
        var places = scenario
            .Target.Read("orders")
            .Where(r => !r.IsControl && !r.IsAborted)
            .ToDictionary(r => r.Offset, r => System.Text.Encoding.UTF8.GetString(r.Value!));
        var ranges = resumed.OffsetMapping.Single().Ranges;
        Assert.Equal(4000, ranges.Sum(r => r.Length));
        Assert.All(
            ranges
                .SelectMany(r => Enumerable.Range(0, (int)r.Length).Select(i => (Source: r.SourceStart + i, Target: r.TargetStart + i)))
                .Where(p => p.Target >= 1000),
            p => Assert.Equal($"v{p.Source}", places[p.Target])
        );
        Assert.Equal(3000, places.Count);
    }

    private static RestoreSettings Settings(RestoreScenario scenario, DeliveryMode delivery, bool checkpoint) =>
        RestoreScenario.Asked() with
        {
            Delivery = delivery,
            CheckpointPath = checkpoint ? scenario.CheckpointPath : null,
        };

    /// <summary>So many runs, each with a segment of its own.</summary>
    private static async Task<RestoreScenario> RunsAsync(int runs, int each)
    {
        var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        for (var run = 0; run < runs; run++)
        {
            scenario.Source.Fill("orders", each, run * each);
            await scenario.Source.BackUpAsync();
        }

        return scenario;
    }

    /// <summary>1,200 records in one segment of several blocks.</summary>
    private static async Task<RestoreScenario> LargeAsync()
    {
        var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        var random = new Random(4);
        for (var batch = 0; batch < 12; batch++)
        {
            scenario.Source.Cluster.Append(
                "orders",
                0,
                Enumerable
                    .Range(0, 100)
                    .Select(i =>
                    {
                        var value = new byte[4000];
                        random.NextBytes(value);
                        return new LocalRecord([(byte)i], value, 1_700_000_000_000 + (batch * 100) + i);
                    })
            );
        }

        await scenario.Source.BackUpAsync();
        return scenario;
    }

    /// <summary>Flips a bit; done twice, it mends it.</summary>
    private static async Task DamageAsync(RestoreScenario scenario, double where, string? key = null)
    {
        var file = key is null
            ? Directory.GetFiles(scenario.Source.StorePath, "*.kbs", SearchOption.AllDirectories).Single()
            : Path.Combine(scenario.Source.StorePath, "b", key);
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[(int)(bytes.Length * where)] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
    }

    private static async Task<RestoreResult> StopAfterAsync(RestoreScenario scenario, RestoreSettings settings, long records)
    {
        using var stop = new CancellationTokenSource();
        var running = scenario.RestoreAsync(settings with { RecordsPerSecond = 200 }, stop.Token);
        await FaultTests.ReachedAsync(scenario, (int)records);
        await stop.CancelAsync();
        var result = await running;
        Assert.Equal(RestoreStatus.Stopped, result.Status);
        return result;
    }

    private static async Task KeepLastAsync(RestoreScenario scenario, int runs)
    {
        await using var planned = await scenario
            .Source.Engine()
            .PlanRemovalAsync(
                new RemoveSettings
                {
                    Store = new StoreSettings { Path = scenario.Source.StorePath },
                    BackupId = "b",
                    KeepLast = runs,
                },
                scenario.Cancel
            );
        await planned.RunAsync(scenario.Cancel);
    }
}
