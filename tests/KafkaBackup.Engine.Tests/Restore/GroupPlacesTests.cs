using System.Globalization;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>
/// Where groups go on when the target partition holds more than one source's records once, and what cannot be reset at all.
/// </summary>
public sealed class GroupPlacesTests
{
    private static readonly OffsetStrategy[] All = [OffsetStrategy.HeaderBased, OffsetStrategy.TimestampBased, OffsetStrategy.ClusterScan];

    public static TheoryData<OffsetStrategy, int> Merged()
    {
        var cases = new TheoryData<OffsetStrategy, int>();
        foreach (var strategy in All)
        {
            // The second source begins before, in and behind the range of the first one's offsets.
            foreach (var first in (int[])[0, 200, 299, 400])
            {
                cases.Add(strategy, first);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Merged))]
    public async Task F3_a_group_goes_on_at_its_own_record_in_a_merged_partition(OffsetStrategy strategy, int first)
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", 2);
        scenario.Source.Fill("orders", 299);
        scenario.Source.Fill("orders", 600, partition: 1);
        scenario.Source.Cluster.DeleteRecords("orders", 1, first);
        scenario.Source.Cluster.CommitOffset("billing", "orders", 1, 448);
        scenario.Source.Cluster.CommitOffset("start", "orders", 1, first);
        scenario.Source.Cluster.CommitOffset("end", "orders", 1, 600);
        scenario.Source.Cluster.CommitOffset("other", "orders", 0, 148);
        scenario.Source.Cluster.CommitOffset("other-end", "orders", 0, 299);
        await scenario.Source.BackUpAsync();

        await scenario.RestoredAsync(
            Reset(strategy) with
            {
                PartitionMapping = new Dictionary<int, int> { [1] = 0 },
                AllowMerge = true,
            }
        );

