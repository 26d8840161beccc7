using System.Buffers.Binary;
using KafkaBackup.Engine.Backup;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Testing.Records;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

/// <summary>Blocks of batches that no writer makes, under right checksums.</summary>
public sealed class ForgedBatchTests
{
    private const long Little = 4 << 20;

    public static TheoryData<string> Forgeries =>
        ["control", "empty", "order", "below", "above", "count", "rest", "short", "codec", "magic", "delta", "crc", "first", "zero"];

    [Theory]
    [MemberData(nameof(Forgeries))]
    public async Task L2_a_block_that_no_writer_makes_is_damage_with_place_and_offsets(string forgery)
    {
        var file = Forge(forgery);
        var check = await SegmentImage.CheckAsync(file);
        var found = Assert.Single(check.Damages);
        Assert.Equal((DamageKind.Corrupt, 0, "test.kbs"), (found.Kind, found.Block, found.Place));
        Assert.Empty(check.WholeBlocks);
        if (forgery == "crc")
        {
            Assert.Contains("checksum of its batch at offset 4", found.Problem, StringComparison.Ordinal);
            return;
        }

        var damage = (await Assert.ThrowsAsync<SegmentDamagedException>(() => SegmentImage.ReadAsync(file))).Damage;
        Assert.Equal((DamageKind.Corrupt, 0, "test.kbs"), (damage.Kind, damage.Block, damage.Place));
        Assert.True(damage.FirstOffset <= damage.LastOffset);
    }

