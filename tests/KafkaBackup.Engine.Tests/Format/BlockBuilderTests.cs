using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Compression;
using KafkaBackup.Engine.Records;
using KafkaBackup.Testing.Records;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

public sealed class BlockBuilderTests
{
    [Fact]
    public void A_block_ends_at_about_a_megabyte()
    {
        using var pool = new BlockBufferPool(16 << 20);
        using var builder = new BlockBuilder(pool);
        var value = new string('v', 1000);
        var offset = 0L;
        while (builder.TryAppend(TestRecord.Text(offset, null, value)) == AppendOutcome.Added)
        {
            offset++;
        }

        using var block = builder.Seal();
        Assert.InRange(block.Length, (1 << 20) - 1100, 1 << 20);
        Assert.Equal(offset, block.Stats.RecordCount);
        Assert.True(builder.IsEmpty);
        Assert.Equal(AppendOutcome.Added, builder.TryAppend(TestRecord.Text(offset, null, value)));
    }

    [Fact]
    public void A_quiet_block_takes_little_memory_and_grows_when_it_fills()
    {
        using var pool = new BlockBufferPool(16 << 20);
        using var builder = new BlockBuilder(pool);
        builder.TryAppend(TestRecord.Text(0, "k", "v"));
        Assert.InRange(pool.BytesInUse, 1, 70_000);
        Assert.Equal(AppendOutcome.Added, builder.TryAppend(TestRecord.Text(1, null, new string('v', 66_000))));
        Assert.InRange(pool.BytesInUse, 1 << 20, 2 << 20);
        using var block = builder.Seal();
        Assert.Equal(2, block.Stats.RecordCount);
    }

    [Fact]
    public void A_block_that_cannot_grow_is_full_and_one_that_cannot_start_says_so()
    {
        using var pool = new BlockBufferPool(3 << 20);
        using var builder = new BlockBuilder(pool);
        builder.TryAppend(TestRecord.Text(0, "k", "v"));
        List<BlockBuffer> held = [];
        while (pool.TryRent(10, out var buffer))
        {
            held.Add(buffer);
        }

        Assert.Equal(AppendOutcome.BlockFull, builder.TryAppend(TestRecord.Text(1, null, new string('v', 66_000))));
        using var block = builder.Seal();
        Assert.Equal(AppendOutcome.PoolEmpty, builder.TryAppend(TestRecord.Text(1, null, "v")));
        held.ForEach(static buffer => ((IDisposable)buffer).Dispose());
        Assert.Equal(AppendOutcome.Added, builder.TryAppend(TestRecord.Text(1, null, "v")));
    }

    [Fact]
    public void A_giant_record_has_a_block_of_its_own()
    {
        using var pool = new BlockBufferPool(4 << 20);
        using var builder = new BlockBuilder(pool);
        builder.TryAppend(TestRecord.Text(0, "k", "v"));
        var giant = TestRecord.Text(1, "k", null) with { Value = new byte[9_000_000] };
        Assert.Equal(AppendOutcome.BlockFull, builder.TryAppend(giant));
        builder.Seal().Dispose();
        Assert.Equal(AppendOutcome.Added, builder.TryAppend(giant));
        Assert.Equal(AppendOutcome.BlockFull, builder.TryAppend(TestRecord.Text(2, null, null)));
        using var block = builder.Seal();
        Assert.Equal(1, block.Stats.RecordCount);
    }