        Assert.Equal(
            [("billing", 299 + 448 - first), ("end", 299 + 600 - first), ("other", 148), ("other-end", 299), ("start", 299)],
            Committed(scenario, "orders")
        );
        Assert.Equal("v448", Value(scenario, "orders", 299 + 448 - first));
    }

    [Theory]
    [InlineData(OffsetStrategy.HeaderBased)]
    [InlineData(OffsetStrategy.TimestampBased)]
    [InlineData(OffsetStrategy.ClusterScan)]
    public async Task F3_groups_go_on_in_this_restore_when_an_earlier_one_is_there_too(OffsetStrategy strategy)
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        scenario.Source.Fill("orders", 128);
        scenario.Source.Cluster.CommitOffset("all", "orders", 0, 0);
        scenario.Source.Cluster.CommitOffset("some", "orders", 0, 100);
        scenario.Source.Cluster.CommitOffset("end", "orders", 0, 128);
        await scenario.Source.BackUpAsync();
        await scenario.RestoredAsync(Reset(strategy));
        Assert.Equal([("all", 0L), ("end", 128L), ("some", 100L)], Committed(scenario, "orders"));
        scenario.Target.Append("orders", 0, LocalRecord.Of("stranger", "x", 1_800_000_000_000));

        await scenario.RestoredAsync(Reset(strategy) with { Force = true });

        Assert.Equal([("all", 129L), ("end", 129L + 128), ("some", 129L + 100)], Committed(scenario, "orders"));
        Assert.Equal("v100", Value(scenario, "orders", 229));
    }

    [Fact]
    public async Task F1_a_scan_of_headers_that_an_earlier_restore_wrote_changes_no_offset()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        scenario.Source.Cluster.Append("orders", 0, Enumerable.Range(0, 50).Select(i => Original(i, i + 7)));
        scenario.Source.Cluster.CommitOffset("billing", "orders", 0, 20);
        await scenario.Source.BackUpAsync();

        var result = await scenario.RestoreAsync(Reset(OffsetStrategy.ClusterScan) with { IncludeOriginalOffsetHeader = false });

        Assert.Equal((RestoreStatus.Incomplete, 50L), (result.Status, result.RecordCount));
        Assert.Empty(scenario.Target.GroupNames);
        Assert.Contains("do not name the offsets", Assert.Single(scenario.Events.Errors).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OffsetStrategy.HeaderBased)]
    [InlineData(OffsetStrategy.TimestampBased)]
    [InlineData(OffsetStrategy.ClusterScan)]
    public async Task F4_a_group_on_both_of_two_merged_partitions_is_refused_before_any_write(OffsetStrategy strategy)
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", 3);
        scenario.Source.Fill("orders", 20);
        scenario.Source.Fill("orders", 20, partition: 1);
        scenario.Source.Cluster.CommitOffset("both", "orders", 0, 5);
        scenario.Source.Cluster.CommitOffset("both", "orders", 1, 7);
        scenario.Source.Cluster.CommitOffset("with-empty", "orders", 0, 5);
        scenario.Source.Cluster.CommitOffset("with-empty", "orders", 2, 0);
        await scenario.Source.BackUpAsync();
        var merging = Reset(strategy) with
        {
            PartitionMapping = new Dictionary<int, int> { [1] = 0, [2] = 0 },
            AllowMerge = true,
        };

        var refused = await scenario.RefusedAsync(merging);
        Assert.Contains("both has offsets on orders/0 and orders/1", refused.Message, StringComparison.Ordinal);

        // A partition without a record has nothing to say.
        await scenario.RestoredAsync(merging with { AllConsumerGroups = false, ConsumerGroups = ["with-empty"] });
        Assert.Equal([("with-empty", 5L)], Committed(scenario, "orders"));
    }

    [Theory]
    [InlineData("bill*", "No consumer group of the backup matches bill*")]
    [InlineData("~^bill", "No consumer group of the backup matches ~^bill")]
    [InlineData("absent", "Consumer group absent is not in the backup")]
    [InlineData("payers", "Consumer group payers has no committed offset")]
    [InlineData("pay*", "Consumer group payers has no committed offset")]
    public async Task A9_groups_that_leave_nothing_to_reset_are_refused(string asked, string message)
    {
        await using var scenario = await WithOtherGroupAsync();

        var refused = await scenario.RefusedAsync(
            Reset(OffsetStrategy.HeaderBased) with
            {
                Topics = ["orders"],
                AllConsumerGroups = false,
                ConsumerGroups = ["shipping", asked],
            }
        );

        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A9_all_groups_of_a_backup_that_has_none_for_these_topics_is_a_warning()
    {
        await using var scenario = await WithOtherGroupAsync();

        var report = await scenario.ReportAsync(Reset(OffsetStrategy.HeaderBased) with { Topics = ["empty"] });

        var finding = Assert.Single(report.Findings, f => f.Kind == FindingKind.ConsumerGroup);
        Assert.Equal(FindingSeverity.Warning, finding.Severity);
        Assert.Contains("payers, shipping", finding.Message, StringComparison.Ordinal);
    }

    private static async Task<RestoreScenario> WithOtherGroupAsync()
    {
        var scenario = new RestoreScenario();
        foreach (var topic in (string[])["orders", "payments", "empty"])
        {
            scenario.Source.Cluster.CreateTopic(topic);
            scenario.Source.Fill(topic, 10);
        }

        scenario.Source.Cluster.CommitOffset("shipping", "orders", 0, 5);
        scenario.Source.Cluster.CommitOffset("payers", "payments", 0, 5);
        await scenario.Source.BackUpAsync();
        return scenario;
    }

    private static RestoreSettings Reset(OffsetStrategy strategy) =>
        RestoreScenario.Asked() with
        {
            OffsetStrategy = strategy,
            IncludeOriginalOffsetHeader = true,
            ResetConsumerOffsets = true,
            AllConsumerGroups = true,
        };

    private static LocalRecord Original(int i, int original) =>
        LocalRecord.Of($"k{i}", $"v{i}", 1_700_000_000_000 + i) with
        {
            Headers = [("x-original-offset", System.Text.Encoding.ASCII.GetBytes(original.ToString(CultureInfo.InvariantCulture)))],
        };

    private static IEnumerable<(string Group, long Offset)> Committed(RestoreScenario scenario, string topic) =>
        scenario
            .Target.GroupNames.Order(StringComparer.Ordinal)
            .Select(g => (g, scenario.Target.GroupOffsets(g)[new LocalBroker.TopicPartition(topic, 0)].Offset));

    private static string Value(RestoreScenario scenario, string topic, long offset) =>
        System.Text.Encoding.UTF8.GetString(scenario.Restored(topic).Single(r => r.Offset == offset).Value!);
}
