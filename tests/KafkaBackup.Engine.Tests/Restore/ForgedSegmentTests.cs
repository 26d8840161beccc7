using System.Text;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing.Records;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>
/// Segments whose values somebody changed, with every checksum inside made right again: only the manifest's SHA-256 knows better.
/// </summary>
public sealed class ForgedSegmentTests
{
    [Fact]
    public async Task D2_of_a_forged_segment_no_record_is_restored()
    {
        await using var scenario = await ForgedAsync(200, 10);

        var result = await scenario.RestoreAsync();

        Assert.Equal((RestoreStatus.Failed, 3), (result.Status, result.ExitCode));
        Assert.Contains("SHA-256 differs", Assert.Single(scenario.Events.Errors).Message, StringComparison.Ordinal);
        Assert.Empty(scenario.Restored("orders"));
    }

    [Theory]
    [InlineData(DeliveryMode.Idempotent)]
    [InlineData(DeliveryMode.Transactional)]
    public async Task D2_of_a_large_forged_segment_the_partition_stops_before_its_end(DeliveryMode delivery)
    {
        await using var scenario = await ForgedAsync(120, 100_000);

        var result = await scenario.RestoreAsync(RestoreScenario.Asked() with { Delivery = delivery });

        Assert.NotEqual(RestoreStatus.Complete, result.Status);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("SHA-256 differs", Assert.Single(scenario.Events.Errors).Message, StringComparison.Ordinal);
        Assert.InRange(scenario.Restored("orders", committedOnly: true).Count, 0, 119);
    }

    [Fact]
    public async Task D2_every_segment_that_was_read_whole_was_compared_and_the_result_says_which_were_not()
    {
        await using var scenario = await ForgedAsync(200, 10, forge: false);
        var report = await scenario.ReportAsync();
        Assert.StartsWith("The contents of 1 segment: the restore compares each", report.NotChecked, StringComparison.Ordinal);
        Assert.Null((await scenario.RestoredAsync()).NotChecked);
        Assert.Null((await scenario.ReportAsync(RestoreScenario.Asked() with { Deep = true, Force = true })).NotChecked);
    }

