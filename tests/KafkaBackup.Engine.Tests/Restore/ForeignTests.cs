using System.Text;
using KafkaBackup.Testing.Records;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>Backups of the Rust tool.</summary>
public sealed class ForeignTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task K_a_backup_of_the_other_tool_is_restored_record_for_record(byte compression)
    {
        await using var scenario = new RestoreScenario();
        var records = Enumerable.Range(0, 500).Select(i => TestRecord.Text(100 + (i * 2), i % 7 == 0 ? null : $"k{i}", i % 5 == 0 ? null : $"value {i}", 1_705_312_800_000 + (i * 37 % 1000)) with
        {
            Headers = i % 3 == 0 ? [new TestHeader("h", null), new TestHeader("h", "")] : [],
        }).ToArray();
        await WriteAsync(scenario, records, compression);

        var report = await scenario.ReportAsync();
        Assert.Equal((500L, 2), (report.RecordCount, report.SegmentCount));
        await scenario.RestoredAsync(RestoreScenario.Asked() with { OffsetReportPath = scenario.ReportPath });
        Assert.Equal(records.Select(RestoreScenario.Content), scenario.Restored("orders").Select(RestoreScenario.Content));

        var window = await scenario.RestoredAsync(RestoreScenario.Asked() with
        {
            TimeWindowStart = 1_705_312_800_100, TimeWindowEnd = 1_705_312_800_199, TopicMapping = new Dictionary<string, string> { ["orders"] = "window" },
        });
        Assert.Equal(records.Count(r => r.Timestamp is >= 1_705_312_800_100 and <= 1_705_312_800_199), window.RecordCount);
    }

    [Fact]
    public async Task K_its_damage_is_found_before_any_record_of_the_segment_is_restored()
    {
        await using var scenario = new RestoreScenario();
        await WriteAsync(scenario, Enumerable.Range(0, 500).Select(i => TestRecord.Text(i, "k", $"v{i}")).ToArray(), 0);
        var file = Path.Combine(scenario.Source.StorePath, "b", "topics", "orders", "partition=0", "segment-000001.bin");
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[^20] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);

        await scenario.RefusedAsync();
        Assert.Equal(250, (await scenario.RestoredAsync(RestoreScenario.Asked() with { Force = true })).RecordCount);
    }

    private static async Task WriteAsync(RestoreScenario scenario, TestRecord[] records, byte compression)
    {
        var folder = Directory.CreateDirectory(Path.Combine(scenario.Source.StorePath, "b", "topics", "orders", "partition=0")).FullName;
        var segments = new List<string>();
        foreach (var (part, number) in records.Chunk(records.Length / 2).Select((p, i) => (p, i)))
        {
            var name = $"segment-{number:000000}.bin";
            await File.WriteAllBytesAsync(Path.Combine(folder, name), KbakImage.Write(part, compression));
            segments.Add($$"""
                {"key": "b/topics/orders/partition=0/{{name}}", "start_offset": {{part[0].Offset}}, "end_offset": {{part[^1].Offset}}, "start_timestamp": {{part[0].Timestamp}},
                 "end_timestamp": {{part[^1].Timestamp}}, "record_count": {{part.Length}}, "uncompressed_size": 1, "compressed_size": 1, "invented_later": {} }
                """);
        }

        await File.WriteAllTextAsync(Path.Combine(scenario.Source.StorePath, "b", "manifest.json"), $$$"""
            {"backup_id": "b", "created_at": 1705312800000, "compression": "none", "topics": [{"name": "orders", "original_partition_count": 1,
             "partitions": [{"partition_id": 0, "segments": [{{{string.Join(',', segments)}}}]}]}]}
            """, new UTF8Encoding(false));
    }
}
