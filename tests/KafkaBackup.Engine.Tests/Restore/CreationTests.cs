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
        await using var scenario = await FilledAsync(new()
        {
            ["leader.replication.throttled.replicas"] = "0:1", ["follower.replication.throttled.replicas"] = "0:2", ["message.format.version"] = "0.9.0", ["segment.ms"] = "1000", ["retention.ms"] = "-1",
        });

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

        scenario.Target.Deny(ApiKey.Produce, "orders");
        scenario.Target.Deny(ApiKey.DeleteRecords, "orders");
        scenario.Target.Deny(ApiKey.Fetch, "orders");
        var findings = (await scenario.ReportAsync(RestoreScenario.Asked() with { PurgeTopics = true, Force = true })).Findings.Where(f => f.Kind == FindingKind.Unauthorized).ToArray();

        Assert.Equal([FindingSeverity.Error, FindingSeverity.Error, FindingSeverity.Warning], findings.Select(f => f.Severity));
        Assert.Equal(["Write", "Delete", "Read"], findings.Select(f => f.Advice.Split(' ')[3]));
        Assert.Contains("may not write", (await scenario.RefusedAsync()).Message, StringComparison.Ordinal);

        scenario.Target.AllowAll();
        scenario.Target.Deny(ApiKey.Fetch, "orders");
        Assert.Equal(10, (await scenario.RestoredAsync()).RecordCount);
        Assert.Contains("may not read", (await scenario.RefusedAsync(RestoreScenario.Asked() with { Delivery = DeliveryMode.Transactional, Force = true })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task E6_a_user_who_may_not_write_exactly_once_learns_it_at_the_first_attempt()
    {
        await using var scenario = await FilledAsync([]);
        scenario.Target.Deny(ApiKey.InitProducerId);

        var result = await scenario.RestoreAsync();

        Assert.Equal(RestoreStatus.Failed, result.Status);
        Assert.Single(scenario.Target.Requests.Of(ApiKey.InitProducerId));
        Assert.Contains("IdempotentWrite", Assert.Single(scenario.Events.Errors).Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_a_server_that_cannot_be_asked_is_taken_at_its_word_when_the_topics_are_made()
    {
        await using var scenario = await FilledAsync([]);
        scenario.Target.Faults.On(ApiKey.CreateTopics).Once().DropBeforeHandling();
        scenario.WrapCluster = inner => new Backup.ClusterDouble(inner) { Refusals = () => throw ErrorIds.ClusterRequestFailed.With("Asking is not supported.", "orders") };

        await scenario.RestoredAsync();

        scenario.AssertEqual("orders");
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

    private static RestoreSettings Override(string name, string value) => RestoreScenario.Asked() with
    {
        TopicConfigOverrides = new Dictionary<string, IReadOnlyDictionary<string, string>> { [""] = new Dictionary<string, string> { [name] = value } },
    };
}
