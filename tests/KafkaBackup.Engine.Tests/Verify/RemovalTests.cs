using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Tests.Scenarios;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>Removing whole backups and old runs: manifest first, interruptible anywhere, never the last complete backup by mistake.</summary>
public class RemovalTests : OnStore
{
    private const int Limit = 60_000;

    [Fact(Timeout = Limit)]
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

    [Fact(Timeout = Limit)]
    public async Task H5_the_last_complete_backup_needs_force()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 1);
        await WriteAsync(store, 1, "broken");
        foreach (var key in store.Keys.Where(k => k.StartsWith("broken/manifest", StringComparison.Ordinal)))
        {
            Flip(store, key, 300);
        }

        Assert.Equal(ErrorIds.LastCompleteBackup.Id, (await Assert.ThrowsAsync<KafkaBackupException>(() => RemoveAsync(store, new RemoveSettings()))).ErrorId);
        var old = new RemoveSettings { OlderThan = Begin.AddYears(1).ToUnixTimeMilliseconds() };
        Assert.Equal(ErrorIds.LastCompleteBackup.Id, (await Assert.ThrowsAsync<KafkaBackupException>(() => RemoveAsync(store, old))).ErrorId);

        // One that cannot be read may be complete, but it may go as long as another certainly is.
        await RemoveAsync(store, new RemoveSettings { BackupId = "broken" });
        Assert.DoesNotContain(store.Keys, k => k.StartsWith("broken/", StringComparison.Ordinal));
        await RemoveAsync(store, new RemoveSettings { Force = true });
        Assert.Empty(store.Keys);
    }

    [Fact(Timeout = Limit)]
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

    [Fact(Timeout = Limit)]
    public async Task C1_runs_that_ended_before_a_time_are_removed()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 4);

        await RemoveAsync(store, new RemoveSettings { OlderThan = Begin.AddHours(2).ToUnixTimeMilliseconds() });
        Assert.Equal(["run-3", "run-4"], (await ManifestAsync(store)).Runs.Select(r => r.RunId));

        // With both limits a run goes only when both say so.
        await RemoveAsync(store, new RemoveSettings { OlderThan = Begin.AddYears(1).ToUnixTimeMilliseconds(), KeepLast = 1 });
        Assert.Equal(["run-4"], (await ManifestAsync(store)).Runs.Select(r => r.RunId));
    }

    [Fact(Timeout = Limit)]
    public async Task C1_pruning_leaves_no_hole_in_the_middle()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 3);

        // As after a merge: the oldest segment is of the newest run.
        await using (var session = await BackupSession.BeginAsync(new BackupCatalog(store), Id, new SessionOptions { RunId = "run-4", Clock = TimeProvider.System }, default))
        {
            var topic = session.Manifest!.Topics["orders"];
            var partitions = topic.Partitions.ToDictionary(p => p.Key, p => p.Value with { Segments = [p.Value.Segments[0] with { RunId = "run-3" }, .. p.Value.Segments.Skip(1)] });
            await session.CommitAsync(
                session.Manifest with { Topics = new Dictionary<string, Engine.Format.Manifests.TopicEntry> { ["orders"] = topic with { Partitions = partitions } } }, default);
        }

        await RemoveAsync(store, new RemoveSettings { KeepLast = 1 });

        Assert.Equal([0L, 10L, 20L], (await ManifestAsync(store)).Topics["orders"].Partitions[0].Segments.Select(s => s.FirstOffset));
    }

    [Fact(Timeout = Limit)]
    public async Task H1_a_plan_writes_nothing_and_says_what_would_go()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 2);
        var counting = new CountingStore(store);

        await using var planned = await EngineOn(counting).PlanRemovalAsync(new RemoveSettings { Store = Settings, BackupId = Id, Force = true }, default);

        var plan = Assert.Single(planned.Plan);
        Assert.Equal((store.Keys.Count, (long)store.Keys.Sum(k => store[k].Length), false), (plan.ObjectsRemoved, plan.BytesFreed, plan.Applied));
        Assert.Equal(0, counting.Counts.Writes);
    }

    [Fact(Timeout = Limit)]
    public async Task K_a_backup_of_the_other_tool_needs_force_and_goes_as_a_whole()
    {
        var store = await OpenObjectsAsync();
        ForeignBackup.Put(store, Id);

        Assert.Equal(ErrorIds.BackupReadOnly.Id, (await Assert.ThrowsAsync<KafkaBackupException>(() => RemoveAsync(store, new RemoveSettings()))).ErrorId);
        await RemoveAsync(store, new RemoveSettings { Force = true });
        Assert.Empty(store.Keys);
    }
}
