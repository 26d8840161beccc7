using System.Text;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing.Records;
using KafkaBackup.Testing.Storage;
using static KafkaBackup.Engine.Tests.Catalog.ManifestSamples;

namespace KafkaBackup.Engine.Tests.Catalog;

/// <summary>From a manifest's entry to records, whichever tool wrote them.</summary>
public sealed class StoredSegmentTests
{
    private static readonly TestRecord[] Records = [.. Enumerable.Range(0, 50).Select(i => TestRecord.Text(i, $"k{i}", $"v{i}"))];

    [Fact]
    public async Task D6_a_segment_of_ours_is_read_block_by_block_and_only_where_asked()
    {
        var (store, catalog, opened) = await OwnAsync();
        var segment = SegmentOf(catalog, opened);
        var counting = store.Counts.BytesRead;

        Assert.Equal(Records, await ReadAsync(segment, null));
        Assert.Equal(Records[20..30], await ReadAsync(segment, b => b.MayHoldOffset(20, 30)));

        Assert.True(store.Counts.BytesRead > counting);
        using var pool = new BlockBufferPool(8 << 20);
        using var reader = await segment.OpenAsync(pool, 0, default);
        Assert.Equal(5, reader.Blocks.Count);
    }

    [Fact]
    public async Task K_a_segment_of_the_other_tool_is_read_the_same_way()
    {
        var store = new MemoryStore();
        store["old/topics/orders/partition=0/segment-1.zst"] = KbakImage.Write(Records, 1);
        store["old/manifest.json"] = Encoding.UTF8.GetBytes(
            """
            {"backup_id":"old","created_at":1705312800000,"compression":"zstd","topics":[{"name":"orders","partitions":[{"partition_id":0,"segments":[
            {"key":"old/topics/orders/partition=0/segment-1.zst","start_offset":0,"end_offset":49,"start_timestamp":1705312800000,
            "end_timestamp":1705312800000,"record_count":50,"uncompressed_size":1,"compressed_size":1}]}]}]}
            """
        );
        var catalog = new BackupCatalog(store);
        var segment = SegmentOf(catalog, await catalog.OpenAsync("old", default));

        Assert.True(segment.IsForeign);
        Assert.Equal(Records, await ReadAsync(segment, null));
    }

    [Fact]
    public async Task D2_a_missing_segment_is_an_error_that_names_what_it_held()
    {
        var (_, catalog, opened) = await OwnAsync(store => store.Remove(store.Keys.Single(IsSegment)));

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => ReadAsync(SegmentOf(catalog, opened), null));

        Assert.Equal(ErrorIds.SegmentMissing.Id, error.ErrorId);
        Assert.Contains("50 records of orders/0, offsets 0 to 49", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D2_a_truncated_segment_is_told_apart()
    {
        var (_, catalog, opened) = await OwnAsync(store =>
            store[store.Keys.Single(IsSegment)] = store[store.Keys.Single(IsSegment)][..^10]
        );

        var error = await Assert.ThrowsAsync<SegmentDamagedException>(() => ReadAsync(SegmentOf(catalog, opened), null));

        Assert.Equal(DamageKind.Truncated, error.Damage.Kind);
    }

    [Theory]
    [InlineData("orders", 1, 0)]
    [InlineData("other", 0, 0)]
    [InlineData("orders", 0, 1)]
    public async Task D2_a_sound_segment_in_the_wrong_place_is_damage(string topic, int partition, int shift)
    {
        var (strange, _) = Image(topic, partition, shift);
        var (_, catalog, opened) = await OwnAsync(store => store[store.Keys.Single(IsSegment)] = strange, strange.Length);

        var error = await Assert.ThrowsAsync<SegmentDamagedException>(() => ReadAsync(SegmentOf(catalog, opened), null));

        Assert.Equal(DamageKind.Corrupt, error.Damage.Kind);
    }

    [Fact]
    public async Task C2_a_store_that_fails_is_not_damage()
    {
        var (store, _, opened) = await OwnAsync();
        var faulty = new FaultyStore(store).FailBefore(StoreCall.Read, FaultyStore.Passing());

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => ReadAsync(SegmentOf(new BackupCatalog(faulty), opened), null));

        Assert.Equal(ErrorIds.StoreUnavailable.Id, error.ErrorId);
    }

    private static bool IsSegment(string key) => key.EndsWith(BackupKeys.SegmentExtension, StringComparison.Ordinal);

    private static (byte[] Bytes, SegmentSummary Summary) Image(string topic, int partition, int shift = 0) =>
        SegmentImage.Write(
            Records.Select(r => r with { Offset = r.Offset + shift }),
            recordsPerBlock: 10,
            header: new SegmentHeader("backup", topic, partition, "run-1", CompressionKind.None, Time)
        );

    private static async Task<(CountingStore Store, BackupCatalog Catalog, OpenedBackup Opened)> OwnAsync(
        Action<MemoryStore>? damage = null,
        long? storedBytes = null
    )
    {
        var memory = new MemoryStore();
        var store = new CountingStore(memory);
        var catalog = new BackupCatalog(store);
        var (bytes, summary) = Image("orders", 0);
        var entry = summary.ToEntry(BackupKeys.NewSegment("orders", 0, 0), "run-1");
        entry = entry with { StoredBytes = storedBytes ?? entry.StoredBytes };
        memory["backup/" + entry.Key] = bytes;
        await using (var session = await BackupSession.BeginAsync(catalog, "backup", Options() with { Rebuild = true }, default))
        {
            await session.CommitAsync(
                new Engine.Format.Manifests.Manifest
                {
                    BackupId = "backup",
                    Generation = 0,
                    CreatedAt = Time,
                    UpdatedAt = Time,
                    Complete = true,
                    Runs = [Run(1)],
                    Topics = new Dictionary<string, Engine.Format.Manifests.TopicEntry>
                    {
                        ["orders"] = Topic("orders", Partition(0, entry)),
                    },
                    GroupSnapshots = [],
                },
                default
            );
        }

        damage?.Invoke(memory);
        return (store, catalog, await catalog.OpenAsync("backup", default));
    }

    private static StoredSegment SegmentOf(BackupCatalog catalog, OpenedBackup opened) =>
        catalog.Segment(opened, "orders", 0, opened.Manifest.Topics["orders"].Partitions[0].Segments[0]);

    private static async Task<List<TestRecord>> ReadAsync(StoredSegment segment, Func<BlockInfo, bool>? filter)
    {
        using var pool = new BlockBufferPool(8 << 20);
        var records = new List<TestRecord>();
        await foreach (var block in segment.ReadBlocksAsync(pool, filter, 0, default))
        {
            using (block)
            {
                SegmentImage.Copy(block, records);
            }
        }

        return records;
    }
}
