using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Testing.Records;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

public sealed class GoldenSegmentTests
{
    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Golden", "Segments");

    [Theory]
    [InlineData("v1-none.kbs", "c2ecc9af8286c6731046067415002c1e5361630a867bad9ed94ce36d6af81eb6")]
    [InlineData("v1-gzip.kbs", "0cb2bc1e67141348de9ee812356dc425f81df85d953132361673738687d38821")]
    [InlineData("v1-zstd.kbs", "11fad1c4210fef5e1305676db11dbfd28c9f0f66eb38f2e4d3e68cbacaec628e")]
    public async Task B7_golden_segments_of_version_1_read_as_their_records(string name, string sha256)
    {
        var file = await File.ReadAllBytesAsync(Path.Combine(Folder, name));
        Assert.Equal(GoldenRecords.List, await SegmentImage.ReadAsync(file));
        var check = await SegmentImage.CheckAsync(file);
        Assert.True(check.IsWhole);
        Assert.Equal(sha256, check.Summary.Sha256);
        Assert.Equal(SegmentImage.Header(Kind(name)), check.Header);
        Assert.Equal(3, check.WholeBlocks.Count);
        Assert.Equal(
            (11, 0, long.MaxValue),
            (check.Summary.Stats.RecordCount, check.Summary.Stats.FirstOffset, check.Summary.Stats.LastOffset)
        );
        Assert.Equal(
            (long.MinValue, long.MaxValue, 1),
            (check.Summary.Stats.MinTimestamp, check.Summary.Stats.MaxTimestamp, check.Summary.Stats.ZeroTimestamps)
        );
    }

    [Fact]
    public async Task Version_1_is_written_byte_for_byte_as_the_golden_segment() =>
        Assert.Equal(
            await File.ReadAllBytesAsync(Path.Combine(Folder, "v1-none.kbs")),
            SegmentImage.Write(GoldenRecords.List, recordsPerBlock: 4).Bytes
        );

    [Theory]
    [InlineData("kbak-none.kbs")]
    [InlineData("kbak-zstd.kbs")]
    [InlineData("kbak-lz4.kbs")]
    public async Task K_golden_foreign_segments_read_as_their_records(string name)
    {
        var file = await File.ReadAllBytesAsync(Path.Combine(Folder, name));
        Assert.Equal(
            GoldenRecords.List.Select(static record => record with { TimestampKind = TimestampKind.CreateTime }),
            await SegmentImage.ReadAsync(file)
        );
    }

    [Fact]
    public void B8_the_digest_of_a_record_never_changes()
    {
        var digest = "";
        GoldenRecords.List[5].View((in Records.RecordView view) => digest = RecordDigest.Of(view));
        Assert.Equal("e0325eda5154198d0b960e7845edf8e53fd763a7ea6be441bb02bc362dbac140", digest);
    }

    private static CompressionKind Kind(string name) =>
        name.Contains("zstd", StringComparison.Ordinal) ? CompressionKind.Zstd
        : name.Contains("gzip", StringComparison.Ordinal) ? CompressionKind.Gzip
        : CompressionKind.None;
}
