using KafkaBackup.Engine.Tests.Scenarios;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>What Get-KafkaBackup shows.</summary>
public class DescribingTests : OnStore
{
    [Fact]
    public async Task H3_a_backup_is_described_in_figures()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 2);

        var info = Assert.Single(await ListAsync(store, null));

        Assert.Equal(
            (Id, BackupStatus.Complete, 1, 2, 4, 40L),
            (info.BackupId, info.Status, info.TopicCount, info.PartitionCount, info.SegmentCount, info.RecordCount)
        );
        Assert.Equal(("none", "1", "cluster-1"), (info.Compression, info.FormatVersion, info.SourceCluster));
        Assert.Equal(["run-1", "run-2"], info.Runs.Select(r => r.RunId));
        Assert.Equal(
            (0L, 19L, 20L),
            (info.Topics[0].Partitions[1].FirstOffset, info.Topics[0].Partitions[1].LastOffset, info.Topics[0].Partitions[1].NextOffset)
        );
        Assert.Equal(Begin.ToUnixTimeMilliseconds(), info.FirstTimestampMs);
        Assert.Equal(
            ("billing", 5L, "note"),
            (info.ConsumerGroups[0].Group, info.ConsumerGroups[0].Offsets[0].Offset, info.ConsumerGroups[0].Offsets[0].Metadata)
        );
        Assert.True(info.StoredBytes > 0);
    }

    [Fact]
    public async Task D2_a_damaged_backup_is_told_of_and_the_others_are_listed()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 1, "first");
        await WriteAsync(store, 1, "second");
        foreach (var key in store.Keys.Where(k => k.StartsWith("first/manifest", StringComparison.Ordinal)))
        {
            Flip(store, key, 300);
        }

        var events = new RecordingEvents();
        var listed = await ListAsync(store, null, events: events);

        Assert.Equal(["second"], listed.Select(b => b.BackupId));
        Assert.Equal([ErrorIds.ManifestDamaged.Id], events.Errors.Select(e => e.ErrorId));
    }

    [Fact]
    public async Task A9_a_plain_id_that_is_not_there_is_an_error_and_a_glob_without_match_is_nothing()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 1, "nightly-1");
        await WriteAsync(store, 1, "nightly-2");
        await WriteAsync(store, 1, "weekly");

        Assert.Equal(["nightly-1", "nightly-2"], (await ListAsync(store, "nightly-*")).Select(b => b.BackupId));
        Assert.Empty(await ListAsync(store, "hourly*"));
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => ListAsync(store, "hourly"));
        Assert.Equal(ErrorIds.BackupNotFound.Id, error.ErrorId);
        Assert.Contains("weekly", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A4_topics_narrow_what_is_shown()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 1);

        Assert.Equal(0, (await ListAsync(store, Id, ["pay*"]))[0].TopicCount);
        Assert.Equal(1, (await ListAsync(store, Id, ["ord*"]))[0].TopicCount);
    }

    private static async Task<IReadOnlyList<BackupInfo>> ListAsync(
        IOpenedStore store,
        string? id,
        string[]? topics = null,
        IEngineEvents? events = null
    )
    {
        var found = new List<BackupInfo>();
        await foreach (var info in EngineOn(store, events).GetBackupsAsync(Settings, id, topics, default))
        {
            found.Add(info);
        }

        return found;
    }
}
