using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Tests.Scenarios;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing.Storage;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>Dies at every store call in turn, and goes on.</summary>
[Trait("Run", "Long")]
public class CrashTests : OnStore
{
    /// <summary>1 for every store call; more for a sample of them.</summary>
    protected virtual int Step => 1;

    /// <summary>The scenario's time for all its crashes.</summary>
    protected virtual TimeSpan Limit => BackupScenario.Limit;

    [Fact]
    public async Task C1_a_backup_killed_between_any_two_store_calls_and_run_again_equals_one_that_never_was()
    {
        await using var scenario = new BackupScenario(store: new MemoryStore(), limit: Limit);
        scenario.Cluster.CreateTopic("orders", 2);
        scenario.Cluster.CreateTopic("odd");
        scenario.Fill("orders", 30, batch: 10);
        scenario.Fill("orders", 25, partition: 1, batch: 10);
        scenario.Cluster.Append("odd", 0, new LocalRecord(null, [], -1), new LocalRecord([], null, 5) { Headers = [("h", null)] });
        var settings = BackupScenario.Asked() with { SegmentMaxRecords = 10, Compression = CompressionKind.None };

        var crashes = await EnumeratedCrash.RunAsync(
            OpenObjectsAsync,
            store => RunAsync(scenario, store, settings),
            async (store, place) =>
            {
                await UnlockAsync(store);
                await RunAsync(scenario, store, settings);
                await AssertWholeAsync(scenario, store, place);
            },
            Step
        );

        Assert.InRange(crashes, Math.Max(2, 40 / Step), 2000);
    }

    [Fact]
    public async Task C1_a_second_run_that_merges_can_be_killed_anywhere_too()
    {
        await using var scenario = new BackupScenario(store: new MemoryStore(), limit: Limit);
        scenario.Cluster.CreateTopic("orders", 2);
        scenario.Cluster.CreateTopic("odd");
        var settings = BackupScenario.Asked() with
        {
            SegmentMaxRecords = 1000,
            Compression = CompressionKind.None,
            Topics = ["orders", "odd"],
        };
        var before = new MemoryStore();
        for (var i = 0; i < 7; i++)
        {
            scenario.Fill("orders", 3, i * 3);
            await RunAsync(scenario, before, settings);
        }

        scenario.Fill("orders", 3, 21);
        var crashes = await EnumeratedCrash.RunAsync(
            () => CopyAsync(before),
            store => RunAsync(scenario, store, settings),
            async (store, place) =>
            {
                await UnlockAsync(store);
                await RunAsync(scenario, store, settings);
                await AssertWholeAsync(scenario, store, place);
            },
            Step
        );

        Assert.InRange(crashes, Math.Max(2, 20 / Step), 2000);
    }

    private static async Task RunAsync(BackupScenario scenario, IStore store, BackupSettings settings)
    {
        scenario.Wrap = _ => store;
        await using var planned = await scenario.PlanAsync(settings);
        await planned.RunAsync(scenario.Cancel);
    }

    /// <summary>The dead process's lock would be waited out; the clock is not what is tested here.</summary>
    private static async Task UnlockAsync(IStore store) =>
        await store.DeleteAsync(BackupKeys.Of("b", BackupKeys.Lock), CancellationToken.None);

    private static async Task AssertWholeAsync(BackupScenario scenario, IStore store, string place)
    {
        var manifest = (await new BackupCatalog(store).OpenAsync("b", scenario.Cancel)).Manifest;
        Assert.True(manifest.Complete, place);
        foreach (var (topic, partition) in new[] { ("orders", 0), ("orders", 1), ("odd", 0) })
        {
            var stored = await scenario.StoredAsync(topic, partition, store: store);
            Assert.True(
                scenario.Source(topic, partition).Select(r => r.ToString()).SequenceEqual(stored.Select(r => r.ToString())),
                $"{place}: {topic}/{partition}"
            );
        }

        // What the dead run left has gone as well; merged inputs stay while older heads name them.
        var named = manifest.Topics.Values.SelectMany(t => t.Partitions.Values).SelectMany(p => p.Segments).Count();
        var there = 0;
        await foreach (var _ in store.ListAsync("b/topics/", scenario.Cancel))
        {
            there++;
        }

        Assert.InRange(there, named, named + 10);
    }

    private async Task<IOpenedStore> CopyAsync(MemoryStore from)
    {
        var to = await OpenObjectsAsync();
        foreach (var key in from.Keys)
        {
            to[key] = from[key];
        }

        return to;
    }
}
