using System.Globalization;
using KafkaBackup.Engine.Tests.Restore;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Offsets;

/// <summary>Get-KafkaOffsetMapping -Scan: whose records a restored partition holds is proven by the backup, or not said.</summary>
public sealed class ScanTests
{
    [Fact]
    public async Task F5_a_scan_after_partitions_were_exchanged_finds_them_in_spite_of_holes()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", 2);
        Holes(scenario, 0, even: true, 40);
        Holes(scenario, 1, even: false, 60);
        scenario.Source.Cluster.CommitOffset("billing", "orders", 0, 20);
        scenario.Source.Cluster.CommitOffset("billing", "orders", 1, 21);
        await scenario.Source.BackUpAsync();
        await scenario.RestoredAsync(
            Asked() with
            {
                PartitionMapping = new Dictionary<int, int> { [0] = 1, [1] = 0 },
            }
        );

        var rows = await ScanAsync(scenario);

        Assert.Equal([(0, 1, "k0-20"), (1, 0, "k1-21")], rows.Select(r => (r.Partition, r.TargetPartition!.Value, Key(scenario, r))));
        Assert.DoesNotContain(scenario.Events.Warnings, w => w.Contains("not known", StringComparison.Ordinal));
    }

    [Fact]
    public async Task F5_a_scan_tells_merged_partitions_apart()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", 2);
        Holes(scenario, 0, even: true, 40);
        Holes(scenario, 1, even: false, 60);
        scenario.Source.Cluster.CommitOffset("billing", "orders", 0, 20);
        scenario.Source.Cluster.CommitOffset("shipping", "orders", 1, 21);
        scenario.Source.Cluster.CommitOffset("both", "orders", 0, 20);
        scenario.Source.Cluster.CommitOffset("both", "orders", 1, 21);
        await scenario.Source.BackUpAsync();
        await scenario.RestoredAsync(
            Asked() with
            {
                PartitionMapping = new Dictionary<int, int> { [1] = 0 },
                AllowMerge = true,
            }
        );

        var rows = await ScanAsync(scenario);

        Assert.Equal(
            [("billing", "k0-20", true), ("both", "k0-20", false), ("both", "k1-21", false), ("shipping", "k1-21", true)],
            rows.OrderBy(r => r.ConsumerGroup, StringComparer.Ordinal)
                .ThenBy(r => r.Partition)
                .Select(r => (r.ConsumerGroup!, Key(scenario, r), r.ResetCommand is not null))
        );
    }

    [Fact]
    public async Task F5_merged_partitions_in_one_run_of_rising_offsets_say_only_what_is_known()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", 2);
        scenario.Source.Fill("orders", 50);
        scenario.Source.Fill("orders", 100, partition: 1);
        scenario.Source.Cluster.DeleteRecords("orders", 1, 50);
        scenario.Source.Cluster.CommitOffset("billing", "orders", 0, 20);
        scenario.Source.Cluster.CommitOffset("billing", "orders", 1, 70);
        scenario.Source.Cluster.CommitOffset("behind", "orders", 1, 30);
        await scenario.Source.BackUpAsync();
        await scenario.RestoredAsync(
            Asked() with
            {
                PartitionMapping = new Dictionary<int, int> { [1] = 0 },
                AllowMerge = true,
            }
        );

        var rows = (await ScanAsync(scenario)).OrderBy(r => r.ConsumerGroup, StringComparer.Ordinal).ThenBy(r => r.Partition).ToArray();

        // The first partition's own records cannot be told from records that an older run of the backup held for the second one.
        Assert.Equal(
            [("behind", 1, null), ("billing", 0, null), ("billing", 1, (long?)70)],
            rows.Select(r => (r.ConsumerGroup!, r.Partition, r.TargetOffset))
        );
        Assert.Equal((null, 50L), (rows[1].TargetTopic, rows[2].TargetFirstOffset));
        Assert.Contains(scenario.Events.Warnings, w => w.Contains("not known to be those of orders/0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task F5_of_a_partition_that_was_restored_twice_the_newest_records_count()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        scenario.Source.Fill("orders", 50);
        scenario.Source.Cluster.CommitOffset("billing", "orders", 0, 20);
        await scenario.Source.BackUpAsync();
        await scenario.RestoredAsync(Asked());
        await scenario.RestoredAsync(Asked() with { Force = true });

        var row = Assert.Single(await ScanAsync(scenario));
        Assert.Equal(70, row.TargetOffset);
        Assert.Contains(scenario.Events.Warnings, w => w.Contains("more than once", StringComparison.Ordinal));

        // Without the backup nothing tells them apart.
        var alone = Assert.Single(
            await scenario.NewEngine().GetOffsetMappingAsync(new OffsetMappingSettings { Scan = Target(scenario) }, scenario.Cancel)
        );
        Assert.Equal((null, null), (alone.TargetFirstOffset, alone.ResetCommand));
        Assert.Contains(scenario.Events.Warnings, w => w.Contains("Name the backup", StringComparison.Ordinal));
    }

    private static RestoreSettings Asked() => RestoreScenario.Asked() with { IncludeOriginalOffsetHeader = true };

    private static ClusterSettings Target(RestoreScenario scenario) => new() { BootstrapServers = [scenario.Target.BootstrapServers] };

    private static Task<IReadOnlyList<OffsetMapping>> ScanAsync(RestoreScenario scenario) =>
        scenario
            .NewEngine()
            .GetOffsetMappingAsync(
                new OffsetMappingSettings
                {
                    Store = new StoreSettings { Path = scenario.Source.StorePath },
                    BackupId = "b",
                    Scan = Target(scenario),
                    ConsumerGroups = ["*"],
                },
                scenario.Cancel
            );

    /// <summary>Every other record is gone, as after compaction; neither partition has an offset that the other one has.</summary>
    private static void Holes(RestoreScenario scenario, int partition, bool even, int count)
    {
        scenario.Source.Cluster.Append(
            "orders",
            partition,
            Enumerable
                .Range(0, count)
                .Select(i => LocalRecord.Of(i % 2 == (even ? 0 : 1) ? $"k{partition}-{i}" : "gone", $"v{i}", 1_700_000_000_000 + i))
        );
        scenario.Source.Cluster.Append("orders", partition, LocalRecord.Of("gone", null, 1_700_000_000_500));
        scenario.Source.Cluster.Compact("orders");
    }

    private static string Key(RestoreScenario scenario, OffsetMapping row) =>
        System.Text.Encoding.UTF8.GetString(
            scenario.Restored(row.TargetTopic!, row.TargetPartition!.Value).First(r => r.Offset >= row.TargetOffset).Key!
        );
}