    [Fact]
    public async Task Append_waits_for_memory_and_can_be_cancelled()
    {
        using var pool = new BlockBufferPool(3 << 20);
        List<BlockBuffer> held = [];
        while (pool.TryRent(10, out var buffer))
        {
            held.Add(buffer);
        }

        using var builder = new BlockBuilder(pool);
        using var cancel = new CancellationTokenSource();
        var added = Task.Run(() => Append(builder, 0, CancellationToken.None));
        await Task.Delay(50);
        Assert.False(added.IsCompleted);
        ((IDisposable)held[0]).Dispose();
        Assert.True(await added);

        using var other = new BlockBuilder(pool);
        var refused = Task.Run(() => Append(other, 0, cancel.Token));
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => refused);
    }

    [Fact]
    public void Offsets_must_go_up_and_timestamp_kinds_be_known()
    {
        using var pool = new BlockBufferPool(4 << 20);
        using var builder = new BlockBuilder(pool);
        Assert.Throws<ArgumentException>(() => builder.TryAppend(TestRecord.Text(-1, null, null)));
        Assert.Throws<ArgumentException>(() => builder.TryAppend(TestRecord.Text(5, null, null) with { TimestampKind = (TimestampKind)3 }));
        builder.TryAppend(TestRecord.Text(5, null, null));
        Assert.Throws<ArgumentException>(() => builder.TryAppend(TestRecord.Text(5, null, null)));
        Assert.Throws<ArgumentException>(() => builder.TryAppend(TestRecord.Text(4, null, null)));
        Assert.Equal(1, builder.Stats.RecordCount);
    }

    [Fact]
    public void Content_that_does_not_compress_is_stored_as_it_is()
    {
        var noise = new byte[100_000];
        new Random(1).NextBytes(noise);
        foreach (var kind in (CompressionKind[])[CompressionKind.Zstd, CompressionKind.Gzip])
        {
            using var block = SegmentParts.Block([TestRecord.Text(1, null, null) with { Value = noise }], kind);
            Assert.Equal(CompressionKind.None, block.Info.Codec);
            Assert.Equal(block.Info.RawLength, block.Info.StoredLength);
        }
    }

    [Fact]
    public void A_level_that_a_compression_lacks_is_refused_and_a_higher_one_makes_smaller_blocks()
    {
        Assert.Throws<KafkaBackupException>(() => new BlockCompressor(CompressionKind.Gzip, 10));
        Assert.Throws<KafkaBackupException>(() => new BlockCompressor(CompressionKind.Zstd, 23));
        foreach (var (kind, low, high) in new[] { (CompressionKind.Zstd, 1, 22), (CompressionKind.Gzip, 1, 9) })
        {
            Assert.True(StoredLength(kind, high) < StoredLength(kind, low));
        }
    }

    [Fact]
    public void Without_libzstd_the_managed_zstd_is_used() => Assert.Null(NativeZstd.Load(["no-such-library-anywhere.so.1", "libc.so.6"]));

    [Theory]
    [InlineData(-7)]
    [InlineData(1)]
    [InlineData(19)]
    public unsafe void What_either_zstd_compresses_both_decompress(int level)
    {
        var raw = Enumerable.Range(0, 300_000).Select(i => (byte)((i * i % 251) & (i >> 12))).ToArray();
        var libraries = new ZstdLibrary?[] { NativeZstd.Find(), new ManagedZstd() }
            .OfType<ZstdLibrary>()
            .ToList();
        foreach (var library in libraries)
        {
            using var compressor = new ZstdCompressor(level, library);
            var stored = new byte[raw.Length + 4096];
            fixed (
                byte* from = raw,
                    to = stored
            )
            {
                stored = stored[..(int)compressor.Compress(from, (nuint)raw.Length, to, (nuint)stored.Length)];
            }

            foreach (var other in libraries)
            {
                using var decompressor = new ZstdDecompressor(other);
                var back = new byte[raw.Length];
                Assert.Null(decompressor.Decompress(stored, back));
                Assert.Equal(raw, back);
                Assert.NotNull(decompressor.Decompress(stored.AsSpan(0, stored.Length - 1), back));
                Assert.NotNull(decompressor.Decompress(stored, back.AsSpan(1)));
                Assert.Equal(raw, InParts(decompressor, stored, raw.Length));
                Assert.Throws<InvalidDataException>(() => InParts(decompressor, [1, 2, 3, 4, .. stored], raw.Length));
            }
        }
    }

    private static byte[] InParts(ZstdDecompressor decompressor, byte[] stored, int length)
    {
        var back = new byte[length];
        int from = 0,
            to = 0;
        while (
            !decompressor.DecompressPart(
                stored.AsSpan(from, Math.Min(1000, stored.Length - from)),
                back.AsSpan(to),
                out var consumed,
                out var written
            )
        )
        {
            from += consumed;
            to += written;
        }

        return back;
    }

    private static int StoredLength(CompressionKind kind, int level)
    {
        using var pool = new BlockBufferPool(4 << 20);
        using var builder = new BlockBuilder(pool);
        using var compressor = new BlockCompressor(kind, level);
        for (var offset = 0; offset < 500; offset++)
        {
            builder.TryAppend(
                TestRecord.Text(offset, $"customer-{offset * 7919 % 1000}", $"{{\"amount\": {offset * 31 % 977}, \"state\": \"paid\"}}")
            );
        }

        using var block = compressor.Compress(builder.Seal());
        return block.Info.StoredLength;
    }

    private static bool Append(BlockBuilder builder, long offset, CancellationToken cancel) =>
        builder.Append(
            new RecordView
            {
                Offset = offset,
                Timestamp = 0,
                TimestampKind = TimestampKind.CreateTime,
                KeyIsNull = true,
                ValueIsNull = true,
            },
            cancel
        );
}
