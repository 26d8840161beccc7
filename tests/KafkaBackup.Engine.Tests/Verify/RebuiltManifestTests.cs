using System.Text;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>What a repair makes of what is left of a manifest, and when it has nothing to do; the store does not matter here.</summary>
public sealed class RebuiltManifestTests
{
    [Fact]
    public async Task C2_a_backup_in_order_needs_nothing()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 2);

        await using var planned = await PlanRepairAsync(store);

        Assert.Empty(planned.Plan.Actions);
        Assert.Empty(planned.Plan.Findings);
        Assert.False(planned.Plan.Applied);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task C2_a_manifest_that_names_a_later_version_throughout_is_never_rebuilt(bool force)
    {
        var store = new MemoryStore();
        await WriteAsync(store, 2);
        foreach (var key in Heads(store))
        {
            CallVersion9(store, key);
        }

        var before = store.Keys.ToDictionary(k => k, k => store[k]);

        var repair = await Assert.ThrowsAsync<KafkaBackupException>(() => RepairAsync(store, force));
        var check = await Assert.ThrowsAsync<KafkaBackupException>(() => CheckAsync(store));

        Assert.Equal((ErrorIds.FormatTooNew, ErrorIds.FormatTooNew), (repair.Definition, check.Definition));
        Assert.Contains("version 9", repair.Message, StringComparison.Ordinal);
        Assert.Contains("that wrote this backup", repair.Advice, StringComparison.Ordinal);
        Assert.Equal(before.Keys, store.Keys);
        Assert.All(before, b => Assert.Equal(b.Value, store[b.Key]));
    }

    [Fact]
    public async Task C2_one_head_that_names_a_later_version_is_damage_where_another_serves()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 2);
        CallVersion9(store, Heads(store).Last());

        Assert.Contains((await CheckAsync(store)).Findings, f => f.Kind == FindingKind.ManifestDamaged);
        await RepairAsync(store);
        Assert.DoesNotContain((await CheckAsync(store)).Findings, f => f.Kind == FindingKind.ManifestDamaged);
    }

    [Fact]
    public async Task C2_topic_configs_come_from_pages_that_are_left()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 2);
        foreach (var key in Heads(store))
        {
            Flip(store, key, 400);
        }

        await RepairAsync(store);

        var topic = (await ManifestAsync(store)).Topics["orders"];
        Assert.Equal(("-1", 3, "id-orders"), (topic.Configs["retention.ms"], topic.ReplicationFactor, topic.TopicId));
    }

    [Fact]
    public async Task C2_of_a_merged_segment_and_its_parts_the_rebuilt_manifest_names_one()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 2);
        var (merged, _) = await AddSegmentAsync(store, Id, "orders", 0, 0, "run-2", records: 20);
        RepairTests.RemoveManifest(store);

        await RepairAsync(store);

        Assert.Equal([merged.Key], (await ManifestAsync(store)).Topics["orders"].Partitions[0].Segments.Select(s => s.Key));
        Assert.Equal(2, (await CheckAsync(store)).Findings.Count(f => f.Kind == FindingKind.Orphaned));
        await RepairAsync(store);
        Assert.Equal([FindingKind.Incomplete], (await CheckAsync(store)).Findings.Select(f => f.Kind));
    }

    [Fact]
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

    [Fact]
    public async Task C1_a_plan_that_another_run_has_overtaken_is_refused()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 1);
        await AddSegmentAsync(store, Id, "orders", 0, 10, "run-2");
        await using var planned = await PlanRepairAsync(store);
        await using (
            var session = await BackupSession.BeginAsync(
                new BackupCatalog(store),
                Id,
                new SessionOptions { RunId = "run-2", Clock = TimeProvider.System },
                default
            )
        )
        {
            await session.CommitAsync(session.Manifest!, default);
        }

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => planned.RunAsync(default));

        Assert.Equal(ErrorIds.BackupLocked.Id, error.ErrorId);
    }

    [Fact]
    public async Task K_a_backup_of_the_other_tool_is_not_repaired()
    {
        var store = new MemoryStore();
        ForeignBackup.Put(store, Id);
        Assert.Equal(ErrorIds.BackupReadOnly.Id, (await Assert.ThrowsAsync<KafkaBackupException>(() => PlanRepairAsync(store))).ErrorId);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task C2_segments_of_another_backup_or_place_are_reported_and_stay(bool hasManifest)
    {
        var store = new MemoryStore();
        await WriteAsync(store, 2);
        await WriteAsync(store, 3, "a");
        var stranger = SegmentKey(store, 2);
        Assert.StartsWith("a/", stranger, StringComparison.Ordinal);
        var first = Id + "/topics/orders/partition=0/segment-00000000000000000000-0000000000.kbs";
        var elsewhere = Id + "/topics/orders/partition=1/segment-00000000000000000020-0000000000.kbs";
        store[first] = store[stranger];
        var (misplaced, _) = await AddSegmentAsync(store, Id, "orders", 0, 20, "run-3");
        store[elsewhere] = store[$"{Id}/{misplaced.Key}"];
        store.Remove($"{Id}/{misplaced.Key}");
        if (hasManifest)
        {
            Flip(store, Heads(store).Last(), 400);
            store.Remove(Id + "/manifest.json");
        }
        else
        {
            RepairTests.RemoveManifest(store);
        }

        var result = await RepairAsync(store);

        var manifest = await ManifestAsync(store);
        Assert.Equal(Id, manifest.BackupId);
        Assert.Equal(4, Segments(manifest).Count());
        Assert.All(
            (string[])[first, elsewhere],
            key =>
            {
                Assert.Contains(result.Findings, f => f.Place == key && f.Severity == FindingSeverity.Warning);
                Assert.Contains(key, store.Keys);
            }
        );
    }

    [Fact]
    public async Task C2_without_manifest_a_renamed_backup_is_that_of_most_segments()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 3, "old");
        await WriteAsync(store, 1, "a");
        foreach (var key in store.Keys.Where(k => k.StartsWith("old/topics/", StringComparison.Ordinal)).ToArray())
        {
            store[Id + key["old".Length..]] = store[key];
        }

        var stranger = store.Keys.First(k => k.StartsWith("a/topics/", StringComparison.Ordinal));
        store[Id + "/topics/orders/partition=0/segment-00000000000000000000-0000000000.kbs"] = store[stranger];

        await RepairAsync(store);

        var manifest = await ManifestAsync(store);
        Assert.Equal(("old", 6), (manifest.BackupId, Segments(manifest).Count()));
    }

    private static string[] Heads(MemoryStore store) =>
        store.Keys.Where(k => k == Id + "/manifest.json" || k.StartsWith(Id + "/manifest/0", StringComparison.Ordinal)).ToArray();

    /// <summary>As by hand: the checksum stays that of what was there.</summary>
    private static void CallVersion9(MemoryStore store, string key) =>
        store[key] = Encoding.UTF8.GetBytes(
            Encoding.UTF8.GetString(store[key]).Replace("\"version\": 1", "\"version\": 9", StringComparison.Ordinal)
        );
}