    [Fact]
    public async Task L2_a_record_larger_than_its_block_says_is_refused_before_it_is_decompressed()
    {
        var (sound, _) = BatchImage.Write([TestRecord.Text(0, "k", new string('v', 40 << 20))], codec: BatchCodec.Zstd);
        Assert.InRange(sound.Length, 1, 100_000);
        Assert.Single(await SegmentImage.ReadAsync(sound));
        var forged = Restated(sound, stats => stats with { LargestRecord = 10, PayloadBytes = 10 });
        using var pool = new BlockBufferPool(16 << 20);
        using var reader = await SegmentReader.OpenAsync("s", SegmentImage.Source(forged), forged.Length, pool, 0, default);
        using var block = await reader.ReadBlockAsync(0, default);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var damage = Assert.Throws<SegmentDamagedException>(() =>
        {
            foreach (var record in block)
            {
                Assert.Fail($"Record {record.Offset} was read.");
            }
        });
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Little);
        Assert.Contains("more than its block says", damage.Damage.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(BatchCodec.Gzip)]
    [InlineData(BatchCodec.Snappy)]
    [InlineData(BatchCodec.Lz4)]
    [InlineData(BatchCodec.Zstd)]
    public void L2_walking_a_batch_that_decompresses_to_much_takes_little_memory(BatchCodec codec)
    {
        var bytes = BatchImage.Batches([TestRecord.Text(0, "k", new string('v', 40 << 20))], codec).Single();
        using var pool = new BlockBufferPool(16 << 20);
        using var builder = new BatchBlockBuilder(pool);
        using var walker = new BlockWalker();
        Assert.Equal(AppendOutcome.Added, builder.TryAppend(RecordBatch.Open(bytes)));
        using var raw = builder.Seal();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Null(walker.Walk(raw));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Little);
        Assert.Equal((40 << 20) + 1, raw.Stats.LargestRecord);
    }

    [Fact]
    public void L1_records_outside_of_the_window_are_passed_without_being_held()
    {
        TestRecord[] records = [TestRecord.Text(0, "k", new string('v', 40 << 20)), TestRecord.Text(1, "k", "v")];
        using var raw = Walked(BatchImage.Batches(records, BatchCodec.Lz4, fullBytes: int.MaxValue).Single(), from: 1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(1, raw.Last().Offset);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Little);
        Assert.Equal((1, 2), (raw.Stats.RecordCount, raw.Stats.LargestRecord));
    }

    [Fact]
    public async Task L8_segments_of_both_versions_become_one()
    {
        var records = BatchImage.Kept(new HostileRecords(12).List(60));
        using var pool = new BlockBufferPool(16 << 20);
        using var target = new BlockBufferPool(16 << 20);
        using var merged = new MergedBatches(target);
        using var walker = new BlockWalker();
        var result = new List<TestRecord>();
        for (var part = 0; part < 6; part++)
        {
            var form = SegmentForm.All[part % 2 == 0 ? part / 2 : 3 + part];
            var (file, _) = form.Write(records[(part * 10)..((part + 1) * 10)], recordsPerBlock: 3);
            await foreach (var block in SegmentFile.ReadBlocksAsync("s", SegmentImage.Source(file), file.Length, pool, null, 0, default))
            {
                using (block)
                {
                    var after = -1L;
                    while (!merged.Add(block, ref after))
                    {
                        Seal();
                    }
                }
            }
        }

        while (!merged.Flush())
        {
            Seal();
        }

        Seal();
        Assert.True(merged.IsEmpty);
        Assert.Equal(records, result);

        void Seal()
        {
            using var raw = merged.Seal();
            Assert.Null(walker.Walk(raw));
            var info = new BlockInfo
            {
                RawLength = raw.Length,
                HoldsBatches = true,
                Stats = raw.Stats,
            };
            SegmentImage.Copy(new RecordBlock(raw.Buffer, info, "s", 0), result);
        }
    }

    private static RawBlock Walked(byte[] batch, long from)
    {
        using var pool = new BlockBufferPool(16 << 20);
        using var builder = new BatchBlockBuilder(pool);
        using var walker = new BlockWalker();
        builder.TryAppend(RecordBatch.Open(batch), from);
        var raw = builder.Seal();
        Assert.Null(walker.Walk(raw));
        return raw;
    }

    private static byte[] Forge(string forgery)
    {
        var first = BatchImage.Batches(Plain(0, 4)).Single();
        var second = BatchImage.Batches(Plain(4, 4)).Single();
        var third = BatchImage.Batches(Plain(8, 4)).Single();
        switch (forgery)
        {
            case "control":
                second[RecordBatch.AttributesPlace + 1] |= RecordBatch.ControlBit;
                break;
            case "empty":
                second = second[..RecordBatch.HeaderLength];
                BinaryPrimitives.WriteInt32BigEndian(second.AsSpan(8), second.Length - RecordBatch.PrefixLength);
                BinaryPrimitives.WriteInt32BigEndian(second.AsSpan(RecordBatch.RecordCountPlace), 0);
                break;
            case "order":
                BatchStamp.SetBaseOffset(second, 3);
                break;
            case "count":
                BinaryPrimitives.WriteInt32BigEndian(second.AsSpan(RecordBatch.RecordCountPlace), 3);
                break;
            case "rest":
                third = [.. third, 0, 0, 0, 0, 0];
                break;
            case "short":
                third = third[..^1];
                break;
            case "codec":
                second[RecordBatch.AttributesPlace + 1] |= 7;
                break;
            case "magic":
                second[RecordBatch.MagicPlace] = 1;
                break;
            case "delta":
                BinaryPrimitives.WriteInt32BigEndian(second.AsSpan(RecordBatch.LastOffsetDeltaPlace), 2);
                break;
            case "crc":
                second[RecordBatch.CrcPlace] ^= 1;
                break;
        }

        var stats = new BlockStats
        {
            RecordCount = 12,
            PayloadBytes = 12 * 2,
            LastOffset = 11,
            MinTimestamp = 1,
            MaxTimestamp = 12,
            LastTimestamp = 12,
            LargestRecord = 2,
        };
        stats = forgery switch
        {
            "below" => stats with { RecordCount = 8, PayloadBytes = 16, FirstOffset = 4, MinTimestamp = 5 },
            "above" => stats with { RecordCount = 8, PayloadBytes = 16, LastOffset = 7, MaxTimestamp = 8, LastTimestamp = 8 },
            "first" => stats with { FirstOffset = 1, LastOffset = 12 },
            "zero" => stats with { ZeroTimestamps = 1 },
            _ => stats,
        };
        return Segment([.. first, .. second, .. third], stats);
    }

    private static byte[] Segment(byte[] content, BlockStats stats)
    {
        var header = BatchImage.Header().Encode();
        var info = new BlockInfo
        {
            FileOffset = header.Length,
            HoldsBatches = true,
            Codec = CompressionKind.None,
            StoredLength = content.Length,
            RawLength = content.Length,
            Checksum = Crc32C.Compute(content),
            Stats = stats,
        };
        var block = new byte[BlockHeader.Size];
        BlockHeader.Write(block, info);
        var footer = SegmentFooter.IndexOf([info]);
        var trailer = new byte[SegmentFooter.TrailerSize];
        SegmentFooter.WriteTrailer(trailer, header.Length + block.Length + content.Length, footer);
        return [.. header, .. block, .. content, .. footer, .. trailer];
    }

    /// <summary>The one block of a segment with other figures in its header.</summary>
    private static byte[] Restated(byte[] segment, Func<BlockStats, BlockStats> restate)
    {
        var header = BatchImage.Header().Encode();
        Assert.Null(BlockHeader.TryRead(segment.AsSpan(header.Length), header.Length, out var info));
        return Segment(segment[(header.Length + BlockHeader.Size)..][..info.StoredLength], restate(info.Stats));
    }

    private static IEnumerable<TestRecord> Plain(long first, int count) =>
        Enumerable.Range(0, count).Select(i => TestRecord.Text(first + i, "k", "v", first + i + 1));
}
