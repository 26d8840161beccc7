using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>Repairs of what a dead run left locked, of every file of a manifest, and repairs that die.</summary>
[Trait("Run", "Long")]
public sealed class RepairCrashTests
{
    private const string LockKey = Id + "/lock.json";

    [Fact]
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
                Assert.True(
                    report.Findings.All(f => f.Kind == FindingKind.Incomplete),
                    $"{key} missing: {missing}: {string.Join("; ", report.Findings)}"
                );
                Assert.Equal(60, report.RecordsChecked);
            }
        }
    }

    [Fact]
    public async Task C1_a_stale_lock_is_released_and_a_live_one_is_not()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await WriteAsync(store, 1, clock: clock);
        store[LockKey] = new LockDocument
        {
            Owner = "other",
            Host = "other-host",
            RunId = "run-9",
            HeartbeatSeconds = 10,
        }.Write();

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

    [Fact]
    public async Task H5_force_releases_a_lock_that_is_not_proven_dead()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await WriteAsync(store, 1, clock: clock);
        store[LockKey] = new LockDocument
        {
            Owner = "other",
            Host = "other-host",
            RunId = "run-9",
            HeartbeatSeconds = 10,
        }.Write();

        await RepairAsync(store, force: true, clock);

        Assert.DoesNotContain(LockKey, store.Keys);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task C1_a_repair_killed_at_any_store_call_and_run_again_ends_the_same(bool lostManifest)
    {
        var sound = new MemoryStore();
        await WriteAsync(sound, 2);
        if (lostManifest)
        {
            RepairTests.RemoveManifest(sound);
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
                Assert.True(
                    report.Findings.All(f => f.Kind == FindingKind.Incomplete) && report.RecordsChecked == 40,
                    $"{fate}: {string.Join("; ", report.Findings)}"
                );
            }
        );

        Assert.InRange(crashes, 20, 5000);
    }
}
