using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Compression;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Testing.Records;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

/// <summary>What segments of version 2 have and those of version 1 have not: batches and their windows.</summary>
public sealed class BatchSegmentTests
{
    public static TheoryData<BatchCodec> Codecs => [.. Enum.GetValues<BatchCodec>()];

    [Theory]
    [MemberData(nameof(Codecs))]
    public async Task L1_batches_are_kept_bit_for_bit(BatchCodec codec)
    {
        var batches = BatchImage.Batches(new HostileRecords(5).List(50), codec).ToArray();
        for (var number = 0; number < batches.Length; number++)
        {
            var offset = RecordBatch.Open(batches[number]).BaseOffset;
            BatchStamp.ForProduce(batches[number], 1000 + number, 3, number, transactional: number % 2 == 0);
            BatchStamp.SetBaseOffset(batches[number], offset);
            BatchStamp.SetLeaderEpoch(batches[number], number);
        }

        foreach (var kind in Enum.GetValues<CompressionKind>())
        {
            var (file, _) = BatchImage.WriteBatches(batches, kind, recordsPerBlock: 20);
            var kept = await BatchesAsync(file);
            Assert.Equal(batches, kept.Select(static batch => batch.Bytes));
            Assert.All(kept, static batch => Assert.True(batch.IsWhole));
            Assert.True((await SegmentImage.CheckAsync(file)).IsWhole);
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public async Task L1_a_cut_inside_a_batch_keeps_the_batch_and_the_cut(BatchCodec codec)
    {
        var records = Plain(100, 12);
        var batches = BatchImage.Batches(records, codec, recordsPerBatch: 4);
        for (long from = 100; from < 112; from++)
        {
            for (var end = from + 1; end <= 112; end++)
            {
                var touched = batches.Where(bytes => Covers(bytes, from, end)).ToArray();
                var (file, summary) = BatchImage.WriteBatches(touched, CompressionKind.None, from: from, end: end);
                Assert.Equal(records.Where(record => record.Offset >= from && record.Offset < end), await SegmentImage.ReadAsync(file));
                Assert.Equal((from, end - 1, end - from), Range(summary));
                Assert.Equal((end - 1) * 10, summary.Stats.MaxTimestamp);
                Assert.Equal(from * 10, summary.Stats.MinTimestamp);
                var kept = await BatchesAsync(file);
                Assert.Equal(touched, kept.Select(static batch => batch.Bytes));
                Assert.Equal(
                    touched
                        .Select(static bytes => RecordBatch.Open(bytes))
                        .Select(batch => batch.BaseOffset >= from && batch.NextOffset <= end),
                    kept.Select(static batch => batch.IsWhole)
                );
                Assert.True((await SegmentImage.CheckAsync(file)).IsWhole);
            }
        }

        static bool Covers(byte[] bytes, long from, long end)
        {
            var batch = RecordBatch.Open(bytes);
            return batch.BaseOffset < end && batch.NextOffset > from;
        }
    }

    [Fact]
    public async Task L1_batches_of_which_no_record_counts_are_not_stored()
    {
        // Compaction has left offsets 0, 9, 10, 19, 20 and 29.
        byte[][] batches = [.. new long[] { 0, 10, 20 }.Select(first => BatchImage.Batches([Record(first), Record(first + 9)]).Single())];
        var (file, summary) = BatchImage.WriteBatches(batches[..2], CompressionKind.None, from: 1, end: 15);
        Assert.Equal((9, 10, 2), Range(summary));
        Assert.Equal(2, (await BatchesAsync(file)).Count);

        (file, summary) = BatchImage.WriteBatches(batches[1..], CompressionKind.None, from: 10, end: 21);
        Assert.Equal((10, 20, 3), Range(summary));

        using var pool = new BlockBufferPool(16 << 20);
        using var builder = new BatchBlockBuilder(pool);
        using var walker = new BlockWalker();
        builder.TryAppend(RecordBatch.Open(batches[0]), 1, 9);
        using var empty = builder.Seal();
        Assert.Null(walker.Walk(empty));
        Assert.True(empty.IsEmpty);

        builder.TryAppend(RecordBatch.Open(batches[0]), 9);
        builder.TryAppend(RecordBatch.Open(batches[1]));
        builder.TryAppend(RecordBatch.Open(batches[2]), 0, 21);
        using var three = builder.Seal();
        Assert.Null(walker.Walk(three));
        Assert.Equal((9, 20, 4), (three.Stats.FirstOffset, three.Stats.LastOffset, three.Stats.RecordCount));

        // Offset 0 is cut off and 9 counts; the last batch is cut before its only record below 30.
        builder.TryAppend(RecordBatch.Open(batches[0]), 1);
        builder.TryAppend(RecordBatch.Open(Late(20, 29)), 0, 25);
        using var first = builder.Seal();
        Assert.Null(walker.Walk(first));
        Assert.Equal((9, 9, batches[0].Length), (first.Stats.FirstOffset, first.Stats.LastOffset, first.Length));

        builder.TryAppend(RecordBatch.Open(batches[0]), 1, 9);
        Assert.Equal(AppendOutcome.BlockFull, builder.TryAppend(RecordBatch.Open(batches[1])));
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void L2_a_batch_that_does_not_decode_ends_its_block_before_it(BatchCodec codec)
    {
        var batches = BatchImage.Batches(Plain(0, 12), codec, recordsPerBatch: 4);
        using var pool = new BlockBufferPool(16 << 20);
        using var builder = new BatchBlockBuilder(pool);
        using var compressor = new BlockCompressor(CompressionKind.Zstd);
        for (var bad = 0; bad < 3; bad++)
        {
            foreach (var (bytes, number) in batches.Select(static (bytes, number) => (bytes.ToArray(), number)))
            {
                if (number == bad)
                {
                    bytes.AsSpan(RecordBatch.HeaderLength + 8).Clear();
                }

                Assert.Equal(AppendOutcome.Added, builder.TryAppend(RecordBatch.Open(bytes)));
            }

            var raw = builder.Seal();
            var fault = compressor.Walk(raw);
            Assert.Equal(bad * 4, fault!.Offset);
            Assert.NotEmpty(fault.Problem);
            Assert.Equal(bad == 0, raw.IsEmpty);
            Assert.Equal(bad * 4, raw.Stats.RecordCount);
            if (raw.IsEmpty)
            {
                raw.Dispose();
                continue;
            }

            using var block = compressor.Compress(raw);
            Assert.Equal((0, (bad * 4) - 1), (block.Info.Stats.FirstOffset, block.Info.Stats.LastOffset));
        }

        Assert.Equal(0, pool.BytesInUse);
    }

    [Fact]
    public void L1_blocks_of_compressed_batches_are_stored_as_they_are_and_others_as_asked_for()
    {
        var plain = BatchImage.Batches(Repetitive(0, 4)).Single();
        var packed = BatchImage.Batches(Repetitive(4, 4), BatchCodec.Lz4).Single();
        Assert.Equal(CompressionKind.None, Stored(packed).Codec);
        Assert.Equal(CompressionKind.Zstd, Stored(plain).Codec);
        Assert.Equal(CompressionKind.Zstd, Stored(plain, packed).Codec);

        static BlockInfo Stored(params byte[][] batches)
        {
            using var pool = new BlockBufferPool(16 << 20);
            using var builder = new BatchBlockBuilder(pool);
            using var compressor = new BlockCompressor(CompressionKind.Zstd);
            foreach (var bytes in batches)
            {
                builder.TryAppend(RecordBatch.Open(bytes));
            }

            var raw = builder.Seal();
            compressor.Walk(raw);
            using var block = compressor.Compress(raw);
            return block.Info;
        }
    }

    [Fact]
    public async Task L3_append_time_is_the_time_of_all_records_of_its_batch()
    {
        var records = Plain(0, 8)
            .Select(static record => record with { TimestampKind = TimestampKind.LogAppendTime, Timestamp = record.Offset < 4 ? 70 : 90 })
            .ToArray();
        var batches = BatchImage.Batches(records, BatchCodec.Zstd, recordsPerBatch: 100);
        Assert.Equal(2, batches.Count);
        var (file, summary) = BatchImage.WriteBatches(batches, from: 2, end: 6);
        Assert.Equal(records[2..6], await SegmentImage.ReadAsync(file));
        Assert.Equal((70, 90, 90), (summary.Stats.MinTimestamp, summary.Stats.MaxTimestamp, summary.Stats.LastTimestamp));
    }

    [Fact]
    public async Task B8_records_of_a_batch_have_its_leader_epoch()
    {
        var batches = BatchImage.Batches(Plain(0, 8), recordsPerBatch: 4);
        BatchStamp.SetLeaderEpoch(batches[0], 5);
        BatchStamp.SetLeaderEpoch(batches[1], 6);
        var (file, _) = BatchImage.WriteBatches(batches);
        var epochs = new List<int>();
        await ForEachBlockAsync(
            file,
            block =>
            {
                foreach (var record in block)
                {
                    epochs.Add(record.LeaderEpoch);
                }
            }
        );
        Assert.Equal([5, 5, 5, 5, 6, 6, 6, 6], epochs);
        Assert.Equal(6, (await SegmentImage.CheckAsync(file)).LastRecord!.LeaderEpoch);
    }

    [Fact]
    public async Task B8_a_record_has_the_same_digest_in_both_versions()
    {
        foreach (var record in BatchImage.Kept(new HostileRecords(9).List(50)))
        {
            var digests = new HashSet<string>();
            foreach (var form in SegmentForm.All)
            {
                digests.Add((await SegmentImage.CheckAsync(form.Write([record]).Bytes)).LastRecord!.Digest);
            }

            using var raw = Raw(BatchImage.Batches([record], BatchCodec.Gzip));
            digests.Add(raw.Last().Digest);
            Assert.Single(digests);
        }
    }

    [Fact]
    public void L1_a_large_batch_gets_a_block_of_its_own_and_small_ones_share()
    {
        var large = BatchImage.Batches([TestRecord.Text(10, "k", new string('v', 3 << 20))]).Single();
        var small = BatchImage.Batches(Plain(0, 4)).Single();
        var next = BatchImage.Batches(Plain(11, 4)).Single();
        using var pool = new BlockBufferPool(16 << 20);
        using var builder = new BatchBlockBuilder(pool);
        Assert.Equal(AppendOutcome.Added, builder.TryAppend(RecordBatch.Open(small)));
        Assert.Equal((false, 3, small.Length), (builder.IsEmpty, builder.LastOffset, builder.RawLength));
        Assert.Equal(AppendOutcome.BlockFull, builder.TryAppend(RecordBatch.Open(large)));
        builder.Seal().Dispose();
        Assert.Equal(AppendOutcome.Added, builder.TryAppend(RecordBatch.Open(large)));
        Assert.Equal(AppendOutcome.BlockFull, builder.TryAppend(RecordBatch.Open(next)));
        Assert.Throws<ArgumentException>(() => builder.TryAppend(RecordBatch.Open(small)));
        builder.Seal().Dispose();

        using var held = pool.Rent((int)pool.BudgetBytes / 2, default);
        Assert.Equal(AppendOutcome.PoolEmpty, builder.TryAppend(RecordBatch.Open(next)));
        ((IDisposable)held).Dispose();
        Assert.Equal(AppendOutcome.Added, builder.TryAppend(RecordBatch.Open(next)));
        Assert.Equal(AppendOutcome.Added, builder.TryAppend(RecordBatch.Open(Empty(20, 25))));
        Assert.Equal(14, builder.LastOffset);
    }

    [Fact]
    public async Task L8_a_segment_of_one_version_holds_no_block_of_the_other()
    {
        using var records = SegmentParts.Block(Plain(0, 4));
        using var writer = new SegmentWriter(BatchImage.Header());
        writer.Start();
        Assert.Throws<InvalidOperationException>(() => writer.AppendBlock(records));

        var (ofRecords, _) = SegmentImage.Write(Plain(0, 4));
        var (ofBatches, _) = BatchImage.Write(Plain(0, 4));
        var headerLength = SegmentImage.Header().Encode().Length;
        byte[] mixed = [.. BatchImage.Header().Encode(), .. ofRecords[headerLength..]];
        Assert.Null(await Corruption.RecordsOrDamageAsync(mixed));
        Assert.Contains("another version", (await SegmentImage.CheckAsync(mixed)).Damages[0].Problem, StringComparison.Ordinal);
        mixed = [.. SegmentImage.Header().Encode(), .. ofBatches[headerLength..]];
        Assert.Null(await Corruption.RecordsOrDamageAsync(mixed));
        Assert.True(await Corruption.IsFoundByCheckAsync(mixed));
    }

    /// <summary>What remains of a batch whose records compaction removed.</summary>
    private static byte[] Empty(long first, long last)
    {
        var bytes = BatchImage.Batches([Record(first), Record(last)]).Single()[..RecordBatch.HeaderLength];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(8), bytes.Length - RecordBatch.PrefixLength);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(RecordBatch.RecordCountPlace), 0);
        return bytes;
    }

    /// <summary>A batch of which compaction has left the last record.</summary>
    private static byte[] Late(long first, long last)
    {
        using var builder = new BatchBuilder();
        builder.Begin();
        builder.Append(last, 0, default);
        var bytes = builder.Build().ToArray();
        BatchStamp.SetBaseOffset(bytes, first);
        // The record's only offset delta, and the header's last one.
        bytes[RecordBatch.HeaderLength + 3] = (byte)(2 * (last - first));
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(RecordBatch.LastOffsetDeltaPlace), (int)(last - first));
        BatchStamp.Seal(bytes);
        return bytes;
    }

