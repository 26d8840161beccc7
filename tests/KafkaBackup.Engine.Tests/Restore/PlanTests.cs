using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>What a plan says, and what it refuses.</summary>
public sealed class PlanTests
{
    private const long T0 = 1_700_000_000_000;

    private static readonly Dictionary<string, IReadOnlyDictionary<string, string>> KeptForever = new()
    {
        [""] = new Dictionary<string, string> { ["retention.ms"] = "-1" },
    };

    [Fact]
    public async Task D1_the_plan_counts_to_the_record_and_writes_nothing()
    {
        await using var scenario = await FaultTests.FilledAsync(3000, segment: 1000);
        var before = await scenario.Source.KeysAsync();
        var asked = RestoreScenario.Asked() with
        {
            TimeWindowStart = T0 + 500,
            TimeWindowEnd = T0 + 2499,
            CheckpointPath = scenario.CheckpointPath,
            OffsetReportPath = scenario.ReportPath,
            TopicConfigOverrides = KeptForever,
        };

        var report = await scenario.ReportAsync(asked);

        Assert.Equal(
            (ReportStatus.Valid, 2000L, 3, T0 + 500, T0 + 2499),
            (report.Status, report.RecordCount, report.SegmentCount, report.FromTimeMs, report.ToTimeMs)
        );
        var partition = report.Topics.Single().Partitions.Single();
        Assert.Equal((500L, 2499L, 2000L), (partition.FirstOffset, partition.LastOffset, partition.RecordCount));
        Assert.True(report.Topics.Single().Create);
        Assert.Empty(scenario.Target.Requests.Writes);
        Assert.Empty(scenario.Target.TopicNames);
        Assert.Equal(before, await scenario.Source.KeysAsync());
        Assert.Empty(Directory.GetFileSystemEntries(scenario.Folder));

        var result = await scenario.RestoredAsync(asked);
        Assert.Equal((report.RecordCount, report.Bytes), (result.RecordCount, result.Bytes));
        scenario.AssertEqual("orders", only: r => r.Offset is >= 500 and <= 2499);
    }

    [Fact]
    public async Task D4_old_records_for_a_new_topic_with_the_brokers_default_retention_are_a_warning()
    {
        await using var scenario = await FaultTests.FilledAsync(10);
        var finding = Assert.Single((await scenario.ReportAsync(RestoreScenario.Asked())).Findings, f => f.Kind == FindingKind.Retention);
        Assert.Equal(FindingSeverity.Warning, finding.Severity);
        Assert.Contains("'retention.ms' = '-1'", finding.Advice, StringComparison.Ordinal);
        Assert.Empty((await scenario.ReportAsync(RestoreScenario.Asked() with { TopicConfigOverrides = KeptForever })).Findings);
    }

    [Fact]
    public async Task A2_a_dry_run_is_planned_and_cannot_be_run()
    {
        await using var scenario = await FaultTests.FilledAsync(10);
        Assert.True((await scenario.ReportAsync(RestoreScenario.Asked() with { DryRun = true })).DryRun);
        Assert.Equal(ErrorIds.RestoreInvalid, (await scenario.RefusedAsync(RestoreScenario.Asked() with { DryRun = true })).Definition);
        Assert.Empty(scenario.Target.Requests.Writes);
        Assert.Equal(ErrorIds.RestoreInvalid, (await scenario.RefusedAsync(RestoreScenario.Asked() with { Offline = true })).Definition);
    }

    [Fact]
    public async Task D6_a_narrow_window_in_a_large_backup_reads_less_than_five_percent_of_its_bytes()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        var random = new Random(1);
        for (var batch = 0; batch < 140; batch++)
        {
            scenario.Source.Cluster.Append(
                "orders",
                0,
                Enumerable
                    .Range(0, 100)
                    .Select(i =>
                    {
                        var value = new byte[5000];
                        random.NextBytes(value);
                        return new LocalRecord(null, value, T0 + (batch * 100) + i);
                    })
            );
        }

        await scenario.Source.BackUpAsync(BackupScenario.Asked() with { SegmentMaxBytes = 8 << 20 });
        var all = Directory.GetFiles(scenario.Source.StorePath, "*.kbs", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);
        CountingStore? counting = null;
        scenario.Wrap = store => counting = new CountingStore(store);

