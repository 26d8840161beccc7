using KafkaBackup.Engine.Catalog;
using KafkaBackup.Testing.Storage;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>What a run that died leaves behind, and what the run after it removes.</summary>
public sealed class LeftoverTests
{
    private const string Leftover = "b/topics/orders/partition=0/segment-00000000000000000080-dead.kbs";

    [Fact]
    public async Task C1_leftovers_of_a_dead_run_go_and_segments_that_only_older_heads_name_stay()
    {
        var store = new MemoryStore();
        await using var scenario = new BackupScenario(store: store);
        await MergedAndDeadAsync(scenario, store);
        Assert.NotEmpty((await NamedAsync(store)).OlderOnly);

        // Dies once more after the sweep, with the older heads still there.
        await DieAsync(scenario, store);

        Assert.DoesNotContain(Leftover, store.Keys);
        var (newest, olderOnly) = await NamedAsync(store);
        Assert.NotEmpty(olderOnly);
        Assert.All(newest.Concat(olderOnly), key => Assert.Contains(key, store.Keys));

        Assert.Equal(BackupStatus.Complete, (await scenario.BackUpAsync()).Status);
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task C2_while_an_older_head_cannot_be_read_nothing_is_removed_for_it_may_name_it()
    {
        var store = new MemoryStore();
        await using var scenario = new BackupScenario(store: store);
        await MergedAndDeadAsync(scenario, store);
        var heads = store.Keys.Where(k => k.StartsWith("b/manifest/0", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToArray();
        store[heads[^2]] = "rubbish"u8.ToArray();
        var before = store.Keys.Where(k => k.StartsWith("b/topics/", StringComparison.Ordinal)).ToArray();

        await DieAsync(scenario, store);

        Assert.Contains(Leftover, store.Keys);
        Assert.All(before, key => Assert.Contains(key, store.Keys));
    }

    [Fact]
    public async Task C1_a_run_after_one_that_came_to_its_end_looks_for_no_leftovers()
    {
        var store = new MemoryStore();
        await using var scenario = new BackupScenario(store: store);
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        await scenario.BackUpAsync();
        store[Leftover] = [1];

        await scenario.BackUpAsync();

        Assert.Contains(Leftover, store.Keys);
    }

    /// <summary>
    /// Eight runs, the last of which merges; then one that dies right after its first commit, and a segment of it that no head names.
    /// </summary>
    private static async Task MergedAndDeadAsync(BackupScenario scenario, MemoryStore store)
    {
        scenario.Cluster.CreateTopic("orders");
        for (var i = 0; i < 8; i++)
        {
            scenario.Fill("orders", 10, i * 10);
            await scenario.BackUpAsync();
        }

        scenario.Fill("orders", 10, 80);
        await DieAsync(scenario, store);
        store[Leftover] = [1];
    }

    /// <summary>A run that dies as it is about to write its first segment.</summary>
    private static async Task DieAsync(BackupScenario scenario, MemoryStore store)
    {
        scenario.Wrap = s => new DyingStore(s);
        await Assert.ThrowsAsync<ProcessDiedException>(() => scenario.BackUpAsync());
        scenario.Wrap = s => s;
        store.Remove(BackupKeys.Of("b", BackupKeys.Lock));
    }

    /// <summary>The segments that the newest head names, and those that only older ones do.</summary>
    private static async Task<(IReadOnlyList<string> Newest, IReadOnlyList<string> OlderOnly)> NamedAsync(MemoryStore store)
    {
        var search = new HeadSearch(store, "b");
        var byHead = new List<string[]>();
        foreach (var generation in await search.ListGenerationsAsync(CancellationToken.None))
        {
            var head = await search.ReadAsync(generation, CancellationToken.None);
            var manifest = (await new ManifestLoader(store, "b").LoadAsync(head!, CancellationToken.None)).Manifest;
            byHead.Add([
                .. manifest
                    .Topics.Values.SelectMany(t => t.Partitions.Values)
                    .SelectMany(p => p.Segments)
                    .Select(s => BackupKeys.Of("b", s.Key)),
            ]);
        }

        return (byHead[^1], byHead.SelectMany(h => h).Distinct().Except(byHead[^1]).ToArray());
    }

    private sealed class DyingStore(Engine.Storage.IStore inner) : InterceptingStore(inner)
    {
        private volatile bool _dead;

        protected override bool LetsCleanUp => !_dead;

        protected override ValueTask BeforeAsync(StoreCall call, string key, CancellationToken cancel)
        {
            _dead |= call == StoreCall.Create;
            return _dead ? throw new ProcessDiedException() : ValueTask.CompletedTask;
        }

        protected override void After(StoreCall call, string key) { }
    }
}
