using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>Repair says what it does before it does it, and what it leaves is a backup that checks clean.</summary>
public sealed class RepairTests
{
    private const int Limit = 60_000;
    private const string LockKey = Id + "/lock.json";

    [Fact(Timeout = Limit)]
    public async Task C2_a_backup_in_order_needs_nothing()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 2);

        await using var planned = await PlanRepairAsync(store);

        Assert.Empty(planned.Plan.Actions);
        Assert.Empty(planned.Plan.Findings);
        Assert.False(planned.Plan.Applied);
    }

    [Fact(Timeout = Limit)]
    public async Task C2_a_lost_manifest_is_rebuilt_from_the_segments()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 3);
        var before = await ManifestAsync(store);
        RemoveManifest(store);

        var result = await RepairAsync(store);

        Assert.True(result.Applied);
        var after = await ManifestAsync(store);
        Assert.Equal(Segments(before), Segments(after));
        Assert.Equal([0, 1], after.Topics["orders"].Partitions.Keys.Order());
        Assert.Equal(before.Topics["orders"].Partitions[0].NextOffset, after.Topics["orders"].Partitions[0].NextOffset);
        Assert.Equal(before.Topics["orders"].Partitions[1].LastRecord!.Digest, after.Topics["orders"].Partitions[1].LastRecord!.Digest);
        Assert.Equal(["run-1", "run-2", "run-3"], after.Runs.Select(r => r.RunId).Order(StringComparer.Ordinal));
        Assert.False(after.Complete);
        Assert.Contains(result.Findings, f => f.Kind == FindingKind.ManifestDamaged && f.Message.Contains("configs", StringComparison.Ordinal));
        Assert.Equal([FindingKind.Incomplete], (await CheckAsync(store)).Findings.Select(f => f.Kind));
    }

    [Fact(Timeout = Limit)]
    public async Task C2_topic_configs_come_from_pages_that_are_left()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 2);
        foreach (var key in store.Keys.Where(k => k == Id + "/manifest.json" || k.StartsWith(Id + "/manifest/0", StringComparison.Ordinal)))
        {
            Flip(store, key, 400);
        }

        await RepairAsync(store);

        var topic = (await ManifestAsync(store)).Topics["orders"];
        Assert.Equal(("-1", 3, "id-orders"), (topic.Configs["retention.ms"], topic.ReplicationFactor, topic.TopicId));
    }

    [Fact(Timeout = Limit)]
    public async Task C2_of_a_merged_segment_and_its_parts_the_rebuilt_manifest_names_one()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 2);
        var (merged, _) = await AddSegmentAsync(store, Id, "orders", 0, 0, "run-2", records: 20);
        RemoveManifest(store);

        await RepairAsync(store);

        Assert.Equal([merged.Key], (await ManifestAsync(store)).Topics["orders"].Partitions[0].Segments.Select(s => s.Key));
        Assert.Equal(2, (await CheckAsync(store)).Findings.Count(f => f.Kind == FindingKind.Orphaned));
        await RepairAsync(store);
        Assert.Equal([FindingKind.Incomplete], (await CheckAsync(store)).Findings.Select(f => f.Kind));
    }

    [Fact(Timeout = Limit)]
    public async Task C2_damaged_segments_are_left_out_of_a_rebuilt_manifest_and_left_where_they_are()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 3);
        RemoveManifest(store);
        var damaged = store.Keys.First(k => k.Contains("partition=0", StringComparison.Ordinal) && k.Contains("00010-", StringComparison.Ordinal));
        Flip(store, damaged, store[damaged].Length / 2);

        var result = await RepairAsync(store);

        var partition = (await ManifestAsync(store)).Topics["orders"].Partitions[0];
        Assert.Equal([0L, 20L], partition.Segments.Select(s => s.FirstOffset));
        Assert.Contains(result.Findings, f => f.Kind == FindingKind.Corrupt && f.Place == damaged);
        Assert.Contains(result.Findings, f => f.Kind == FindingKind.Gap && f.Message.Contains("10 to 19", StringComparison.Ordinal));
        Assert.Contains(damaged, store.Keys);
    }

    [Theory(Timeout = Limit)]
    [InlineData(0)]
    [InlineData(10)]
    public async Task C2_a_damaged_segment_that_was_left_out_survives_further_repairs_and_is_taken_in_once_it_is_put_back(int first)
    {
        var store = new MemoryStore();
        await WriteAsync(store, 3);
        RemoveManifest(store);
        var damaged = store.Keys.First(k => k.Contains($"partition=0/segment-{first:D20}", StringComparison.Ordinal));
        var copy = store[damaged];
        Flip(store, damaged, copy.Length / 2);
        await RepairAsync(store);

        await RepairAsync(store);

        Assert.Contains(damaged, store.Keys);
        var gap = Assert.Single((await ManifestAsync(store)).Topics["orders"].Partitions[0].Gaps);
        Assert.Equal((first, first + 10), (gap.FromOffset, gap.ToOffset));
        Assert.Contains((await CheckAsync(store)).Findings, f => f.Kind == FindingKind.Gap && f.Advice.Contains("put", StringComparison.OrdinalIgnoreCase));

        store[damaged] = copy;
        await RepairAsync(store);

        var partition = (await ManifestAsync(store)).Topics["orders"].Partitions[0];
        Assert.Equal([0L, 10L, 20L], partition.Segments.Select(s => s.FirstOffset));
        Assert.Empty(partition.Gaps);
        Assert.Equal([FindingKind.Incomplete], (await CheckAsync(store)).Findings.Select(f => f.Kind));
    }

    [Fact(Timeout = Limit)]
    public async Task C2_a_damaged_newest_head_costs_no_segment()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 3);
        var before = await ManifestAsync(store);
        Flip(store, BackupKeys.Of(Id, BackupKeys.Head(before.Generation)), 400);
        store.Remove(Id + "/manifest.json");
        Assert.Equal(4, Segments(await ManifestAsync(store)).Count());

        await RepairAsync(store);

        var after = await ManifestAsync(store);
        Assert.Equal(Segments(before), Segments(after));
        Assert.Equal("-1", after.Topics["orders"].Configs["retention.ms"]);
        Assert.Single(after.GroupSnapshots);
        Assert.Equal([FindingKind.Incomplete], (await CheckAsync(store)).Findings.Select(f => f.Kind));
    }

    [Fact(Timeout = Limit)]
    public async Task D2_whatever_single_file_of_the_manifest_is_damaged_or_missing_the_repaired_backup_checks_clean()
    {
        var sound = new MemoryStore();
        await WriteAsync(sound, 3);
        foreach (var key in sound.Keys.Where(k => k.Contains("/manifest", StringComparison.Ordinal)))
        {
            foreach (var missing in (bool[])[false, true])
            {
                var store = sound.Clone();
                if (missing)
                {
                    store.Remove(key);
                }
                else
                {
                    Flip(store, key, store[key].Length / 2);
                }

                await RepairAsync(store);

                var report = await CheckAsync(store);
                Assert.True(report.Findings.All(f => f.Kind == FindingKind.Incomplete), $"{key} missing: {missing}: {string.Join("; ", report.Findings)}");
                Assert.Equal(60, report.RecordsChecked);
            }
        }
    }

    [Fact(Timeout = Limit)]
    public async Task C1_a_stale_lock_is_released_and_a_live_one_is_not()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await WriteAsync(store, 1, clock: clock);
        store[LockKey] = new LockDocument { Owner = "other", Host = "other-host", RunId = "run-9", HeartbeatSeconds = 10 }.Write();

        await using (var early = await PlanRepairAsync(store, clock: clock))
        {
            Assert.Empty(early.Plan.Actions);
            Assert.Equal(FindingKind.Lock, Assert.Single(early.Plan.Findings).Kind);
        }

        clock.Advance(TimeSpan.FromMinutes(1));
        var repair = RepairAsync(store, clock: clock);
        await clock.RunAsync(repair, TimeSpan.FromSeconds(1));

        Assert.Contains("other-host", Assert.Single((await repair).Actions), StringComparison.Ordinal);
        Assert.DoesNotContain(LockKey, store.Keys);
    }

    [Fact(Timeout = Limit)]
    public async Task H5_force_releases_a_lock_that_is_not_proven_dead()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await WriteAsync(store, 1, clock: clock);
        store[LockKey] = new LockDocument { Owner = "other", Host = "other-host", RunId = "run-9", HeartbeatSeconds = 10 }.Write();

        await RepairAsync(store, force: true, clock);

        Assert.DoesNotContain(LockKey, store.Keys);
    }

    [Fact(Timeout = Limit)]
    public async Task C1_orphans_and_uploads_are_removed_after_they_were_shown()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 1);
        var (orphan, _) = await AddSegmentAsync(store, Id, "orders", 0, 10, "run-2");
        await using var upload = await store.CreateAsync(BackupKeys.Of(Id, BackupKeys.NewSegment("orders", 0, 20)), default);
        store[Id + "/topics/orders/readme.txt"] = [1];

        var counting = new CountingStore(store);
        await using (var planned = await PlanRepairAsync(counting))
        {
            Assert.Equal(2, planned.Plan.Actions.Count);
            Assert.Contains(orphan.Key, planned.Plan.Actions[0], StringComparison.Ordinal);
            Assert.Equal(0, counting.Counts.Writes);
        }

        await RepairAsync(store);

        Assert.DoesNotContain(BackupKeys.Of(Id, orphan.Key), store.Keys);
        Assert.Contains(Id + "/topics/orders/readme.txt", store.Keys);
        Assert.Empty((await CheckAsync(store)).Findings);
        Assert.Equal(2, Segments(await ManifestAsync(store)).Count());
    }

    [Fact(Timeout = Limit)]
    public async Task C1_a_plan_that_another_run_has_overtaken_is_refused()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 1);
        await AddSegmentAsync(store, Id, "orders", 0, 10, "run-2");
        await using var planned = await PlanRepairAsync(store);
        await using (var session = await BackupSession.BeginAsync(new BackupCatalog(store), Id, new SessionOptions { RunId = "run-2", Clock = TimeProvider.System }, default))
        {
            await session.CommitAsync(session.Manifest!, default);
        }

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => planned.RunAsync(default));

        Assert.Equal(ErrorIds.BackupLocked.Id, error.ErrorId);
    }

    [Fact(Timeout = Limit)]
    public async Task K_a_backup_of_the_other_tool_is_not_repaired()
    {
        var store = new MemoryStore();
        ForeignBackup.Put(store, Id);
        Assert.Equal(ErrorIds.BackupReadOnly.Id, (await Assert.ThrowsAsync<KafkaBackupException>(() => PlanRepairAsync(store))).ErrorId);
    }

    [Theory(Timeout = 120_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task C1_a_repair_killed_at_any_store_call_and_run_again_ends_the_same(bool lostManifest)
    {
        var sound = new MemoryStore();
        await WriteAsync(sound, 2);
        if (lostManifest)
        {
            RemoveManifest(sound);
        }
        else
        {
            await AddSegmentAsync(sound, Id, "orders", 0, 20, "run-3");
            Flip(sound, sound.Keys.First(k => k.Contains("/manifest/pages/", StringComparison.Ordinal)), 50);
        }

        var crashes = await EnumeratedCrash.RunAsync(
            sound.Clone,
            store => RepairAsync(store),
            async (store, fate) =>
            {
                store.Remove(LockKey);
                await RepairAsync(store);
                var report = await CheckAsync(store);
                Assert.True(report.Findings.All(f => f.Kind == FindingKind.Incomplete) && report.RecordsChecked == 40, $"{fate}: {string.Join("; ", report.Findings)}");
            });

        Assert.InRange(crashes, 20, 5000);
    }

    private static void RemoveManifest(MemoryStore store)
    {
        foreach (var key in store.Keys.Where(k => k.Contains("/manifest", StringComparison.Ordinal)))
        {
            store.Remove(key);
        }
    }
}
