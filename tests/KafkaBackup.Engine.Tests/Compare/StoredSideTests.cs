using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.Engine.Tests.Scenarios;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Compare;

/// <summary>A backup as one side of a comparison.</summary>
public class StoredSideTests : OnStore, IAsyncLifetime
{
    private BackupScenario _scenario = null!;

    private CompareSide Live => new() { Cluster = new ClusterSettings { BootstrapServers = [_scenario.Cluster.BootstrapServers] } };

    private CompareSide Stored =>
        new()
        {
            Store = new StoreSettings { Path = _scenario.StorePath },
            BackupId = "b",
        };

    [Fact]
    public async Task G3_a_record_that_is_another_one_in_the_topic_than_in_its_backup_is_located()
    {
        _scenario.Cluster.CreateTopic("left");
        _scenario.Fill("left", 100);
        await _scenario.BackUpAsync(BackupScenario.Asked("left"));
        _scenario.Cluster.Truncate("left", 0, 60);
        _scenario.Cluster.Append(
            "left",
            0,
            Enumerable.Range(60, 40).Select(i => LocalRecord.Of($"k{i}", i == 77 ? "another" : $"v{i}", 1_700_000_000_000 + i))
        );

        var row = await CompareAsync();

        Assert.Equal(ComparisonVerdict.Different, row.Verdict);
        Assert.Equal(
            (77L, 77L, "Value"),
            (row.FirstDifference!.ReferenceOffset, row.FirstDifference.DifferenceOffset, row.FirstDifference.What)
        );
    }

    [Fact]
    public async Task G5_a_backup_and_its_topic_are_equal_over_every_record()
    {
        _scenario.Cluster.CreateTopic("left");
        _scenario.Fill("left", 12_345);
        await _scenario.BackUpAsync(BackupScenario.Asked("left") with { SegmentMaxRecords = 5_000 });

        var row = await CompareAsync();

        Assert.Equal((ComparisonVerdict.Equal, 12_345L, true), (row.Verdict, row.ComparedCount, row.Equal));
    }

    [Fact]
    public async Task G3_records_only_at_the_tail_or_the_head_of_a_side_are_counted()
    {
        _scenario.Cluster.CreateTopic("left");
        _scenario.Fill("left", 100);
        await _scenario.BackUpAsync(BackupScenario.Asked("left"));
        _scenario.Cluster.DeleteRecords("left", 0, 10);
        _scenario.Cluster.Append("left", 0, Enumerable.Range(100, 5).Select(i => LocalRecord.Of($"k{i}", $"v{i}", 1_700_000_000_000 + i)));

        var row = await CompareAsync();

        Assert.Equal(ComparisonVerdict.TailOnly, row.Verdict);
        Assert.Null(row.FirstDifference);
        Assert.Equal(
            (10, 0, 0, 5, 90),
            (row.ReferenceOnlyTail, row.DifferenceOnlyTail, row.ReferenceOnlyHead, row.DifferenceOnlyHead, row.ComparedCount)
        );
    }

    public async Task InitializeAsync() => _scenario = await OpenAsync();

    public async Task DisposeAsync() => await _scenario.DisposeAsync();

    private async Task<TopicComparison> CompareAsync()
    {
        var rows = new List<TopicComparison>();
        await foreach (
            var row in _scenario
                .Engine()
                .CompareAsync(
                    new CompareSettings
                    {
                        Reference = Stored,
                        Difference = Live,
                        Topics = ["left"],
                    },
                    _scenario.Cancel
                )
        )
        {
            rows.Add(row);
        }

        return rows[0];
    }
}
