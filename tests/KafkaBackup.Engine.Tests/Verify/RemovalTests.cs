using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>Removing whole backups and old runs: manifest first, interruptible anywhere, never the last complete backup by mistake.</summary>
public sealed class RemovalTests
{
    private const int Limit = 60_000;

    [Fact(Timeout = Limit)]
    public async Task C1_a_whole_backup_goes_and_nothing_else_does()
    {
        var store = new MemoryStore();
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
        var store = new MemoryStore();
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
        var store = new MemoryStore();
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
        var store = new MemoryStore();
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
        var store = new MemoryStore();
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
        var store = new MemoryStore();
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
        var store = new MemoryStore();
        ForeignBackup.Put(store, Id);

        Assert.Equal(ErrorIds.BackupReadOnly.Id, (await Assert.ThrowsAsync<KafkaBackupException>(() => RemoveAsync(store, new RemoveSettings()))).ErrorId);
        await RemoveAsync(store, new RemoveSettings { Force = true });
        Assert.Empty(store.Keys);
    }

    [Fact(Timeout = Limit)]
    public async Task C1_a_backup_that_is_being_written_is_not_removed_even_with_force()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await WriteAsync(store, 1, clock: clock);
        await using var session = await BackupSession.BeginAsync(new BackupCatalog(store), Id, new SessionOptions { RunId = "run-2", Clock = clock }, default);

        var removal = RemoveAsync(store, clock: clock);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => clock.RunAsync(removal, TimeSpan.FromSeconds(1)));

        Assert.Equal(ErrorIds.BackupLocked.Id, error.ErrorId);
    }

    [Theory(Timeout = 120_000)]
    [InlineData("whole")]
    [InlineData("damaged")]
    [InlineData("foreign")]
    public async Task C1_a_removal_killed_at_any_store_call_leaves_the_backup_intact_or_empty_or_gone_and_can_be_run_again(string kind)
    {
        var before = new MemoryStore();
        if (kind == "foreign")
        {
            ForeignBackup.Put(before, Id);
        }
        else
        {
            await WriteAsync(before, 2);
        }

        if (kind == "damaged")
        {
            foreach (var key in before.Keys.Where(k => k.Contains("/manifest", StringComparison.Ordinal)))
            {
                Flip(before, key, 300);
            }
        }

        var crashes = await EnumeratedCrash.RunAsync(
            before.Clone,
            store => RemoveAsync(store),
            async (store, fate) =>
            {
                store.Remove(Id + "/lock.json");
                if (store.Keys.Count == 0)
                {
                    return;
                }

                if (kind != "damaged" || store.Keys.Any(k => !before.Keys.Contains(k)))
                {
                    var report = await TryCheckAsync(store);
                    Assert.True(
                        report is null || report.RecordCount == 0 || report.Status != ReportStatus.Invalid,
                        $"{fate}: {report?.RecordCount} records, {string.Join("; ", report?.Findings.Select(f => f.ToString()) ?? [])}");
                }

                if (store.Keys.Count > 0)
                {
                    await RemoveAsync(store);
                }

                Assert.Empty(store.Keys);
            });

        Assert.InRange(crashes, 8, 5000);
    }

    [Fact(Timeout = 120_000)]
    public async Task C1_pruning_killed_at_any_store_call_leaves_all_or_the_kept_runs_and_no_leftovers_after_the_rerun()
    {
        var before = new MemoryStore();
        await WriteAsync(before, 4);
        var settings = new RemoveSettings { KeepLast = 2 };

        var crashes = await EnumeratedCrash.RunAsync(
            before.Clone,
            store => RemoveAsync(store, settings),
            async (store, fate) =>
            {
                store.Remove(Id + "/lock.json");
                var between = await CheckAsync(store);
                Assert.True(between.RecordCount is 80 or 40 && between.RecordsChecked == between.RecordCount, $"{fate}: {between.RecordCount}");
                Assert.NotEqual(ReportStatus.Invalid, between.Status);

                await RemoveAsync(store, settings);

                var after = await CheckAsync(store);
                Assert.True(after is { Findings.Count: 0, RecordsChecked: 40 }, $"{fate}: {string.Join("; ", after.Findings)}");
                Assert.Equal(4, store.Keys.Count(k => k.EndsWith(".kbs", StringComparison.Ordinal)));
            });

        Assert.InRange(crashes, 20, 5000);
    }

    /// <summary>Null when there is no such backup any more.</summary>
    private static async Task<BackupReport?> TryCheckAsync(MemoryStore store)
    {
        try
        {
            return await CheckAsync(store);
        }
        catch (KafkaBackupException error) when (error.Definition == ErrorIds.BackupNotFound)
        {
            return null;
        }
    }
}
