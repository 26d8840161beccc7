using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>Topics that the target lacks: what is known of them before they are made, and how they are made.</summary>
public sealed class CreationTests
{
    [Fact]
    public async Task E5_a_topic_with_fewer_copies_than_its_source_demands_fewer_in_sync_and_takes_the_records()
    {
        await using var scenario = await FilledAsync(new() { ["min.insync.replicas"] = "2" });

        var result = await scenario.RestoredAsync(RestoreScenario.Asked() with { DefaultReplicationFactor = 3 });

        Assert.Equal("1", scenario.Target.TopicConfigOf("orders")["min.insync.replicas"]);
        Assert.Equal(2, result.Findings.Count(f => f is { Kind: FindingKind.Replication, Severity: FindingSeverity.Warning }));
        scenario.AssertEqual("orders");
    }

    [Fact]
    public async Task E5_what_is_the_source_clusters_own_is_not_copied_and_an_empty_value_leaves_a_setting_to_the_target()
    {
        await using var scenario = await FilledAsync(
            new()
            {
                ["leader.replication.throttled.replicas"] = "0:1",
                ["follower.replication.throttled.replicas"] = "0:2",
                ["message.format.version"] = "0.9.0",
                ["segment.ms"] = "1000",
                ["retention.ms"] = "-1",
            }
        );

        await scenario.RestoredAsync(Override("segment.ms", ""));

        Assert.Equal([new KeyValuePair<string, string>("retention.ms", "-1")], scenario.Target.TopicConfigOf("orders"));
    }