    [Fact]
    public async Task D2_what_a_window_reads_in_part_is_not_compared_and_plan_and_result_say_so()
    {
        await using var scenario = await ForgedAsync(120, 100_000);
        var window = RestoreScenario.Asked() with { TimeWindowStart = 1_700_000_000_000, TimeWindowEnd = 1_700_000_000_005 };

        Assert.Contains("1 segment it may read in part only", (await scenario.ReportAsync(window)).NotChecked, StringComparison.Ordinal);
        var result = await scenario.RestoredAsync(window);

        Assert.Equal(6, result.RecordCount);
        Assert.StartsWith("1 segment, read only in part", result.NotChecked, StringComparison.Ordinal);
        Assert.Contains("Test-KafkaBackup -Deep", result.NotChecked, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D2_a_check_that_is_not_deep_says_what_it_has_not_looked_at()
    {
        await using var scenario = await ForgedAsync(200, 10);
        var store = new StoreSettings { Path = scenario.Source.StorePath };
        var shallow = await scenario.NewEngine().CheckBackupAsync(new CheckSettings { Store = store, BackupId = "b" }, scenario.Cancel);
        Assert.Equal(ReportStatus.Valid, shallow.Status);
        Assert.Contains("The contents of 1 segment", shallow.NotChecked, StringComparison.Ordinal);

        var deep = await scenario
            .NewEngine()
            .CheckBackupAsync(
                new CheckSettings
                {
                    Store = store,
                    BackupId = "b",
                    Deep = true,
                },
                scenario.Cancel
            );
        Assert.Equal((ReportStatus.Invalid, (string?)null), (deep.Status, deep.NotChecked));
    }

    [Fact]
    public async Task K_a_segment_that_holds_fewer_records_than_the_manifest_claims_is_damage()
    {
        await using var scenario = new RestoreScenario();
        var folder = Directory.CreateDirectory(Path.Combine(scenario.Source.StorePath, "b", "topics", "orders", "partition=0")).FullName;
        await File.WriteAllBytesAsync(
            Path.Combine(folder, "segment-000000.bin"),
            KbakImage.Write([TestRecord.Text(0, "k", "v", 1_705_312_800_000)])
        );
        await File.WriteAllTextAsync(
            Path.Combine(scenario.Source.StorePath, "b", "manifest.json"),
            """
            {"backup_id": "b", "created_at": 1705312800000, "topics": [{"name": "orders", "original_partition_count": 1, "partitions": [{"partition_id": 0, "segments": [
             {"key": "b/topics/orders/partition=0/segment-000000.bin", "start_offset": 0, "end_offset": 9, "start_timestamp": 1, "end_timestamp": 2, "record_count": 10}]}]}]}
            """,
            new UTF8Encoding(false)
        );

        foreach (var deep in new[] { false, true })
        {
            var report = await scenario.ReportAsync(RestoreScenario.Asked() with { Deep = deep });
            Assert.Equal(ReportStatus.Invalid, report.Status);
            Assert.Contains(
                report.Findings,
                f =>
                    f is { Kind: FindingKind.Corrupt, CanForce: true }
                    && f.Message.Contains("1 records", StringComparison.Ordinal)
                    && f.Message.Contains("10", StringComparison.Ordinal)
            );
        }

        await scenario.RefusedAsync();
    }

    /// <summary>One segment without compression, with several blocks where records are large; values forged in place.</summary>
    private static async Task<RestoreScenario> ForgedAsync(int count, int valueBytes, bool forge = true)
    {
        var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        foreach (var some in Enumerable.Range(0, count).Chunk(9))
        {
            scenario.Source.Cluster.Append(
                "orders",
                0,
                some.Select(i => LocalRecord.Of($"k{i}", new string('a', valueBytes), 1_700_000_000_000 + i))
            );
        }

        await scenario.Source.BackUpAsync(BackupScenario.Asked() with { Compression = CompressionKind.None });
        var entry = (await scenario.Source.PartitionAsync("orders")).Segments.Single();
        if (!forge)
        {
            return scenario;
        }

        var file = Path.Combine(scenario.Source.StorePath, BackupKeys.Of("b", entry.Key));
        var sound = await File.ReadAllBytesAsync(file);
        SegmentHeader header;
        var batches = new List<byte[]>();
        using (var pool = new BlockBufferPool(64 << 20))
        {
            using (var reader = await SegmentReader.OpenAsync(file, SegmentImage.Source(sound), sound.Length, pool, 0, default))
            {
                header = reader.Header;
            }

            await foreach (var block in SegmentFile.ReadBlocksAsync(file, SegmentImage.Source(sound), sound.Length, pool, null, 0, default))
            {
                using (block)
                {
                    foreach (var (batch, _) in block.Batches)
                    {
                        batches.Add(Forged(batch));
                    }
                }
            }
        }

        var (forged, _) = BatchImage.WriteBatches(batches, CompressionKind.None, header: header);
        Assert.Equal(sound.Length, forged.Length);
        Assert.True((await SegmentImage.CheckAsync(forged)).IsWhole);
        await File.WriteAllBytesAsync(file, forged);
        return scenario;
    }

    /// <summary>The same records with other values of the same length.</summary>
    private static byte[] Forged(in RecordBatch batch)
    {
        using var cursor = new BatchCursor();
        using var builder = new BatchBuilder();
        cursor.Open(batch);
        builder.Begin();
        while (cursor.MoveNext())
        {
            var value = cursor.Value.ToArray().Select(b => (byte)(b ^ 1)).ToArray();
            builder.Append(
                cursor.Offset,
                cursor.Timestamp,
                new RecordFields
                {
                    Key = cursor.Key,
                    KeyIsNull = cursor.KeyIsNull,
                    Value = value,
                    HeaderCount = cursor.HeaderCount,
                    RawHeaders = cursor.RawHeaders,
                }
            );
        }

        return builder.Build().ToArray();
    }
}
