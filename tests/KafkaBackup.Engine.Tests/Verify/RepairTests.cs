using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Tests.Scenarios;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>Repair says what it does before it does it, and what it leaves is a backup that checks clean.</summary>
public class RepairTests : OnStore
{
    private const int Limit = 60_000;

    [Fact(Timeout = Limit)]
    public async Task C2_a_backup_in_order_needs_nothing()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 2);

        await using var planned = await PlanRepairAsync(store);

        Assert.Empty(planned.Plan.Actions);
        Assert.Empty(planned.Plan.Findings);
        Assert.False(planned.Plan.Applied);
    }

    [Fact(Timeout = Limit)]
    public async Task C2_a_lost_manifest_is_rebuilt_from_the_segments()
    {
        var store = await OpenObjectsAsync();
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
        var store = await OpenObjectsAsync();
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
        var store = await OpenObjectsAsync();
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
        var store = await OpenObjectsAsync();
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

    [Fact(Timeout = Limit)]
    public async Task C2_a_damaged_newest_head_costs_no_segment()
    {
        var store = await OpenObjectsAsync();
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
    public async Task C1_orphans_and_uploads_are_removed_after_they_were_shown()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 1);
        var (orphan, _) = await AddSegmentAsync(store, Id, "orders", 0, 10, "run-2");
        await using var upload = await BegunUploadAsync(store, 20);
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
        var store = await OpenObjectsAsync();
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
        var store = await OpenObjectsAsync();
        ForeignBackup.Put(store, Id);
        Assert.Equal(ErrorIds.BackupReadOnly.Id, (await Assert.ThrowsAsync<KafkaBackupException>(() => PlanRepairAsync(store))).ErrorId);
    }

    internal static void RemoveManifest(IOpenedStore store)
    {
        foreach (var key in store.Keys.Where(k => k.Contains("/manifest", StringComparison.Ordinal)))
        {
            store.Remove(key);
        }
    }
}
