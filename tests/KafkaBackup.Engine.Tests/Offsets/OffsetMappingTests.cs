using System.Globalization;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Restore;
using KafkaBackup.Engine.Tests.Verify;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using Xunit;

namespace KafkaBackup.Engine.Tests.Offsets;

/// <summary>Get-KafkaOffsetMapping's three sources: a backup, a report, restored topics.</summary>
public sealed class OffsetMappingTests
{
    [Fact]
    public async Task F5_a_backup_tells_the_source_side()
    {
        var store = new MemoryStore();
        await SmallBackup.WriteAsync(store, 2);

        var rows = await SmallBackup
            .EngineOn(store)
            .GetOffsetMappingAsync(
                new OffsetMappingSettings
                {
                    Store = SmallBackup.Settings,
                    BackupId = SmallBackup.Id,
                    Partitions = [1],
                },
                default
            );

        var row = Assert.Single(rows);
        Assert.Equal(("orders", 1, 0L, 19L), (row.Topic, row.Partition, row.SourceFirstOffset, row.SourceLastOffset));
        Assert.Equal([new OffsetRange(0, -1, 20)], row.Ranges);
        Assert.Equal("0..19", row.Ranges[0].ToString());
        Assert.True(row is { TargetTopic: null, TargetFirstOffset: null, ResetCommand: null });
        Assert.Equal(SmallBackup.Begin.ToUnixTimeMilliseconds(), row.FirstTimestampMs);
    }

    [Fact]
    public async Task F5_holes_between_blocks_split_the_source_ranges()
    {
        var store = new MemoryStore();
        await SmallBackup.WriteAsync(store, 1);
        var (segment, _) = await SmallBackup.AddSegmentAsync(store, SmallBackup.Id, "orders", 0, 100, "run-2", step: 3);
        await using (
            var session = await BackupSession.BeginAsync(
                new BackupCatalog(store),
                SmallBackup.Id,
                new SessionOptions { RunId = "run-2", Clock = TimeProvider.System },
                default
            )
        )
        {
            var topic = session.Manifest!.Topics["orders"];
            var partitions = topic.Partitions.ToDictionary(p => p.Key, p => p.Value);
            partitions[0] = partitions[0] with { Segments = [.. partitions[0].Segments, segment], NextOffset = 200 };
            await session.CommitAsync(
                session.Manifest with
                {
                    Topics = new Dictionary<string, TopicEntry> { ["orders"] = topic with { Partitions = partitions } },
                },
                default
            );
        }

        var rows = await SmallBackup
            .EngineOn(store)
            .GetOffsetMappingAsync(
                new OffsetMappingSettings
                {
                    Store = SmallBackup.Settings,
                    BackupId = SmallBackup.Id,
                    Partitions = [0],
                },
                default
            );

        Assert.Equal([(0L, 10L), (100L, 13L), (115L, 13L)], rows[0].Ranges.Select(r => (r.SourceStart, r.Length)));
    }

    [Fact]
    public async Task F3_a_report_alone_says_where_each_group_goes_on()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("offsets.json");
        Report("broker:9092").Write(path);
        var engine = new KafkaEngine(SilentEvents.Instance, folder.Path);

        var row = Assert.Single(
            await engine.GetOffsetMappingAsync(new OffsetMappingSettings { OffsetReportPath = "offsets.json" }, default)
        );
        Assert.Equal(("orders-copy", 0, 1000L, 1014L), (row.TargetTopic, row.TargetPartition, row.TargetFirstOffset, row.TargetLastOffset));