    private static RawBlock Raw(IEnumerable<byte[]> batches)
    {
        using var pool = new BlockBufferPool(16 << 20);
        using var builder = new BatchBlockBuilder(pool);
        using var walker = new BlockWalker();
        foreach (var bytes in batches)
        {
            builder.TryAppend(RecordBatch.Open(bytes));
        }

        var raw = builder.Seal();
        Assert.Null(walker.Walk(raw));
        return raw;
    }

    private static TestRecord Record(long offset) => TestRecord.Text(offset, "k", $"value {offset}", offset * 10);

    private static TestRecord[] Plain(long first, int count) => [.. Enumerable.Range(0, count).Select(i => Record(first + i))];

    private static TestRecord[] Repetitive(long first, int count) =>
        [.. Plain(first, count).Select(static record => record with { Value = new byte[2000] })];

    private static (long First, long Last, long Count) Range(SegmentSummary summary) =>
        (summary.Stats.FirstOffset, summary.Stats.LastOffset, summary.Stats.RecordCount);

    private static async Task<IReadOnlyList<(byte[] Bytes, bool IsWhole)>> BatchesAsync(byte[] file)
    {
        var batches = new List<(byte[], bool)>();
        await ForEachBlockAsync(
            file,
            block =>
            {
                foreach (var (batch, isWhole) in block.Batches)
                {
                    batches.Add((batch.Bytes.ToArray(), isWhole));
                }
            }
        );
        return batches;
    }

    private static async Task ForEachBlockAsync(byte[] file, Action<RecordBlock> action)
    {
        using var pool = new BlockBufferPool(16 << 20);
        await foreach (var block in SegmentFile.ReadBlocksAsync("s", SegmentImage.Source(file), file.Length, pool, null, 0, default))
        {
            using (block)
            {
                action(block);
            }
        }

        Assert.Equal(0, pool.BytesInUse);
    }
}
