using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.Testing.Records;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>What a plan makes of timestamps, overrides and maps.</summary>
public sealed class PlannedSettingTests
{
    private static readonly Dictionary<string, string> Stamped = new() { ["message.timestamp.type"] = "LogAppendTime" };

    [Fact]
    public async Task D4_a_topic_stamped_by_its_broker_is_created_with_CreateTime_and_keeps_its_times()
    {
        await using var scenario = await FilledAsync(Stamped);

        var finding = Assert.Single((await scenario.ReportAsync()).Findings, f => f.Kind == FindingKind.TimestampType);
        await scenario.RestoredAsync();

        Assert.Equal(FindingSeverity.Warning, finding.Severity);
        Assert.Contains("CreateTime, not LogAppendTime", finding.Message, StringComparison.Ordinal);
        Assert.Contains(
            "kafka-configs --alter --entity-type topics --entity-name orders --add-config message.timestamp.type=LogAppendTime",
            finding.Advice,
            StringComparison.Ordinal
        );
        Assert.Equal("CreateTime", scenario.Target.TopicConfigOf("orders")["message.timestamp.type"]);
        Assert.Equal(
            scenario.Source.Source("orders").Select(r => (r.Timestamp, TimestampKind.CreateTime)),
            scenario.Restored("orders").Select(r => (r.Timestamp, r.TimestampKind))
        );
    }

    [Fact]
    public async Task D4_LogAppendTime_is_created_where_the_user_asks_for_it()
    {
        await using var scenario = await FilledAsync(Stamped);
        var asked = RestoreScenario.Asked() with { TopicConfigOverrides = Overrides("", Stamped) };

        var finding = Assert.Single((await scenario.RestoredAsync(asked)).Findings, f => f.Kind == FindingKind.TimestampType);

        Assert.Contains("the records' own times are lost", finding.Message, StringComparison.Ordinal);
        Assert.Equal("LogAppendTime", scenario.Target.TopicConfigOf("orders")["message.timestamp.type"]);
    }

