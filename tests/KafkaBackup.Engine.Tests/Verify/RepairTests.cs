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
    [Fact]
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
        Assert.Contains(
            result.Findings,
            f => f.Kind == FindingKind.ManifestDamaged && f.Message.Contains("configs", StringComparison.Ordinal)
        );
        Assert.Equal([FindingKind.Incomplete], (await CheckAsync(store)).Findings.Select(f => f.Kind));
    }

    [Fact]
    public async Task C2_damaged_segments_are_left_out_of_a_rebuilt_manifest_and_left_where_they_are()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 3);
        RemoveManifest(store);
        var damaged = store.Keys.First(k =>
            k.Contains("partition=0", StringComparison.Ordinal) && k.Contains("00010-", StringComparison.Ordinal)
        );
        Flip(store, damaged, store[damaged].Length / 2);

        var result = await RepairAsync(store);

        var partition = (await ManifestAsync(store)).Topics["orders"].Partitions[0];
        Assert.Equal([0L, 20L], partition.Segments.Select(s => s.FirstOffset));
        Assert.Contains(result.Findings, f => f.Kind == FindingKind.Corrupt && f.Place == damaged);
        Assert.Contains(result.Findings, f => f.Kind == FindingKind.Gap && f.Message.Contains("10 to 19", StringComparison.Ordinal));
        Assert.Contains(damaged, store.Keys);
    }

    [Theory]
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
        Assert.Contains(
            (await CheckAsync(store)).Findings,
            f => f.Kind == FindingKind.Gap && f.Advice.Contains("put", StringComparison.OrdinalIgnoreCase)
        );

        store[damaged] = copy;
        await RepairAsync(store);

        var partition = (await ManifestAsync(store)).Topics["orders"].Partitions[0];
        Assert.Equal([0L, 10L, 20L], partition.Segments.Select(s => s.FirstOffset));
        Assert.Empty(partition.Gaps);
        Assert.Equal([FindingKind.Incomplete], (await CheckAsync(store)).Findings.Select(f => f.Kind));
    }

    [Fact]
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

    internal static void RemoveManifest(IOpenedStore store)
    {
        foreach (var key in store.Keys.Where(k => k.Contains("/manifest", StringComparison.Ordinal)))
        {
            store.Remove(key);
        }
    }
}