        var groups = await engine.GetOffsetMappingAsync(
            new OffsetMappingSettings { OffsetReportPath = path, ConsumerGroups = ["bill*"] },
            default
        );
        Assert.Equal(
            [("billing", 5L, 1005L, "note"), ("billing-2", 15L, 1010L, ""), ("billing-3", 99L, 1015L, "")],
            groups.Select(g => (g.ConsumerGroup!, g.SourceOffset!.Value, g.TargetOffset!.Value, g.Metadata!))
        );
        Assert.Equal(
            "kafka-consumer-groups --bootstrap-server broker:9092 --group billing --topic orders-copy:0 --reset-offsets --to-offset 1005 --execute",
            groups[0].ResetCommand
        );

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            engine.GetOffsetMappingAsync(new OffsetMappingSettings { OffsetReportPath = path, ConsumerGroups = ["nobody"] }, default)
        );
        Assert.Equal(ErrorIds.GroupNotInBackup.Id, error.ErrorId);
        error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            engine.GetOffsetMappingAsync(new OffsetMappingSettings { OffsetReportPath = path, Topics = ["payments"] }, default)
        );
        Assert.Equal(ErrorIds.NothingMatched.Id, error.ErrorId);
    }

    [Fact]
    public async Task F1_restored_topics_tell_by_their_headers_where_records_went()
    {
        var store = new MemoryStore();
        await SmallBackup.WriteAsync(store, 1);
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("orders-copy", 2);
        cluster.Append("orders-copy", 0, LocalRecord.Of("stranger", "x"));
        cluster.Append("orders-copy", 0, Enumerable.Range(0, 10).Select(i => Restored(i, $"value {i}")));
        var settings = new OffsetMappingSettings
        {
            Store = SmallBackup.Settings,
            BackupId = SmallBackup.Id,
            Scan = new ClusterSettings { BootstrapServers = [cluster.BootstrapServers] },
            TopicMapping = new Dictionary<string, string> { ["orders"] = "orders-copy" },
        };

        var rows = await SmallBackup.EngineOn(store).GetOffsetMappingAsync(settings, default);
        Assert.Equal(
            ("orders-copy", 0L, 9L, 1L, 10L),
            (rows[0].TargetTopic, rows[0].SourceFirstOffset, rows[0].SourceLastOffset, rows[0].TargetFirstOffset, rows[0].TargetLastOffset)
        );

        var group = Assert.Single(
            await SmallBackup.EngineOn(store).GetOffsetMappingAsync(settings with { ConsumerGroups = ["billing"] }, default)
        );
        Assert.Equal((5L, 6L, "note"), (group.SourceOffset, group.TargetOffset, group.Metadata));

        var alone = await SmallBackup
            .EngineOn(store)
            .GetOffsetMappingAsync(settings with { Store = null, BackupId = null, Topics = ["orders"] }, default);
        Assert.Equal(("orders", "orders-copy", 10L), (alone[0].Topic, alone[0].TargetTopic, alone[0].TargetLastOffset));
    }

    [Fact]
    public async Task F1_a_scan_finds_partitions_that_were_mapped_by_their_content_and_tells_none_for_records_of_another()
    {
        var store = new MemoryStore();
        await SmallBackup.WriteAsync(store, 1);
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("orders", 4);

        // Both source partitions hold the same here: the first went to partition 2; partition 0 was restored from something else, partition
        // 1 is empty.
        cluster.Append("orders", 0, Enumerable.Range(0, 10).Select(i => Restored(i, $"other {i}")));
        cluster.Append("orders", 2, Enumerable.Range(3, 7).Select(i => Restored(i, $"value {i}")));
        var events = new RecordingEvents();
        var settings = new OffsetMappingSettings
        {
            Store = SmallBackup.Settings,
            BackupId = SmallBackup.Id,
            Scan = new ClusterSettings { BootstrapServers = [cluster.BootstrapServers] },
            Partitions = [0],
        };

        var moved = Assert.Single(await SmallBackup.EngineOn(store, events).GetOffsetMappingAsync(settings, default));
        Assert.Equal((2, 3L, 0L), (moved.TargetPartition, moved.SourceFirstOffset, moved.TargetFirstOffset));
        Assert.Empty(events.Warnings);

        cluster.DeleteRecords("orders", 2, 7);
        var lost = Assert.Single(await SmallBackup.EngineOn(store, events).GetOffsetMappingAsync(settings, default));
        Assert.Equal((null, null), (lost.TargetTopic, lost.TargetFirstOffset));
        Assert.Contains("not known to be those of orders/0", Assert.Single(events.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A9_without_any_source_the_error_names_all_three()
    {
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            new KafkaEngine(SilentEvents.Instance, "/").GetOffsetMappingAsync(new OffsetMappingSettings(), default)
        );
        Assert.Equal(ErrorIds.MissingSettings.Id, error.ErrorId);
        Assert.Contains("-Scan", error.Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"orders-copy\"", "\"orders;touch x\"")]
    [InlineData("\"orders\"", "null")]
    [InlineData("[\n          20,", "[\n          5,")]
    [InlineData("1000,\n          10\n", "1000\n")]
    [InlineData("\n          10\n", "\n          9223372036854775807\n")]
    [InlineData("\"groups\": [", "\"groups\": [ null,")]
    [InlineData("\"partitions\": [", "\"partitions\": [ null,")]
    [InlineData("\"target\": \"broker:9092\"", "\"target\": null")]
    [InlineData("\"target_partition\": 0", "\"target_partition\": -1")]
    [InlineData("\"source_offset\": 5", "\"source_offset\": -5")]
    [InlineData("\"version\": 1", "\"version\": 0")]
    [InlineData("{", "")]
    public async Task F5_a_damaged_report_is_refused_as_one(string text, string instead)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("offsets.json");
        Report("broker:9092").Write(path);
        var whole = (await File.ReadAllTextAsync(path)).Replace("\r", "", StringComparison.Ordinal);
        var at = whole.IndexOf(text, StringComparison.Ordinal);
        Assert.True(at >= 0, whole);
        await File.WriteAllTextAsync(path, whole[..at] + instead + whole[(at + text.Length)..]);

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            new KafkaEngine(SilentEvents.Instance, "/").GetOffsetMappingAsync(
                new OffsetMappingSettings { OffsetReportPath = path },
                default
            )
        );

        Assert.Equal(ErrorIds.OffsetFileInvalid.Id, error.ErrorId);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    private static LocalRecord Restored(int i, string value) =>
        LocalRecord.Of($"k{i}", value) with
        {
            Headers = [("x-original-offset", System.Text.Encoding.ASCII.GetBytes(i.ToString(CultureInfo.InvariantCulture)))],
        };

    private static OffsetReport Report(string target) =>
        new()
        {
            Version = OffsetReport.CurrentVersion,
            BackupId = "b",
            CreatedAt = SmallBackup.Begin,
            Target = target,
            Partitions =
            [
                new MappedPartition(
                    "orders",
                    0,
                    "orders-copy",
                    0,
                    1,
                    2,
                    [
                        [0, 1000, 10],
                        [20, 1010, 5],
                    ]
                ),
            ],
            Groups =
            [
                new MappedGroup("billing", [new MappedGroupOffset("orders", 0, 5, "note")]),
                new MappedGroup("billing-2", [new MappedGroupOffset("orders", 0, 15, "")]),
                new MappedGroup("billing-3", [new MappedGroupOffset("orders", 0, 99, "")]),
                new MappedGroup("other", [new MappedGroupOffset("orders", 0, 1, "")]),
            ],
        };
}
