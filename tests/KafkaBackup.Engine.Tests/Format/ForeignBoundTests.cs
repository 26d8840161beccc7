using System.Text;
using KafkaBackup.Engine.Format.Foreign;
using KafkaBackup.Testing.Records;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

/// <summary>What another tool's files may ask for, and what is said of their faults.</summary>
public sealed class ForeignBoundTests
{
    private const string Segment = """{"key": "b/k", "start_offset": 0, "end_offset": 9, "end_timestamp": 1, "record_count": 10}""";

    [Fact]
    public void K_a_small_manifest_that_claims_millions_of_partitions_is_damage()
    {
        var topics = string.Join(
            ",",
            Enumerable.Range(0, 60).Select(i => $$"""{"name":"t{{i}}","original_partition_count":1000000,"partitions":[]}""")
        );
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("claims 1,000,000 partitions", Refused(Manifest(topics)), StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 64L << 20);
    }

    [Theory]
    [InlineData("""{"name":"t","original_partition_count":2147483647,"partitions":[]}""", "claims 2,147,483,647 partitions")]
    [InlineData(
        """{"name":"t","original_partition_count":4000000000,"partitions":[]}""",
        "topics[0].original_partition_count: a whole number from 0 to 2147483647 is expected here"
    )]
    [InlineData("""{"name":"t","partitions":[{"partition_id":999999,"segments":[]}]}""", "claims 1,000,000 partitions")]
    public void K_a_count_of_partitions_beyond_reason_is_damage(string topic, string expected) =>
        Assert.Contains(expected, Refused(Manifest(topic)), StringComparison.Ordinal);

    [Theory]
    [InlineData("backup_id", "'backup_id' is missing")]
    [InlineData("name", "topics[0]: 'name' is missing")]
    [InlineData("partitions", "topics[0]: 'partitions' is missing")]
    [InlineData("partition_id", "topics[0].partitions[0]: 'partition_id' is missing")]
    [InlineData("key", "topics[0].partitions[0].segments[0]: 'key' is missing")]
    [InlineData("end_offset", "topics[0].partitions[0].segments[0]: 'end_offset' is missing")]
    [InlineData("record_count", "topics[0].partitions[0].segments[0]: 'record_count' is missing")]
    public void K_a_missing_field_is_named_with_its_place(string field, string expected)
    {
        var json = Manifest($$"""{"name":"t","partitions":[{"partition_id":0,"segments":[{{Segment}}]}]}""");
        Assert.Contains(expected, Refused(json.Replace($"\"{field}\"", "\"renamed\"", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains(
            expected,
            Refused(
                json.Replace($"\"{field}\"", "\"renamed\"", StringComparison.Ordinal)
                    .Replace("\"renamed\"", $"\"{field}\": null, \"renamed\"", StringComparison.Ordinal)
            ),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("\"end_offset\": 9", "\"end_offset\": \"9\"", "segments[0].end_offset: a whole number")]
    [InlineData("\"end_offset\": 9", "\"end_offset\": 9.5", "segments[0].end_offset: a whole number")]
    [InlineData("\"end_offset\": 9", "\"end_offset\": 9223372036854775807", "segments[0].end_offset: a whole number")]
    [InlineData("\"record_count\": 10", "\"record_count\": 11", "segments[0].record_count: a whole number from 0 to 10")]
    [InlineData("\"segments\":[", "\"segments\":[null,", "segments[0]: a group of fields is expected")]
    [InlineData("\"segments\":[", "\"gaps\":[7],\"segments\":[", "gaps[0]: a group of fields is expected")]
    [InlineData("\"key\": \"b/k\"", "\"key\": \"\\ud800\"", "segments[0].key: its text is not valid Unicode")]
    public void K_a_field_of_another_kind_is_named_with_its_place(string field, string instead, string expected)
    {
        var json = Manifest($$"""{"name":"t","partitions":[{"partition_id":0,"segments":[{{Segment}}]}]}""");
        Assert.Contains(field, json, StringComparison.Ordinal);
        Assert.Contains(expected, Refused(json.Replace(field, instead, StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public void K_sizes_that_add_up_to_more_than_a_number_holds_are_damage()
    {
        string Partition(int number) =>
            $$"""{"partition_id":{{number}},"segments":[{"key":"b/{{number}}","start_offset":0,"end_offset":9223372036854775806,"end_timestamp":1,"record_count":9223372036854775807,"compressed_size":1}]}""";
        Assert.Contains(
            "add up to more",
            Refused(Manifest($$"""{"name":"t","partitions":[{{Partition(0)}},{{Partition(1)}}]}""")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void K_a_hundred_thousand_empty_partitions_are_taken() =>
        Assert.Equal(
            100_000,
            ForeignManifest
                .Parse(Encoding.UTF8.GetBytes(Manifest("""{"name":"t","original_partition_count":100000,"partitions":[]}""")), "m")
                .Topics["t"]
                .Partitions.Count
        );

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task K_a_record_far_larger_than_its_file_is_damage_before_it_takes_memory(byte compression)
    {
        var bomb = KbakImage.Write([TestRecord.Text(0, "k", null) with { Value = new byte[120_000_000] }], compression);
        Assert.InRange(bomb.Length, 1, 1_000_000);
        var check = await SegmentImage.CheckAsync(bomb);
        Assert.Contains("more than a compressed file of", Assert.Single(check.Damages).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task K_a_large_record_of_an_honest_file_is_read()
    {
        var value = new byte[30_000_000];
        new Random(1).NextBytes(value.AsSpan(0, 6_000_000));
        TestRecord[] records = [TestRecord.Text(0, "k", null) with { Value = value }];
        Assert.Equal(records, await SegmentImage.ReadAsync(KbakImage.Write(records, 1)));
    }

    [Fact]
    public async Task K_a_segment_with_more_records_than_its_header_says_is_damage_at_the_first_of_them()
    {
        var records = Enumerable.Range(0, 5).Select(i => TestRecord.Text(i, "k", "v")).ToArray();
        var check = await SegmentImage.CheckAsync(KbakImage.Wrap(records[..2], 0, KbakImage.Payload(records)));
        Assert.Contains("more records than the 2", Assert.Single(check.Damages).Message, StringComparison.Ordinal);
    }

    private static string Manifest(string topics) => $$"""{"backup_id":"b","created_at":1705312800000,"topics":[{{topics}}]}""";

    private static string Refused(string json)
    {
        var error = Assert.Throws<KafkaBackupException>(() => ForeignManifest.Parse(Encoding.UTF8.GetBytes(json), "b/manifest.json"));
        Assert.Equal(ErrorIds.ManifestDamaged, error.Definition);
        Assert.Contains("'b/manifest.json'", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("given key", error.Message, StringComparison.Ordinal);
        return error.Message;
    }
}
