using FsCheck;
using FsCheck.Fluent;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Testing.Records;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

public sealed class SegmentRoundTripTests
{
    public static TheoryData<SegmentForm> Forms => [.. SegmentForm.All];

    [Theory]
    [MemberData(nameof(Forms))]
    public void B7_any_list_of_records_survives_write_and_read(SegmentForm form)
    {
        ArgumentNullException.ThrowIfNull(form);
        Check.One(
            Properties.Runs(form == SegmentForm.All[0] ? 150 : 60),
            Prop.ForAll(
                Properties.RecordLists,
                Properties.BlockSizes,
                (records, perBlock) =>
                {
                    var (file, summary) = form.Write(records, perBlock);
                    var read = Properties.Wait(SegmentImage.ReadAsync(file, perBlock * 100));
                    var check = Properties.Wait(SegmentImage.CheckAsync(file));
                    return form.Kept(records).SequenceEqual(read)
                        && check.IsWhole
                        && check.Summary == summary
                        && summary.StoredBytes == file.Length;
                }
            )
        );
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void B7_the_summary_is_what_the_records_amount_to(SegmentForm form)
    {
        ArgumentNullException.ThrowIfNull(form);
        Check.One(
            Properties.Runs(30),
            Prop.ForAll(
                Properties.RecordLists,
                Properties.BlockSizes,
                (made, perBlock) =>
                {
                    var records = form.Kept(made);
                    var stats = form.Write(made, perBlock).Summary.Stats;
                    long[] sizes =
                    [
                        .. records.Select(static record =>
                            (long)(
                                (record.Key?.Length ?? 0)
                                + (record.Value?.Length ?? 0)
                                + record.Headers.Sum(static header => header.Name.Length + (header.Value?.Length ?? 0))
                            )
                        ),
                    ];
                    return stats.RecordCount == records.Count
                        && stats.PayloadBytes == sizes.Sum()
                        && stats.LargestRecord == sizes.Max()
                        && stats.FirstOffset == records[0].Offset
                        && stats.LastOffset == records[^1].Offset
                        && stats.MinTimestamp == records.Min(static record => record.Timestamp)
                        && stats.MaxTimestamp == records.Max(static record => record.Timestamp)
                        && stats.LastTimestamp == records[^1].Timestamp
                        && stats.ZeroTimestamps == records.Count(static record => record.Timestamp == 0);
                }
            )
        );
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task B7_records_of_many_megabytes_survive_beside_small_ones(SegmentForm form)
    {
        ArgumentNullException.ThrowIfNull(form);
        var large = new byte[20_000_000];
        new Random(3).NextBytes(large.AsSpan(0, 6_000_000));
        TestRecord[] records =
        [
            TestRecord.Text(0, "a", "b"),
            TestRecord.Text(1, "k", null) with
            {
                Value = large,
            },
            TestRecord.Text(2, "c", null),
            TestRecord.Text(3, null, null) with
            {
                Key = large[..3_000_000],
                Headers = [new TestHeader(large[..70_000], large[..2_000_000])],
            },
            TestRecord.Text(long.MaxValue - 1, "z", ""),
        ];
        var (file, summary) = form.Write(records);
        Assert.Equal(records, await SegmentImage.ReadAsync(file, 1 << 20));
        Assert.True((await SegmentImage.CheckAsync(file)).IsWhole);
        Assert.Equal(20_000_001, summary.Stats.LargestRecord);
        Assert.InRange(summary.BlockCount, form.Version == 1 ? 5 : 1, 5);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task D6_L3_blocks_say_which_times_and_offsets_they_may_hold(SegmentForm form)
    {
        ArgumentNullException.ThrowIfNull(form);
        TestRecord[] records =
        [
            .. Enumerable.Range(0, 100).Select(static number => TestRecord.Text(number * 10, "k", "v", 1000 - (number * 7 % 100))),
        ];
        var (file, _) = form.Write(records, recordsPerBlock: 10);
        using var pool = new Engine.Format.Blocks.BlockBufferPool(16 << 20);
        using var reader = await SegmentReader.OpenAsync("s", SegmentImage.Source(file), file.Length, pool, 0, CancellationToken.None);
        Assert.Equal(10, reader.Blocks.Count);
        foreach (var block in reader.Blocks)
        {
            var within = records
                .Where(record => record.Offset >= block.Stats.FirstOffset && record.Offset <= block.Stats.LastOffset)
                .ToArray();
            Assert.Equal(10, within.Length);
            Assert.Equal(within.Min(static record => record.Timestamp), block.Stats.MinTimestamp);
            Assert.Equal(within.Max(static record => record.Timestamp), block.Stats.MaxTimestamp);
            Assert.True(block.MayHoldOffset(block.Stats.LastOffset, long.MaxValue));
            Assert.False(block.MayHoldOffset(block.Stats.LastOffset + 1, long.MaxValue));
            Assert.False(block.MayHoldOffset(0, block.Stats.FirstOffset));
        }
    }

    [Fact]
    public async Task Opening_takes_two_reads_and_a_block_one_more()
    {
        var (file, _) = SegmentImage.Write(new HostileRecords(8).List(3000), CompressionKind.Zstd, recordsPerBlock: 100);
        Assert.True(file.Length > 200_000);
        var reads = 0;
        var source = SegmentImage.Source(file);
        ReadRange counted = (offset, buffer, cancel) =>
        {
            reads++;
            return source(offset, buffer, cancel);
        };
        using var pool = new Engine.Format.Blocks.BlockBufferPool(16 << 20);
        using var reader = await SegmentReader.OpenAsync("s", counted, file.Length, pool, 0, CancellationToken.None);
        Assert.Equal(SegmentImage.Header(CompressionKind.Zstd), reader.Header);
        Assert.Equal(2, reads);
        (await reader.ReadBlockAsync(7, CancellationToken.None)).Dispose();
        Assert.Equal(3, reads);
        using var ahead = await SegmentReader.OpenAsync("s", counted, file.Length, pool, 1 << 20, CancellationToken.None);
        reads = 0;
        await foreach (var block in ahead.ReadBlocksAsync(null, CancellationToken.None))
        {
            block.Dispose();
        }

        Assert.InRange(reads, 1, 2 + (2 * file.Length / (1 << 20)));
        Assert.Equal(0, pool.BytesInUse);
    }

    [Fact]
    public void The_writer_refuses_calls_out_of_order_and_blocks_out_of_order()
    {
        var block = SegmentParts.Block([TestRecord.Text(5, "k", "v")]);
        using var writer = new SegmentWriter(SegmentImage.Header());
        Assert.Throws<InvalidOperationException>(() => writer.AppendBlock(block));
        writer.Start();
        Assert.Throws<InvalidOperationException>(() => writer.Start());
        Assert.Throws<InvalidOperationException>(() => writer.Finish(out _));
        writer.AppendBlock(block);
        Assert.Throws<InvalidOperationException>(() => writer.AppendBlock(SegmentParts.Block([TestRecord.Text(5, "k", "v")])));
        writer.Finish(out _);
        Assert.Throws<InvalidOperationException>(() => writer.Finish(out _));
    }
}
