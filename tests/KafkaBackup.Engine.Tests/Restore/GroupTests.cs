using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>Consumer groups go on where they were.</summary>
public sealed class GroupTests
{
    [Theory]
    [InlineData(OffsetStrategy.HeaderBased)]
    [InlineData(OffsetStrategy.TimestampBased)]
    [InlineData(OffsetStrategy.ClusterScan)]
    public async Task F1_every_strategy_sets_the_groups_where_the_next_record_is(OffsetStrategy strategy)
    {
        await using var scenario = await WithGroupsAsync();
        var result = await scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                OffsetStrategy = strategy,
                IncludeOriginalOffsetHeader = true,
                ResetConsumerOffsets = true,
                AllConsumerGroups = true,
                Force = true,
                TopicMapping = new Dictionary<string, string> { ["orders"] = "copy" },
            }
        );

        // Offsets 0 to 49 are gone, the target began at 1: source 50 is target 1.
        var partition = new LocalBroker.TopicPartition("copy", 0);
        Assert.Equal((21L, "m1"), Committed(scenario, "middle", partition));
        Assert.Equal((1L, ""), Committed(scenario, "before", partition));
        Assert.Equal((101L, ""), Committed(scenario, "end", partition));
        Assert.Equal(3, result.GroupsReset.Count);
        Assert.True(File.Exists(result.OffsetBackupPath));
    }

    [Theory]
    [InlineData(OffsetStrategy.Skip)]
    [InlineData(OffsetStrategy.Manual)]
    public async Task F1_skip_and_manual_write_no_offset(OffsetStrategy strategy)
    {
        await using var scenario = await WithGroupsAsync();
        var report = await scenario.ReportAsync(RestoreScenario.Asked() with { OffsetStrategy = strategy, Force = true });
        Assert.Contains(report.ConsumerOffsetActions, a => a.StartsWith("Consumer groups are not touched", StringComparison.Ordinal));
        var result = await scenario.RestoredAsync(RestoreScenario.Asked() with { OffsetStrategy = strategy, Force = true });
        Assert.Empty(result.GroupsReset);
        Assert.Empty(scenario.Target.GroupNames);
        Assert.NotNull(result.OffsetMapping.Single().ResetCommand);
    }

    [Fact]
    public async Task F4_named_groups_only_and_the_old_offsets_are_saved_first()
    {
        await using var scenario = await WithGroupsAsync();
        scenario.Target.CommitOffset("middle", "copy", 0, 1, "old");
        var result = await scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                OffsetStrategy = OffsetStrategy.HeaderBased,
                ResetConsumerOffsets = true,
                ConsumerGroups = ["middle"],
                Force = true,
                TopicMapping = new Dictionary<string, string> { ["orders"] = "copy" },
                OffsetReportPath = scenario.ReportPath,
            }
        );

        Assert.Equal(["middle"], scenario.Target.GroupNames);
        Assert.Equal(1, result.GroupsReset.Single().OldOffset);
        var saved = await File.ReadAllTextAsync(result.OffsetBackupPath!);
        Assert.Contains("\"old_metadata\": \"old\"", saved, StringComparison.Ordinal);
        Assert.Equal(scenario.Folder, Path.GetDirectoryName(result.OffsetBackupPath));
    }

    [Fact]
    public async Task F4_a_group_that_the_backup_does_not_have_is_refused()
    {
        await using var scenario = await WithGroupsAsync();
        var refused = await scenario.RefusedAsync(
            RestoreScenario.Asked() with
            {
                OffsetStrategy = OffsetStrategy.HeaderBased,
                ResetConsumerOffsets = true,
                ConsumerGroups = ["absent"],
                Force = true,
            }
        );
        Assert.Contains("absent is not in the backup", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task F1_a_scan_without_headers_to_go_by_changes_no_offset()
    {
        await using var scenario = await WithGroupsAsync();
        var result = await scenario.RestoreAsync(
            RestoreScenario.Asked() with
            {
                OffsetStrategy = OffsetStrategy.ClusterScan,
                ResetConsumerOffsets = true,
                AllConsumerGroups = true,
                Force = true,
            }
        );
        Assert.Equal((RestoreStatus.Incomplete, 100L), (result.Status, result.RecordCount));
        Assert.Empty(scenario.Target.GroupNames);
        Assert.Contains(scenario.Events.Errors, e => e.Definition == ErrorIds.GroupOffsets);
    }

    private static (long, string?) Committed(RestoreScenario scenario, string group, LocalBroker.TopicPartition partition)
    {
        var offset = scenario.Target.GroupOffsets(group)[partition];
        return (offset.Offset, offset.Metadata);
    }

    /// <summary>Records 50 to 149; groups before them, among them, at their end. The target's topics have a record each.</summary>
    private static async Task<RestoreScenario> WithGroupsAsync()
    {
        var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        scenario.Source.Fill("orders", 150);
        scenario.Source.Cluster.DeleteRecords("orders", 0, 50);
        scenario.Source.Cluster.CommitOffset("before", "orders", 0, 10);
        scenario.Source.Cluster.CommitOffset("middle", "orders", 0, 70, "m1");
        scenario.Source.Cluster.CommitOffset("end", "orders", 0, 150);
        await scenario.Source.BackUpAsync();
        foreach (var topic in (string[])["orders", "copy"])
        {
            scenario.Target.CreateTopic(topic);
            scenario.Target.Append(topic, 0, LocalRecord.Of("old", "old", 1_600_000_000_000));
        }

        return scenario;
    }
}
