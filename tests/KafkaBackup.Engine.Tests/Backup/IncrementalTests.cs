using KafkaBackup.Engine.Tests.Scenarios;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>Runs that continue an earlier one.</summary>
public class IncrementalTests : OnStore
{
    [Fact]
    public async Task B8_new_topics_and_new_partitions_join()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        await scenario.BackUpAsync();
        scenario.Cluster.AddPartitions("orders", 3);
        scenario.Cluster.CreateTopic("new");
        scenario.Fill("orders", 5, partition: 2);
        scenario.Fill("new", 5);

        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Complete, 10L), (result.Status, result.RecordCount));
        await scenario.AssertStoredIsSourceAsync("orders", 2);
        await scenario.AssertStoredIsSourceAsync("new");
        Assert.Equal(3, (await scenario.ManifestAsync()).Topics["orders"].PartitionCount);
    }

    [Fact]
    public async Task B8_a_recreated_topic_is_refused_by_its_id_and_the_others_go_on()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders");
        scenario.Cluster.CreateTopic("other");
        scenario.Fill("orders", 10);
        await scenario.BackUpAsync();
        var before = await scenario.ManifestAsync();
        scenario.Cluster.RecreateTopic("orders");
        scenario.Fill("orders", 50);
        scenario.Fill("other", 5);

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Incomplete, result.Status);
        Assert.Equal(nameof(ErrorIds.TopicRecreated), result.Topics.Single(t => t.Topic == "orders").Partitions.Single().ErrorId);
        Assert.Contains(
            result.Findings,
            f => f.Kind == FindingKind.PartitionTrouble && f.Advice.Contains("new backup id", StringComparison.Ordinal)
        );
        Assert.Equal(10, (await scenario.StoredAsync("orders")).Count);
        Assert.Equal(before.Topics["orders"].TopicId, (await scenario.ManifestAsync()).Topics["orders"].TopicId);
        await scenario.AssertStoredIsSourceAsync("other");
    }

    [Fact]
    public async Task B8_when_nothing_can_be_continued_the_error_comes_before_anything_is_written()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        await scenario.BackUpAsync();
        scenario.Cluster.RecreateTopic("orders");
        scenario.Fill("orders", 50);

        Assert.Equal(ErrorIds.TopicRecreated, (await scenario.RefusedAsync()).Definition);
    }

    [Fact]
    public async Task B8_a_log_that_ends_before_our_offset_was_truncated()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100);
        await scenario.BackUpAsync();
        scenario.Cluster.Truncate("orders", 0, 60);

        Assert.Equal(ErrorIds.LogTruncated, (await scenario.RefusedAsync()).Definition);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(130)]
    public async Task B8_a_log_truncated_and_grown_past_our_offset_is_noticed_by_the_last_record(int end)
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100);
        await scenario.BackUpAsync();
        scenario.Cluster.Truncate("orders", 0, 60);
        scenario.Cluster.Append(
            "orders",
            0,
            Enumerable.Range(60, end - 60).Select(i => LocalRecord.Of("other", $"o{i}", 1_700_000_000_000))
        );

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Failed, result.Status);
        Assert.Equal(nameof(ErrorIds.LogTruncated), result.Topics.Single().Partitions.Single().ErrorId);
        Assert.Equal(100, (await scenario.StoredAsync("orders")).Count);
    }

    [Fact]
    public async Task B8_a_truncation_that_left_our_records_alone_is_no_trouble()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100);
        await scenario.BackUpAsync();
        scenario.Fill("orders", 50, 100);
        scenario.Cluster.Truncate("orders", 0, 120);

        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Complete, 20L), (result.Status, result.RecordCount));
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task B8_compaction_may_remove_our_last_record()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("state", config: new Dictionary<string, string> { ["cleanup.policy"] = "compact" });
        scenario.Cluster.Append("state", 0, LocalRecord.Of("a", "1"));
        scenario.Cluster.Append("state", 0, LocalRecord.Of("b", "1"));
        await scenario.BackUpAsync();
        scenario.Cluster.Append("state", 0, LocalRecord.Of("b", "2"));
        scenario.Cluster.Append("state", 0, LocalRecord.Of("a", "2"));
        scenario.Cluster.Compact("state");

        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Complete, 2L), (result.Status, result.RecordCount));
    }

    [Fact]
    public async Task B8_retention_may_remove_our_last_record_without_a_gap()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100);
        await scenario.BackUpAsync();
        scenario.Fill("orders", 10, 100);
        scenario.Cluster.DeleteRecords("orders", 0, 100);

        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Complete, 10L, 0), (result.Status, result.RecordCount, result.Gaps.Count));
    }

    [Fact]
    public async Task D2_a_run_that_builds_on_segments_that_are_gone_says_so_and_is_not_complete()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders", 2);
        scenario.Fill("orders", 100);
        scenario.Fill("orders", 50, partition: 1);
        await scenario.BackUpAsync();
        foreach (var key in (await scenario.KeysAsync()).Where(k => k.EndsWith(".kbs", StringComparison.Ordinal)))
        {
            await scenario.Store.DeleteAsync(key, scenario.Cancel);
        }

        scenario.Fill("orders", 10, 100);
        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Incomplete, 10L), (result.Status, result.RecordCount));
        var finding = Assert.Single(result.Findings, f => f.Kind == FindingKind.Missing);
        Assert.Contains(
            "orders[0] offsets 0 to 99",
            finding.Message.Replace("orders/0", "orders[0]", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
        Assert.Equal(nameof(ErrorIds.SegmentMissing), Assert.Single(scenario.Events.Errors).ErrorId);
        Assert.False((await scenario.ManifestAsync()).Complete);
    }

    [Fact]
    public async Task B8_another_cluster_is_refused()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders");
        await scenario.BackUpAsync();
        await using var other = LocalCluster.Start();
        other.CreateTopic("orders");

        var error = await scenario.RefusedAsync(
            BackupScenario.Asked() with
            {
                Source = new ClusterSettings { BootstrapServers = [other.BootstrapServers] },
            }
        );

        Assert.Equal(ErrorIds.SourceClusterChanged, error.Definition);
    }
}
