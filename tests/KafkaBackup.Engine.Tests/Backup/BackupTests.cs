using KafkaBackup.Engine.Tests.Scenarios;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Backup;

public class BackupTests : OnStore
{
    [Fact]
    public async Task B1_a_topic_is_stored_record_for_record()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders", partitions: 3);
        for (var partition = 0; partition < 3; partition++)
        {
            scenario.Cluster.Append(
                "orders",
                partition,
                Enumerable.Range(0, 1000).Select(i => LocalRecord.Of($"k{i}", $"v{i}", 1_700_000_000_000 + i))
            );
        }

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Equal(3000, result.RecordCount);
        Assert.Equal(0, result.ExitCode);
        for (var partition = 0; partition < 3; partition++)
        {
            await scenario.AssertStoredIsSourceAsync("orders", partition);
        }
    }

    [Fact]
    public async Task B6_empty_partitions_and_topics_are_in_the_manifest()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("empty", partitions: 2);

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Complete, result.Status);
        var manifest = await scenario.ManifestAsync();
        Assert.True(manifest.Complete);
        Assert.Equal(2, manifest.Topics["empty"].Partitions.Count);
    }

    [Fact]
    public async Task B8_a_second_run_stores_only_what_is_new()
    {
        await using var scenario = await OpenAsync();
        scenario.Cluster.CreateTopic("orders");
        scenario.Cluster.Append("orders", 0, Enumerable.Range(0, 100).Select(i => LocalRecord.Of("k", $"v{i}")));
        await scenario.BackUpAsync();
        scenario.Cluster.Append("orders", 0, Enumerable.Range(100, 50).Select(i => LocalRecord.Of("k", $"v{i}")));

        var second = await scenario.BackUpAsync();

        Assert.Equal(50, second.RecordCount);
        await scenario.AssertStoredIsSourceAsync("orders");
    }
}