    [Fact]
    public async Task D3_a_topic_that_the_cluster_would_not_create_is_found_before_anything_is_written()
    {
        await using var scenario = await FilledAsync([]);

        var report = await scenario.ReportAsync(Override("no.such.setting", "1"));
        var error = await scenario.RefusedAsync(Override("no.such.setting", "1"));

        var finding = Assert.Single(report.Findings, f => f.Severity == FindingSeverity.Error);
        Assert.Equal((ReportStatus.Invalid, FindingKind.TargetMissing, "orders"), (report.Status, finding.Kind, finding.Place));
        Assert.Contains("no.such.setting", finding.Message, StringComparison.Ordinal);
        Assert.Contains("-TopicConfig", finding.Advice, StringComparison.Ordinal);
        Assert.Contains("no.such.setting", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_a_right_to_create_that_is_missing_is_found_before_anything_is_written()
    {
        await using var scenario = await FilledAsync([]);
        scenario.Target.Deny(ApiKey.CreateTopics);

        var finding = Assert.Single((await scenario.ReportAsync()).Findings, f => f.Severity == FindingSeverity.Error);

        Assert.Equal(FindingKind.Unauthorized, finding.Kind);
        Assert.Contains("Create", finding.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_rights_to_a_topic_that_is_there_are_asked_for_before_anything_is_written()
    {
        await using var scenario = await FilledAsync([]);
        scenario.Target.CreateTopic("orders");
        Assert.DoesNotContain((await scenario.ReportAsync()).Findings, f => f.Kind == FindingKind.Unauthorized);

        foreach (var api in new[] { ApiKey.Produce, ApiKey.DeleteRecords, ApiKey.Fetch, ApiKey.DescribeConfigs })
        {
            scenario.Target.Deny(api, "orders");
        }

        var findings = (await scenario.ReportAsync(RestoreScenario.Asked() with { PurgeTopics = true, Force = true }))
            .Findings.Where(f => f.Kind == FindingKind.Unauthorized)
            .ToArray();
        Assert.Equal(
            [("Write", true), ("Delete", false), ("Read", false), ("DescribeConfigs", true)],
            findings.Select(f => (f.Advice.Split(' ')[3], f.CanForce))
        );
        Assert.Contains("may not write", (await scenario.RefusedAsync()).Message, StringComparison.Ordinal);

        scenario.Target.AllowAll();
        scenario.Target.Deny(ApiKey.Fetch, "orders");
        Assert.Contains(
            "may not read",
            (await scenario.RefusedAsync(RestoreScenario.Asked() with { Delivery = DeliveryMode.Transactional })).Message,
            StringComparison.Ordinal
        );
        Assert.Equal(10, (await scenario.RestoredAsync()).RecordCount);
    }

    [Fact]
    public async Task D3_a_cluster_that_does_not_say_what_a_user_may_do_is_restored_to()
    {
        await using var scenario = await FilledAsync([]);
        scenario.Target.CreateTopic("orders");
        scenario.WrapCluster = inner => new ClusterDouble(inner)
        {
            Rights = () => throw ErrorIds.ClusterRequestFailed.With("Asking is not supported.", "orders"),
        };

        var result = await scenario.RestoredAsync();

        Assert.Contains(result.Findings, f => f is { Kind: FindingKind.Unauthorized, Severity: FindingSeverity.Information });
        scenario.AssertEqual("orders");
    }

    [Fact]
    public async Task E6_a_user_who_may_not_write_exactly_once_learns_it_once_and_at_the_first_attempt()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", 6);
        for (var partition = 0; partition < 6; partition++)
        {
            scenario.Source.Fill("orders", 3, partition: partition);
        }

        await scenario.Source.BackUpAsync();
        scenario.Target.Deny(ApiKey.InitProducerId);

        var result = await scenario.RestoreAsync(RestoreScenario.Asked() with { MaxConcurrentPartitions = 1 });

        Assert.Equal(RestoreStatus.Failed, result.Status);
        Assert.Single(scenario.Target.Requests.Of(ApiKey.InitProducerId));
        Assert.Contains("IdempotentWrite", Assert.Single(scenario.Events.Errors).Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task D3_what_a_server_says_against_a_topic_that_is_no_refusal_is_a_warning_and_so_is_a_server_that_cannot_be_asked(
        bool answers
    )
    {
        await using var scenario = await FilledAsync([]);
        var trouble = ErrorIds.ClusterRequestFailed.With("Asking is not supported.", "orders");
        scenario.WrapCluster = inner => new ClusterDouble(inner)
        {
            Refusals = () => answers ? new Dictionary<string, TopicRefusal> { ["orders"] = new(trouble, IsFirm: false) } : throw trouble,
        };

        var result = await scenario.RestoredAsync();

        Assert.Contains(
            result.Findings,
            f =>
                f is { Kind: FindingKind.TargetMissing, Severity: FindingSeverity.Warning }
                && f.Message.Contains("not supported", StringComparison.Ordinal)
        );
        scenario.AssertEqual("orders");
    }

    [Fact]
    public async Task D3_a_refusal_can_be_forced_for_the_cluster_says_it_again()
    {
        await using var scenario = await FilledAsync([]);

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            scenario.RestoreAsync(Override("no.such.setting", "1") with { Force = true })
        );

        Assert.Equal(ErrorIds.TopicCreation, error.Definition);
        Assert.Empty(scenario.Target.TopicNames);
    }

    [Fact]
    public async Task E5_what_is_asked_for_is_not_adjusted()
    {
        await using var scenario = await FilledAsync(new() { ["min.insync.replicas"] = "2" });

        var report = await scenario.ReportAsync(Override("min.insync.replicas", "3") with { DefaultReplicationFactor = -1 });

        Assert.DoesNotContain(report.Findings, f => f.Message.Contains("will be created with min.insync", StringComparison.Ordinal));
        await scenario.RestoredAsync(Override("min.insync.replicas", ""));
        Assert.Empty(scenario.Target.TopicConfigOf("orders"));
    }

    [Fact]
    public async Task E5_the_copies_that_the_brokers_chose_are_looked_at_when_the_topic_is_there()
    {
        await using var scenario = await FilledAsync(new() { ["min.insync.replicas"] = "2" });
        using var stop = new CancellationTokenSource();
        var running = scenario.RestoreAsync(RestoreScenario.Asked() with { DefaultReplicationFactor = -1 }, stop.Token);
        while (
            !scenario.Events.Warnings.Any(w => w.Contains("has replication factor 1, but min.insync.replicas 2", StringComparison.Ordinal))
        )
        {
            await Task.Delay(20, scenario.Cancel);
        }

        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task D1_offline_a_plan_has_the_settings_that_new_topics_would_get()
    {
        await using var scenario = await FilledAsync(new() { ["message.format.version"] = "0.10.2", ["retention.ms"] = "1000" });

        var findings = (await scenario.ReportAsync(Override("retention.ms", "") with { Offline = true })).Findings;

        Assert.DoesNotContain(findings, f => f.Kind is FindingKind.MessageFormat or FindingKind.Retention);
    }

    [Fact]
    public async Task E5_many_topics_are_asked_for_and_made_in_few_requests()
    {
        await using var scenario = new RestoreScenario();
        for (var i = 0; i < 60; i++)
        {
            scenario.Source.Cluster.CreateTopic($"topic-{i}", 10);
        }

        scenario.Source.Fill("topic-7", 5);
        await scenario.Source.BackUpAsync();

        await scenario.RestoredAsync();

        Assert.Equal(60, scenario.Target.TopicNames.Count(name => name.StartsWith("topic-", StringComparison.Ordinal)));
        Assert.Equal(4, scenario.Target.Requests.All.Count(r => r.Api == ApiKey.CreateTopics));
        scenario.AssertEqual("topic-7");
    }

    private static async Task<RestoreScenario> FilledAsync(Dictionary<string, string> configs)
    {
        var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", config: configs);
        scenario.Source.Fill("orders", 10);
        await scenario.Source.BackUpAsync();
        return scenario;
    }

    private static RestoreSettings Override(string name, string value) =>
        RestoreScenario.Asked() with
        {
            TopicConfigOverrides = new Dictionary<string, IReadOnlyDictionary<string, string>>
            {
                [""] = new Dictionary<string, string> { [name] = value },
            },
        };
}
