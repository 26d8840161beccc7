using System.Text;
using KafkaBackup.Engine.Format.Foreign;
using KafkaBackup.Engine.Format.Manifests;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

public sealed class ForeignManifestTests
{
    private const string Example = """
        {
          "backup_id": "nightly", "created_at": 1705312800000, "source_cluster_id": "c-1", "source_brokers": ["b:9092"], "compression": "zstd", "invented_later": {"x": [1]},
          "topics": [
            {
              "name": "orders", "original_partition_count": 4,
              "partitions": [
                {
                  "partition_id": 1,
                  "segments": [
                    {"key": "nightly/topics/orders/partition=1/segment-000002.bin.zst", "start_offset": 200, "end_offset": 299, "start_timestamp": 9, "end_timestamp": 7, "record_count": 90, "uncompressed_size": 900, "compressed_size": 300},
                    {"key": "nightly/topics/orders/partition=1/segment-000001.bin.zst", "start_offset": 5, "end_offset": 99, "start_timestamp": 1, "end_timestamp": 2, "record_count": 95}
                  ],
                  "gaps": [{"start_offset": 100, "end_offset": 200, "reason": "retention", "detected_at": 1705312800001}]
                }
              ]
            },
            {"name": "empty", "partitions": []}
          ]
        }
        """;

    [Fact]
    public void K_the_other_tools_manifest_becomes_ours()
    {
        Assert.True(ForeignManifest.IsOne(Json(Example)));
        var manifest = ForeignManifest.Parse(Json(Example), "nightly/manifest.json");
        Assert.Equal(("nightly", "c-1", true), (manifest.BackupId, manifest.SourceClusterId, manifest.Complete));
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1705312800000), manifest.CreatedAt);
        Assert.Equal(["empty", "orders"], manifest.Topics.Keys.Order());
        var orders = manifest.Topics["orders"];
        Assert.Equal(4, orders.PartitionCount);
        Assert.Equal([0, 1, 2, 3], orders.Partitions.Keys.Order());
        var partition = orders.Partitions[1];
        Assert.Equal((5, 300, 300), (partition.CapturedStart, partition.CapturedEnd, partition.NextOffset));
        Assert.Equal(
            ["topics/orders/partition=1/segment-000001.bin.zst", "topics/orders/partition=1/segment-000002.bin.zst"],
            partition.Segments.Select(static segment => segment.Key)
        );
        Assert.Equal(
            (90, 300, 900, ""),
            (
                partition.Segments[1].RecordCount,
                partition.Segments[1].StoredBytes,
                partition.Segments[1].Bytes,
                partition.Segments[1].Sha256
            )
        );
        Assert.Equal(
            new GapEntry(100, 200, "retention", DateTimeOffset.FromUnixTimeMilliseconds(1705312800001)),
            Assert.Single(partition.Gaps)
        );
        Assert.Empty(orders.Partitions[0].Segments);
    }

    [Fact]
    public void D6_times_that_the_other_tool_does_not_know_hide_no_record()
    {
        var segment = ForeignManifest.Parse(Json(Example), "m").Topics["orders"].Partitions[1].Segments[0];
        Assert.Equal((long.MinValue, long.MaxValue), (segment.MinTimestamp, segment.MaxTimestamp));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"backup_id": "b", "created_at": 1}""")]
    [InlineData("""{"backup_id": null, "created_at": 1, "topics": []}""")]
    [InlineData("""{"backup_id": "b", "created_at": "yesterday", "topics": []}""")]
    [InlineData("""{"backup_id": "b", "created_at": 1, "topics": {}}""")]
    [InlineData("""{"backup_id": "b", "created_at": 9223372036854775807, "topics": []}""")]
    [InlineData("""{"backup_id": "b", "created_at": 1, "topics": [{"name": "t", "partitions": [{"partition_id": -1, "segments": []}]}]}""")]
    [InlineData("""{"backup_id": "b", "created_at": 1, "topics": [{"name": "t", "partitions": []}, {"name": "t", "partitions": []}]}""")]
    [InlineData(
        """{"backup_id": "b", "created_at": 1, "topics": [{"name": "t", "partitions": [{"partition_id": 0, "segments": [{"key": "k", "start_offset": 9, "end_offset": 1, "end_timestamp": 0, "record_count": 1}]}]}]}"""
    )]
    public void K_a_manifest_that_makes_no_sense_is_an_error_with_advice(string json)
    {
        var error = Assert.Throws<KafkaBackupException>(() => ForeignManifest.Parse(Json(json), "b/manifest.json"));
        Assert.Equal(ErrorIds.ManifestDamaged.Id, error.ErrorId);
        Assert.Contains("b/manifest.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void K_our_own_manifest_is_not_taken_for_the_other_tools()
    {
        Assert.False(ForeignManifest.IsOne(Json("""{"format_version": 1, "backup_id": "b", "created_at": 1, "topics": []}""")));
        Assert.False(ForeignManifest.IsOne(Json("not json")));
        Assert.False(ForeignManifest.IsOne(Json("[1]")));
    }

    private static byte[] Json(string text) => Encoding.UTF8.GetBytes(text);
}
