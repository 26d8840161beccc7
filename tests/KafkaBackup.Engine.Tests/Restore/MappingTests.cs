using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>Which records go where.</summary>
public sealed class MappingTests
{
    [Fact]
    public async Task D5_topics_and_partitions_go_where_the_maps_say()
    {
        await using var scenario = await TwoTopicsAsync();
        var result = await scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                TopicMapping = new Dictionary<string, string> { ["orders"] = "copy" },
                PartitionMapping = new Dictionary<int, int> { [0] = 1, [1] = 0 },
                ExcludeTopics = ["pay*"],
                OffsetReportPath = scenario.ReportPath,
            }
        );

        Assert.Equal(["copy"], scenario.Target.TopicNames);
        scenario.AssertEqual("orders", 0, "copy", 1);
        scenario.AssertEqual("orders", 1, "copy", 0);
        Assert.Equal(2, result.OffsetMapping.Count);
        Assert.True(File.Exists(scenario.ReportPath));
    }

    [Fact]
    public async Task A2_source_partitions_and_topic_patterns_select()
    {
        await using var scenario = await TwoTopicsAsync();
        await scenario.RestoredAsync(RestoreScenario.Asked() with { Topics = ["~^ord"], SourcePartitions = [1] });

        Assert.Equal(["orders"], scenario.Target.TopicNames);
        Assert.Equal((0, 2), (scenario.Restored("orders").Count, scenario.Target.PartitionCount("orders")));
        scenario.AssertEqual("orders", 1);
    }

    [Fact]
    public async Task D5_what_is_not_in_the_backup_is_an_error_and_so_are_two_sources_for_one_target()
    {
        await using var scenario = await TwoTopicsAsync();
        Assert.Equal(
            ErrorIds.NothingMatched,
            (await scenario.RefusedAsync(RestoreScenario.Asked() with { Topics = ["absent"] })).Definition
        );
        Assert.Equal(
            ErrorIds.NothingMatched,
            (await scenario.RefusedAsync(RestoreScenario.Asked() with { SourcePartitions = [7] })).Definition
        );
        Assert.Equal(
            ErrorIds.NothingMatched,
            (
                await scenario.RefusedAsync(
                    RestoreScenario.Asked() with
                    {
                        TopicMapping = new Dictionary<string, string> { ["absent"] = "x" },
                    }
                )
            ).Definition
        );
        Assert.Contains(
            "partition_mapping",
            (await scenario.RefusedAsync(RestoreScenario.Asked() with { PartitionMapping = new Dictionary<int, int> { [9] = 0 } })).Message,
            StringComparison.Ordinal
        );
        var merging = RestoreScenario.Asked() with { TopicMapping = new Dictionary<string, string> { ["payments"] = "orders" } };
        Assert.Contains("would both be written", (await scenario.RefusedAsync(merging)).Message, StringComparison.Ordinal);

        await scenario.RestoredAsync(merging with { AllowMerge = true });
        var expected = scenario.Source.Source("orders").Concat(scenario.Source.Source("payments")).Select(RestoreScenario.Content);
        Assert.Equal(expected, scenario.Restored("orders").Select(RestoreScenario.Content));
    }

    [Fact]
    public async Task E5_topics_are_created_with_the_sources_partitions_and_configs_and_empty_ones_too()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic(
            "empty",
            5,
            new Dictionary<string, string> { ["cleanup.policy"] = "compact", ["segment.bytes"] = "1048576" }
        );
        scenario.Source.Cluster.CreateTopic("orders");
        scenario.Source.Fill("orders", 1);
        await scenario.Source.BackUpAsync();
        await scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                DefaultReplicationFactor = 3,
                TopicConfigOverrides = new Dictionary<string, IReadOnlyDictionary<string, string>>
                {
                    ["empty"] = new Dictionary<string, string> { ["segment.bytes"] = "2097152" },
                },
            }
        );

        Assert.Equal(5, scenario.Target.PartitionCount("empty"));
        Assert.Equal(
            ("compact", "2097152"),
            (scenario.Target.TopicConfigOf("empty")["cleanup.policy"], scenario.Target.TopicConfigOf("empty")["segment.bytes"])
        );
    }

    [Fact]
    public async Task E1_original_offsets_and_timestamps_go_along_as_decimal_text()
    {
        await using var scenario = await FaultTests.FilledAsync(20);
        await scenario.RestoredAsync(RestoreScenario.Asked() with { IncludeOriginalOffsetHeader = true });

        var headers = scenario.Restored("orders")[7].Headers;
        Assert.Equal(
            [
                new KafkaBackup.Testing.Records.TestHeader("x-original-offset", "7"),
                new KafkaBackup.Testing.Records.TestHeader("x-original-timestamp", "1700000000007"),
            ],
            headers
        );
    }

    [Fact]
    public async Task E9_two_backups_go_together_unless_they_would_write_one_partition()
    {
        await using var scenario = await TwoTopicsAsync();
        await scenario.Source.BackUpAsync(BackupScenario.Asked("payments") with { BackupId = "c" });
        var first = RestoreScenario.Asked() with { Topics = ["orders"] };
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            scenario.PlanAsync(
                first,
                first with
                {
                    BackupId = "c",
                    Topics = null,
                    TopicMapping = new Dictionary<string, string> { ["payments"] = "orders" },
                }
            )
        );
        Assert.Contains("Backups b and c would both write orders/0", error.Message, StringComparison.Ordinal);

        await using var both = await scenario.PlanAsync(first, first with { BackupId = "c", Topics = null });
        Assert.Equal([RestoreStatus.Complete, RestoreStatus.Complete], (await both.RunAsync(scenario.Cancel)).Select(r => r.Status));
        scenario.AssertEqual("orders", 1);
        scenario.AssertEqual("payments");
    }

    [Fact]
    public async Task B14_rate_limits_are_global_and_concurrency_is_bounded()
    {
        await using var scenario = await TwoTopicsAsync();
        var began = DateTimeOffset.UtcNow;
        await scenario.RestoredAsync(RestoreScenario.Asked() with { RecordsPerSecond = 150, MaxConcurrentPartitions = 3 });
        Assert.InRange((DateTimeOffset.UtcNow - began).TotalSeconds, 1.8, 20);

        began = DateTimeOffset.UtcNow;
        await scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                BytesPerSecond = 600,
                MaxConcurrentPartitions = 1,
                Topics = ["orders"],
                TopicMapping = new Dictionary<string, string> { ["orders"] = "slow" },
            }
        );
        Assert.InRange((DateTimeOffset.UtcNow - began).TotalSeconds, 1.2, 20);
    }

    /// <summary>300 records.</summary>
    private static async Task<RestoreScenario> TwoTopicsAsync()
    {
        var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", 2);
        scenario.Source.Fill("orders", 100);
        scenario.Source.Fill("orders", 100, 100, partition: 1);
        scenario.Source.Cluster.CreateTopic("payments");
        scenario.Source.Cluster.Append(
            "payments",
            0,
            Enumerable.Range(0, 100).Select(i => LocalRecord.Of($"p{i}", $"q{i}", 1_700_000_000_000 + i))
        );
        await scenario.Source.BackUpAsync();
        return scenario;
    }
}
