using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Tests.Scenarios;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>
/// Removing whole backups and old runs: manifest first, interruptible anywhere, never the last complete backup by mistake.
/// </summary>
public class RemovalTests : OnStore
{
    [Fact]
    public async Task C1_a_whole_backup_goes_and_nothing_else_does()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 3);
        await WriteAsync(store, 1, "other");
        store[Id + "/notes.txt"] = [1];
        var others = store.Keys.Where(k => k.StartsWith("other/", StringComparison.Ordinal)).ToArray();

        var result = await RemoveAsync(store, new RemoveSettings());

        Assert.Equal([Id + "/notes.txt", .. others], store.Keys);
        Assert.True(result is { WholeBackup: true, Applied: true, ObjectsRemoved: > 6, BytesFreed: > 1000 });
    }

    [Fact]
    public async Task C1_only_the_newest_runs_are_kept()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 5);

        var result = await RemoveAsync(store, new RemoveSettings { KeepLast = 2 });

        var manifest = await ManifestAsync(store);
        Assert.Equal(["run-4", "run-5"], manifest.Runs.Select(r => r.RunId));
        var partition = manifest.Topics["orders"].Partitions[0];
        Assert.Equal([30L, 40L], partition.Segments.Select(s => s.FirstOffset));
        Assert.Equal((30L, 50L, true), (partition.CapturedStart, partition.NextOffset, manifest.Complete));
        Assert.Equal((6, false), (result.ObjectsRemoved, result.WholeBackup));
        Assert.Equal(4, store.Keys.Count(k => k.EndsWith(".kbs", StringComparison.Ordinal)));
        Assert.Empty((await CheckAsync(store)).Findings);
    }

    [Fact]
    public async Task H1_a_plan_writes_nothing_and_says_what_would_go()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 2);
        var counting = new CountingStore(store);

        await using var planned = await EngineOn(counting)
            .PlanRemovalAsync(
                new RemoveSettings
                {
                    Store = Settings,
                    BackupId = Id,
                    Force = true,
                },
                default
            );

        var plan = Assert.Single(planned.Plan);
        Assert.Equal(
            (store.Keys.Count, (long)store.Keys.Sum(k => store[k].Length), false),
            (plan.ObjectsRemoved, plan.BytesFreed, plan.Applied)
        );
        Assert.Equal(0, counting.Counts.Writes);
    }
}
