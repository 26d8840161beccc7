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
        var records = Enumerable
            .Range(0, 500)
            .Select(i =>
                TestRecord.Text(
                    100 + (i * 2),
                    i % 7 == 0 ? null : $"k{i}",
                    i % 5 == 0 ? null : $"value {i}",
                    1_705_312_800_000 + (i * 37 % 1000)
                ) with
                {
                    Headers = i % 3 == 0 ? [new TestHeader("h", null), new TestHeader("h", "")] : [],
                }
            )
            .ToArray();
        await WriteAsync(scenario, records, compression);

        var report = await scenario.ReportAsync();
        Assert.Equal((500L, 2), (report.RecordCount, report.SegmentCount));
        await scenario.RestoredAsync(RestoreScenario.Asked() with { OffsetReportPath = scenario.ReportPath });
        Assert.Equal(records.Select(RestoreScenario.Content), scenario.Restored("orders").Select(RestoreScenario.Content));

        var rows = new List<TopicComparison>();
        var backup = new CompareSide
        {
            Store = new StoreSettings { Path = scenario.Source.StorePath },
            BackupId = "b",
        };
        var target = new CompareSide { Cluster = new ClusterSettings { BootstrapServers = [scenario.Target.BootstrapServers] } };
        await foreach (
            var row in scenario
                .NewEngine()
                .CompareAsync(
                    new CompareSettings
                    {
                        Reference = backup,
                        Difference = target,
                        Topics = ["orders"],
                    },
                    scenario.Cancel
                )
        )
        {
            rows.Add(row);
        }

        Assert.All(rows, r => Assert.Equal((true, 500L), (r.Equal, r.ComparedCount)));
        Assert.NotEmpty(rows);

        var window = await scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                TimeWindowStart = 1_705_312_800_100,
                TimeWindowEnd = 1_705_312_800_199,
                TopicMapping = new Dictionary<string, string> { ["orders"] = "window" },
            }
        );
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
        Assert.Equal(250, (await scenario.RestoredWithoutDamagedAsync(RestoreScenario.Asked() with { Force = true })).RecordCount);
    }

    [Fact]
    public async Task K_the_test_vector_is_described_and_restored()
    {
        const string Vector = """
            4b42414b010000000200000000000000e803000000000000e903000000000000
            5f000000004d900c8d010000e803000000000000020000006b31020000007631
            02001100782d6f726967696e616c2d6f666673657408000000e8030000000000
            001400782d6f726967696e616c2d74696d657374616d7008000000004d900c8d
            01000021000000014d900c8d010000e903000000000000ffffffffffffffff01
            000100680000000090828b07424b4145
            """;
        await using var scenario = new RestoreScenario();
        var folder = Directory.CreateDirectory(Path.Combine(scenario.Source.StorePath, "b", "topics", "orders", "partition=0")).FullName;
        var bytes = Convert.FromHexString(string.Concat(Vector.Where(char.IsAsciiHexDigit)));
        Assert.Equal(176, bytes.Length);
        await File.WriteAllBytesAsync(Path.Combine(folder, "segment-000000.bin"), bytes);
        await File.WriteAllTextAsync(
            Path.Combine(scenario.Source.StorePath, "b", "manifest.json"),
            """
            {"backup_id": "b", "created_at": 1705312800000, "compression": "none", "topics": [{"name": "orders", "original_partition_count": 1, "partitions": [{"partition_id": 0, "gaps": [],
             "segments": [{"key": "b/topics/orders/partition=0/segment-000000.bin", "start_offset": 1000, "end_offset": 1001, "start_timestamp": 1705312800000, "end_timestamp": 1705312800001,
                           "record_count": 2, "uncompressed_size": 136, "compressed_size": 176}]}]}]}
            """,
            new UTF8Encoding(false)
        );

        var listed = new List<BackupInfo>();
        await foreach (
            var info in scenario
                .NewEngine()
                .GetBackupsAsync(new StoreSettings { Path = scenario.Source.StorePath }, null, null, scenario.Cancel)
        )
        {
            listed.Add(info);
        }

        var partition = Assert.Single(listed).Topics.Single().Partitions.Single();
        Assert.Equal(("b", 2L, 1000L, 1001L), (listed[0].BackupId, listed[0].RecordCount, partition.FirstOffset, partition.LastOffset));
        await scenario.RestoredAsync();
        TestRecord[] expected =
        [
            TestRecord.Text(0, "k1", "v1", 1_705_312_800_000) with
            {
                Headers =
                [
                    new TestHeader("x-original-offset"u8.ToArray(), BitConverter.GetBytes(1000L)),
                    new TestHeader("x-original-timestamp"u8.ToArray(), BitConverter.GetBytes(1_705_312_800_000L)),
                ],
            },
            TestRecord.Text(0, null, null, 1_705_312_800_001) with
            {
                Headers = [new TestHeader("h", "")],
            },
        ];
        Assert.Equal(expected.Select(RestoreScenario.Content), scenario.Restored("orders").Select(RestoreScenario.Content));
    }

    private static async Task WriteAsync(RestoreScenario scenario, TestRecord[] records, byte compression)
    {
        var folder = Directory.CreateDirectory(Path.Combine(scenario.Source.StorePath, "b", "topics", "orders", "partition=0")).FullName;
        var segments = new List<string>();
        foreach (var (part, number) in records.Chunk(records.Length / 2).Select((p, i) => (p, i)))
        {
            var name = $"segment-{number:000000}.bin";
            await File.WriteAllBytesAsync(Path.Combine(folder, name), KbakImage.Write(part, compression));
            segments.Add(
                $$"""
                {"key": "b/topics/orders/partition=0/{{name}}", "start_offset": {{part[0].Offset}}, "end_offset": {{part[
                    ^1
                ].Offset}}, "start_timestamp": {{part[0].Timestamp}},
                 "end_timestamp": {{part[
                    ^1
                ].Timestamp}}, "record_count": {{part.Length}}, "uncompressed_size": 1, "compressed_size": 1, "invented_later": {} }
                """
            );
        }

        await File.WriteAllTextAsync(
            Path.Combine(scenario.Source.StorePath, "b", "manifest.json"),
            $$$"""
            {"backup_id": "b", "created_at": 1705312800000, "compression": "none", "topics": [{"name": "orders", "original_partition_count": 1,
             "partitions": [{"partition_id": 0, "segments": [{{{string.Join(',', segments)}}}]}]}]}
            """,
            new UTF8Encoding(false)
        );
    }
}
