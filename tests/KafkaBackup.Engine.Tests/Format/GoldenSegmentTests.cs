using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Segments;
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
    [InlineData("v2-none.kbs", BatchCodec.None, "fed0d8df10f4b5ef57f07a9df9100d92913491f91eda4a8e654a0882524d9b17")]
    [InlineData("v2-gzip.kbs", BatchCodec.None, "dbc38fccd38d8d3e677f6f7dcd46d2e7b073c04f3e159ac5850e78f9a6590aba")]
    [InlineData("v2-zstd.kbs", BatchCodec.None, "304d3305efd209e18d8ed1eeded1d899e09c4cec9e7850fc089a889038c1552f")]
    [InlineData("v2-kept-gzip.kbs", BatchCodec.Gzip, "b3bf6f5abc68ba1b007427b4d09ca5bb8aad3ac321c9f67aaa8c32f6f7509307")]
    [InlineData("v2-kept-snappy.kbs", BatchCodec.Snappy, "485d1369b4bd95c01b9f592b6767e73a13754f0e74da79281d884608ff11a64b")]
    [InlineData("v2-kept-lz4.kbs", BatchCodec.Lz4, "eddcc38ed0b3512ef0f07a4e93ce9f49431a8691247046c9a285f0a2d8eeefa7")]
    [InlineData("v2-kept-zstd.kbs", BatchCodec.Zstd, "bd9adb459c1340fb8aa4db49eab43a3e5885f14c0d3a8d689f49135886e03f90")]
    public async Task L1_golden_segments_of_version_2_read_as_their_records(string name, BatchCodec codec, string sha256)
    {
        var file = await File.ReadAllBytesAsync(Path.Combine(Folder, name));
        Assert.Equal(GoldenBatches.Counting, await SegmentImage.ReadAsync(file));
        var check = await SegmentImage.CheckAsync(file);
        Assert.True(check.IsWhole);
        Assert.Equal(sha256, check.Summary.Sha256);
        Assert.Equal(BatchImage.Header(Kind(name)), check.Header);
        Assert.Equal((19, 2, 1_000_002), Range(check.Summary));
        Assert.Equal((long.MinValue, long.MaxValue), (check.Summary.Stats.MinTimestamp, check.Summary.Stats.MaxTimestamp));
        Assert.Equal((4, 1_600_005), (check.Summary.Stats.ZeroTimestamps, check.Summary.Stats.LargestRecord));

        var (batches, whole) = (new List<byte[]>(), new List<bool>());
        using var pool = new BlockBufferPool(16 << 20);
        await foreach (var block in SegmentFile.ReadBlocksAsync(name, SegmentImage.Source(file), file.Length, pool, null, 0, default))
        {
            using (block)
            {
                foreach (var (batch, isWhole) in block.Batches)
                {
                    Assert.True(batch.CrcIsValid);
                    Assert.Equal(codec, batch.Codec);
                    batches.Add(batch.Bytes.ToArray());
                    whole.Add(isWhole);
                }
            }
        }

        Assert.Equal([false, true, true, true, true, false], whole);
        if (codec == BatchCodec.None)
        {
            Assert.Equal(GoldenBatches.Batches(codec), batches);
        }
    }

    [Fact]
    public async Task Version_2_is_written_byte_for_byte_as_the_golden_segment() =>
        Assert.Equal(
            await File.ReadAllBytesAsync(Path.Combine(Folder, "v2-none.kbs")),
            BatchImage
                .WriteBatches(GoldenBatches.Batches(BatchCodec.None), CompressionKind.None, 8, GoldenBatches.From, GoldenBatches.End)
                .Bytes
        );

    /// <summary>What versions before 0.2 look at (FORMAT.md, "Raising a version"), so that they say FormatTooNew and not damaged.</summary>
    [Fact]
    public async Task L8_version_2_is_too_new_for_readers_of_version_1_and_not_damaged()
    {
        var file = await File.ReadAllBytesAsync(Path.Combine(Folder, "v2-zstd.kbs"));
        Assert.Equal([0x89, (byte)'K', (byte)'B', (byte)'S', 0x0D, 0x0A, 0x1A, 0x0A], file[..8]);
        var version = BitConverter.ToUInt16(file, 8);
        var bodyLength = BitConverter.ToInt32(file, 12);
        Assert.True(version > SegmentHeader.OfRecords);
        Assert.InRange(bodyLength, 1, 65_536);
        Assert.Equal(Crc32C.Compute(file.AsSpan(0, 16 + bodyLength)), BitConverter.ToUInt32(file, 16 + bodyLength));
    }

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

    private static (long Records, long First, long Last) Range(SegmentSummary summary) =>
        (summary.Stats.RecordCount, summary.Stats.FirstOffset, summary.Stats.LastOffset);

    private static CompressionKind Kind(string name) =>
        name.Contains("kept", StringComparison.Ordinal) || name.Contains("zstd", StringComparison.Ordinal) ? CompressionKind.Zstd
        : name.Contains("gzip", StringComparison.Ordinal) ? CompressionKind.Gzip
        : CompressionKind.None;
}
