using KafkaBackup.Engine.Storage.Files;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>
/// A backup that was written by format version 1 and is never written again: whatever this program becomes, it reads it. A new format
/// version adds a folder beside it. (KAFKABACKUP_TEST_WRITE_GOLDEN names a folder to write one into.)
/// </summary>
public sealed class GoldenBackupTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Golden", "backup-v1");

    [Theory]
    [InlineData("none")]
    [InlineData("gzip")]
    [InlineData("zstd")]
    public async Task C2_a_backup_of_format_version_1_is_read_record_for_record(string backupId)
    {
        await using var scenario = new BackupScenario(store: new FileStore(Folder));
        Seed(scenario);
        var manifest = await scenario.ManifestAsync(backupId);
        Assert.True(manifest.Complete);
        Assert.Equal(["odd", "orders"], manifest.Topics.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("golden", manifest.SourceClusterId);
        Assert.Equal(2, manifest.Topics["orders"].PartitionCount);
        Assert.Equal("readers", manifest.GroupSnapshots[^1].Groups.Single().Group);
        foreach (var (topic, partition) in new[] { ("orders", 0), ("orders", 1), ("odd", 0) })
        {
            Assert.Equal(
                scenario.Source(topic, partition).Select(r => r.ToString()),
                (await scenario.StoredAsync(topic, partition, backupId)).Select(r => r.ToString())
            );
        }
    }

    [Fact]
    public async Task C2_what_this_program_writes_is_what_the_golden_backup_holds()
    {
        using var folder = new Testing.TemporaryFolder();
        var target = Environment.GetEnvironmentVariable("KAFKABACKUP_TEST_WRITE_GOLDEN") ?? folder.File("store");
        await using var scenario = new BackupScenario(store: new FileStore(target));
        Seed(scenario);
        foreach (var kind in Enum.GetValues<CompressionKind>())
        {
            var id = kind.ToString().ToLowerInvariant();
            var result = await scenario.BackUpAsync(
                BackupScenario.Asked() with
                {
                    BackupId = id,
                    Compression = kind,
                    SourceClusterId = "golden",
                    SegmentMaxRecords = 40,
                }
            );
            Assert.Equal(BackupStatus.Complete, result.Status);
            Assert.Equal(3, (await scenario.PartitionAsync("orders", 0, id)).Segments.Count);
        }
    }

    internal static void Seed(BackupScenario scenario)
    {
        scenario.Cluster.CreateTopic("orders", 2, new Dictionary<string, string> { ["retention.ms"] = "1234567" });
        scenario.Fill("orders", 100, batch: 20);
        scenario.Cluster.CreateTopic("odd");
        scenario.Cluster.Append(
            "odd",
            0,
            new LocalRecord(null, null, -1),
            new LocalRecord([], [], 0),
            new LocalRecord([], null, 4_102_444_800_000_000) { Headers = [("h", null), ("h", []), ("h", [0xff, 0]), ("", [1])] },
            new LocalRecord([0xff, 0xfe], [1, 2, 3], 1_700_000_000_000)
        );
        scenario.Cluster.CommitOffset("readers", "orders", 0, 7, "seven");
    }
}