    [Theory]
    [InlineData("oders")]
    [InlineData("payments")]
    public async Task E5_overrides_for_a_topic_that_is_not_in_the_backup_are_refused(string name)
    {
        await using var scenario = await FilledAsync([]);
        var error = await scenario.RefusedAsync(
            RestoreScenario.Asked() with
            {
                TopicMapping = new Dictionary<string, string> { ["orders"] = "payments" },
                TopicConfigOverrides = Overrides(name, new() { ["retention.ms"] = "-1" }),
            }
        );
        Assert.Equal(ErrorIds.NothingMatched, error.Definition);
        Assert.Contains($"topic_config_overrides names topic '{name}'", error.Message, StringComparison.Ordinal);
        Assert.Equal(name == "payments", error.Message.Contains("the target's name of 'orders'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task D5_a_map_to_more_partitions_than_reasonable_needs_force_and_the_plan_says_what_is_created()
    {
        await using var scenario = await FilledAsync([], partitions: 3);
        var asked = RestoreScenario.Asked() with { PartitionMapping = new Dictionary<int, int> { [2] = 1000 } };

        Assert.Contains("1,001 partitions", (await scenario.RefusedAsync(asked)).Message, StringComparison.Ordinal);
        var offline = await scenario.ReportAsync(asked with { Offline = true });
        Assert.Equal(1001, offline.Topics.Single().TargetPartitionCount);
        Assert.Contains(
            offline.Findings,
            f => f is { Kind: FindingKind.PartitionMapping, Severity: FindingSeverity.Error, CanForce: true }
        );
        Assert.Contains(
            (await scenario.ReportAsync(asked with { PartitionMapping = new Dictionary<int, int> { [2] = 5 } })).Findings,
            f =>
                f is { Kind: FindingKind.PartitionMapping, Severity: FindingSeverity.Information }
                && f.Message.Contains("6 partitions", StringComparison.Ordinal)
        );

        await scenario.RestoredAsync(asked with { Force = true });
        Assert.Equal(1001, scenario.Target.PartitionCount("orders"));
    }

    [Fact]
    public async Task D5_a_topic_that_has_the_partitions_already_needs_no_force()
    {
        await using var scenario = await FilledAsync([], partitions: 3);
        scenario.Target.CreateTopic("orders", 1200);
        await scenario.RestoredAsync(RestoreScenario.Asked() with { PartitionMapping = new Dictionary<int, int> { [2] = 1100 } });
        scenario.AssertEqual("orders", 0);
    }

    [Fact]
    public async Task E9_of_a_map_each_backup_takes_the_keys_that_it_holds()
    {
        await using var scenario = await TwoBackupsAsync();
        var map = new Dictionary<string, string> { ["orders"] = "orders-2", ["payments"] = "payments-2" };
        var asked = RestoreScenario.Asked() with
        {
            TopicMapping = map,
            PartitionMapping = new Dictionary<int, int>
            {
                [0] = 1,
                [1] = 0,
                [2] = 2,
            },
            TopicConfigOverrides = Overrides("payments", new() { ["retention.ms"] = "-1" }),
        };

        await using var both = await scenario.PlanAsync(asked with { BackupId = "b" }, asked with { BackupId = "c" });
        Assert.Equal([RestoreStatus.Complete, RestoreStatus.Complete], (await both.RunAsync(scenario.Cancel)).Select(r => r.Status));
        scenario.AssertEqual("orders", 0, "orders-2", 1);
        scenario.AssertEqual("payments", 2, "payments-2", 2);
        Assert.Equal("-1", scenario.Target.TopicConfigOf("payments-2")["retention.ms"]);
    }

    [Fact]
    public async Task E9_a_key_that_no_backup_holds_is_refused_before_any_write()
    {
        await using var scenario = await TwoBackupsAsync();
        async Task<KafkaBackupException> Refused(RestoreSettings asked) =>
            await Assert.ThrowsAsync<KafkaBackupException>(() =>
                scenario.PlanAsync(asked with { BackupId = "b" }, asked with { BackupId = "c" })
            );

        var topic = await Refused(
            RestoreScenario.Asked() with
            {
                TopicMapping = new Dictionary<string, string> { ["orders"] = "x", ["oders"] = "y" },
            }
        );
        Assert.Contains("'oders', which none of the 2 backups holds", topic.Message, StringComparison.Ordinal);
        var configs = await Refused(RestoreScenario.Asked() with { TopicConfigOverrides = Overrides("oders", []) });
        Assert.Contains("'oders', which none of the 2 backups holds", configs.Message, StringComparison.Ordinal);
        var wrong = RestoreScenario.Asked() with { PartitionMapping = new Dictionary<int, int> { [7] = 8 } };
        await using var planned = await scenario.PlanAsync(wrong with { BackupId = "b" }, wrong with { BackupId = "c" });
        Assert.All(planned.Plan, p => Assert.Equal(ReportStatus.Invalid, p.Status));
        Assert.Empty(scenario.Target.TopicNames);
    }

    [Fact]
    public async Task A7_a_check_that_is_switched_off_is_in_plan_and_result_of_a_restore_and_of_a_backup()
    {
        await using var scenario = await FilledAsync([]);
        var options = new Dictionary<string, Secret> { ["enable.ssl.certificate.verification"] = new("false") };
        var result = await scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                Target = new ClusterSettings { BootstrapServers = [scenario.Target.BootstrapServers], KafkaOptions = options },
            }
        );
        Assert.Contains(result.Findings, f => f.Message.Contains("enable.ssl.certificate.verification", StringComparison.Ordinal));
        Assert.Contains(scenario.Events.Warnings, w => w.Contains("enable.ssl.certificate.verification", StringComparison.Ordinal));

        for (var round = 0; round < 2; round++)
        {
            var backup = await scenario.Source.BackUpAsync(
                BackupScenario.Asked() with
                {
                    Source = new ClusterSettings { BootstrapServers = [scenario.Source.Cluster.BootstrapServers], KafkaOptions = options },
                }
            );
            Assert.Contains(backup.Findings, f => f.Message.Contains("enable.ssl.certificate.verification", StringComparison.Ordinal));
        }

        Assert.Equal(
            2,
            scenario.Source.Events.Warnings.Count(w => w.Contains("enable.ssl.certificate.verification", StringComparison.Ordinal))
        );
    }

    private static Dictionary<string, IReadOnlyDictionary<string, string>> Overrides(string topic, Dictionary<string, string> configs) =>
        new() { [topic] = configs };

    private static async Task<RestoreScenario> FilledAsync(Dictionary<string, string> configs, int partitions = 1)
    {
        var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", partitions, configs);
        scenario.Source.Fill("orders", 10);
        await scenario.Source.BackUpAsync();
        return scenario;
    }

    /// <summary>Backup b has orders with two partitions, backup c has payments with three.</summary>
    private static async Task<RestoreScenario> TwoBackupsAsync()
    {
        var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", 2);
        scenario.Source.Cluster.CreateTopic("payments", 3);
        scenario.Source.Fill("orders", 10);
        scenario.Source.Fill("payments", 10, partition: 2);
        await scenario.Source.BackUpAsync(BackupScenario.Asked("orders"));
        await scenario.Source.BackUpAsync(BackupScenario.Asked("payments") with { BackupId = "c" });
        return scenario;
    }
}