        await scenario.RestoredAsync(RestoreScenario.Asked() with { TimeWindowStart = T0 + 3333, TimeWindowEnd = T0 + 3340 });

        scenario.AssertEqual("orders", only: r => r.Timestamp is >= T0 + 3333 and <= T0 + 3340);
        Assert.InRange(all, 64 << 20, 100 << 20);
        Assert.InRange(counting!.Counts.BytesRead, 1, all / 20);
    }

    [Fact]
    public async Task D6_records_out_of_time_order_are_found_by_the_window_and_its_edges_are_inclusive()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        long[] times = [T0 + 5, T0, T0 + 9, T0 + 1, -1, T0 + 6, T0 + 5];
        foreach (var batch in times.Select((t, i) => LocalRecord.Of($"k{i}", $"v{i}", t)).Chunk(2))
        {
            scenario.Source.Cluster.Append("orders", 0, batch);
        }

        await scenario.Source.BackUpAsync(BackupScenario.Asked() with { SegmentMaxRecords = 2 });

        Assert.Equal(
            4,
            (await scenario.RestoredAsync(RestoreScenario.Asked() with { TimeWindowStart = T0 + 1, TimeWindowEnd = T0 + 6 })).RecordCount
        );
        scenario.AssertEqual("orders", only: r => r.Timestamp is >= T0 + 1 and <= T0 + 6);
    }

    [Fact]
    public async Task A9_a_window_without_records_is_an_error_that_says_what_there_is()
    {
        await using var scenario = await FaultTests.FilledAsync(10);
        var refused = await scenario.RefusedAsync(RestoreScenario.Asked() with { TimeWindowStart = T0 + 1000 });
        Assert.Equal(ErrorIds.NothingMatched, refused.Definition);
        Assert.Contains("2023-11-14", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_a_target_that_is_not_empty_is_refused_and_appended_to_with_force()
    {
        await using var scenario = await FaultTests.FilledAsync(10);
        scenario.Target.CreateTopic("orders");
        scenario.Target.Append("orders", 0, LocalRecord.Of("old", "old"));

        var refused = await scenario.RefusedAsync();
        Assert.Contains("not empty", refused.Message, StringComparison.Ordinal);
        var result = await scenario.RestoredAsync(RestoreScenario.Asked() with { Force = true });
        Assert.Equal((1L, 10L), (result.Partitions.Single().TargetFirstOffset, result.Partitions.Single().TargetLastOffset));
        Assert.Equal(11, scenario.Target.LogEnd("orders"));
    }

    [Fact]
    public async Task D3_too_few_partitions_no_topic_and_no_leave_to_create_one_are_errors()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", 3);
        scenario.Source.Fill("orders", 10, partition: 2);
        await scenario.Source.BackUpAsync();

        Assert.Contains(
            "creating topics is switched off",
            (await scenario.RefusedAsync(RestoreScenario.Asked() with { CreateTopics = false, Force = true })).Message,
            StringComparison.Ordinal
        );
        scenario.Target.CreateTopic("orders", 2);
        Assert.Contains(
            "has 2 partitions; the restore needs 3",
            (await scenario.RefusedAsync(RestoreScenario.Asked() with { Force = true })).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task D3_a_target_that_grows_while_we_look_is_refused()
    {
        await using var scenario = await FaultTests.FilledAsync(10);
        scenario.Target.CreateTopic("orders");
        using var end = new CancellationTokenSource();
        var producing = Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                scenario.Target.Append("orders", 0, LocalRecord.Of("k", "v"));
                await Task.Delay(100);
            }
        });
        var report = await scenario.ReportAsync();
        await end.CancelAsync();
        await producing;

        Assert.Equal(ReportStatus.Invalid, report.Status);
        Assert.Contains(report.Findings, f => f is { Kind: FindingKind.TargetGrowing, CanForce: true });
    }

    [Theory]
    [InlineData("retention.ms", "3600000", FindingKind.Retention, FindingSeverity.Warning)]
    [InlineData("retention.bytes", "10", FindingKind.Retention, FindingSeverity.Warning)]
    [InlineData("message.timestamp.type", "LogAppendTime", FindingKind.TimestampType, FindingSeverity.Warning)]
    [InlineData("cleanup.policy", "compact", FindingKind.CleanupPolicy, FindingSeverity.Warning)]
    [InlineData("message.format.version", "0.10.2-IV0", FindingKind.MessageFormat, FindingSeverity.Error)]
    [InlineData("min.insync.replicas", "2", FindingKind.Replication, FindingSeverity.Warning)]
    [InlineData("message.timestamp.difference.max.ms", "1000", FindingKind.TimestampLimit, FindingSeverity.Error)]
    public async Task D4_settings_of_the_target_that_would_spoil_the_restore_are_found(
        string config,
        string value,
        FindingKind kind,
        FindingSeverity severity
    )
    {
        await using var scenario = await FaultTests.FilledAsync(10);
        scenario.Target.CreateTopic("orders", config: new Dictionary<string, string> { [config] = value });

        var finding = Assert.Single(
            (await scenario.ReportAsync()).Findings,
            f => f.Kind == kind && f.Message.Contains(config, StringComparison.Ordinal)
        );
        Assert.Equal(severity, finding.Severity);
        Assert.False(string.IsNullOrWhiteSpace(finding.Advice));
    }

    [Theory]
    [InlineData("delete", FindingSeverity.Information)]
    [InlineData("compact,delete", FindingSeverity.Warning)]
    public async Task D4_a_new_topic_with_the_cleanup_policy_that_was_asked_for_is_warned_of_only_where_records_would_go(
        string policy,
        FindingSeverity severity
    )
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", config: new Dictionary<string, string> { ["cleanup.policy"] = "compact" });
        scenario.Source.Fill("orders", 10);
        await scenario.Source.BackUpAsync();
        var asked = RestoreScenario.Asked() with
        {
            TopicConfigOverrides = new Dictionary<string, IReadOnlyDictionary<string, string>>
            {
                [""] = new Dictionary<string, string> { ["cleanup.policy"] = policy },
            },
        };

        var finding = Assert.Single((await scenario.RestoredAsync(asked)).Findings, f => f.Kind == FindingKind.CleanupPolicy);

        Assert.Equal(severity, finding.Severity);
    }

    [Fact]
    public async Task L7_records_stamped_zero_or_not_at_all_keep_their_times()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        scenario.Source.Cluster.Append("orders", 0, LocalRecord.Of("a", "b", 0), LocalRecord.Of("c", "d"), LocalRecord.Of("e", "f", -1));
        await scenario.Source.BackUpAsync();

        Assert.Equal(3, (await scenario.RestoredAsync()).RecordCount);
        Assert.Equal([0, 1_700_000_000_000, -1], scenario.Restored("orders").Select(r => r.Timestamp));
        scenario.AssertEqual("orders");
    }

    [Fact]
    public async Task E1_records_stamped_by_their_broker_keep_their_times_and_a_target_that_stamps_anew_is_warned_of()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic(
            "orders",
            config: new Dictionary<string, string> { ["message.timestamp.type"] = "LogAppendTime" }
        );
        scenario.Source.Fill("orders", 10);
        await scenario.Source.BackUpAsync();

        Assert.Contains(
            (await scenario.ReportAsync()).Findings,
            f => f is { Kind: FindingKind.TimestampType, Severity: FindingSeverity.Warning }
        );
        var keep = RestoreScenario.Asked() with
        {
            TopicConfigOverrides = new Dictionary<string, IReadOnlyDictionary<string, string>>
            {
                [""] = new Dictionary<string, string> { ["message.timestamp.type"] = "CreateTime" },
            },
        };
        var result = await scenario.RestoredAsync(keep);

        Assert.Contains(result.Findings, f => f is { Kind: FindingKind.TimestampType, Severity: FindingSeverity.Information });
        Assert.Equal(
            scenario.Source.Source("orders").Select(r => (r.Timestamp, TimestampKind.CreateTime)),
            scenario.Restored("orders").Select(r => (r.Timestamp, r.TimestampKind))
        );
    }

    [Fact]
    public async Task B12_internal_topics_are_never_written()
    {
        await using var scenario = await FaultTests.FilledAsync(10);
        var map = new Dictionary<string, string> { ["orders"] = "__consumer_offsets" };
        Assert.Equal(
            ErrorIds.InternalTopicWrite,
            (await scenario.RefusedAsync(RestoreScenario.Asked() with { TopicMapping = map, Force = true })).Definition
        );
    }
}
