using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Compare;

/// <summary>What happens to a comparison while it runs.</summary>
public sealed class CompareWhileTests : ComparingTests
{
    private const int Count = 500;

    [Fact]
    public async Task G3_retention_that_moves_the_start_before_a_partitions_turn_shortens_its_tail()
    {
        Put("orders", Enumerable.Range(0, Count).Select(Record));
        await Scenario.BackUpAsync(BackupScenario.Asked("orders"));

        var row = (
            await CompareWhileAsync(
                new CompareSettings
                {
                    Reference = Stored,
                    Difference = Live,
                    Topics = ["orders"],
                    Align = AlignMode.Offset,
                },
                () => Scenario.Cluster.DeleteRecords("orders", 0, 100)
            )
        )[0];

        Assert.Equal((ComparisonVerdict.TailOnly, 100, Count - 100), (row.Verdict, row.ReferenceOnlyTail, row.ComparedCount));
    }

    [Fact]
    public async Task G5_retention_that_moves_the_start_under_a_comparison_by_position_fails_the_partition_and_says_so()
    {
        Put("orders", Enumerable.Range(0, Count).Select(Record));
        Put("copy", Enumerable.Range(0, Count).Select(Record));

        var row = (
            await CompareWhileAsync(
                new CompareSettings
                {
                    Reference = Live,
                    Difference = Live,
                    Topics = ["copy"],
                    DifferenceTopics = ["orders"],
                    Align = AlignMode.Position,
                },
                () => Scenario.Cluster.DeleteRecords("orders", 0, 100)
            )
        )[0];

        Assert.Equal((ComparisonVerdict.Failed, ErrorIds.PartitionRead.Id), (row.Verdict, row.ErrorId));
        Assert.Contains("Offsets 0 to 99", row.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task G4_whoever_wants_no_more_rows_waits_for_nothing()
    {
        // The second partition never answers: giving up after the first row must not wait for it.
        Put("left", [Record(1)], Enumerable.Range(0, Count).Select(Record));
        Put("right", [Record(1)], Enumerable.Range(0, Count).Select(Record));
        var frozen = Scenario.Cluster.Faults.On(ApiKey.Fetch).Topic("right").Partition(1).Freeze();
        var settings = new CompareSettings
        {
            Reference = Live,
            Difference = Live,
            Topics = ["left"],
            DifferenceTopics = ["right"],
            Align = AlignMode.Position,
        };

        var first = await FirstAsync().WaitAsync(BackupScenario.Limit);
        frozen.Thaw();

        Assert.Equal((0, true), (first!.Partition, first.Equal));

        async Task<TopicComparison?> FirstAsync()
        {
            await foreach (var row in Scenario.Engine().CompareAsync(settings, Scenario.Cancel))
            {
                return row;
            }

            return null;
        }
    }

    /// <summary>Does something after ends and starts were captured, before the first record of topic orders is read.</summary>
    private async Task<List<TopicComparison>> CompareWhileAsync(CompareSettings settings, Action change)
    {
        var frozen = Scenario.Cluster.Faults.On(ApiKey.Fetch).Topic("orders").Freeze();
        var comparing = CompareAsync(settings);
        await frozen.WaitForHits();
        change();
        frozen.Thaw();
        return await comparing;
    }
}
