using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Compression;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Records;
using KafkaBackup.Testing.Records;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

public sealed class AllocationTests
{
    private const int Records = 200_000;
    private const int BatchRecords = 100;

    [Theory]
    [InlineData(CompressionKind.None)]
    [InlineData(CompressionKind.Zstd)]
    [InlineData(CompressionKind.Gzip)]
    public void Writing_and_reading_allocate_less_than_a_byte_a_record(CompressionKind kind)
    {
        using var pool = new BlockBufferPool(16 << 20);
        using var compressor = new BlockCompressor(kind);
        using var file = new MemoryStream(64 << 20);

        // The first round makes buffers, contexts and code.
        Write(pool, compressor, file, Records / 10);
        Read(pool, file);

        var (written, read) = (0L, 0L);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Write(pool, compressor, file, Records);
        written = GC.GetAllocatedBytesForCurrentThread() - before;
        before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(Records, Read(pool, file));
        read = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(written, 0, Records - 1);
        Assert.InRange(read, 0, Records - 1);
    }

    [Theory]
    [InlineData(CompressionKind.None, BatchCodec.None)]
    [InlineData(CompressionKind.Zstd, BatchCodec.None)]
    [InlineData(CompressionKind.Zstd, BatchCodec.Lz4)]
    [InlineData(CompressionKind.Zstd, BatchCodec.Snappy)]
    [InlineData(CompressionKind.Zstd, BatchCodec.Zstd)]
    public void L2_batches_are_written_and_read_without_memory_for_each_record(CompressionKind kind, BatchCodec codec)
    {
        using var pool = new BlockBufferPool(16 << 20);
        using var compressor = new BlockCompressor(kind);
        using var file = new MemoryStream(64 << 20);
        var value = new string('v', 90);
        var batch = BatchImage
            .Batches(Enumerable.Range(0, BatchRecords).Select(i => TestRecord.Text(i, "customer-17", value)), codec, BatchRecords)
            .Single();
        WriteBatches(pool, compressor, file, batch, Records / 10);
        Read(pool, file);

        var before = GC.GetAllocatedBytesForCurrentThread();
        WriteBatches(pool, compressor, file, batch, Records);
        var written = GC.GetAllocatedBytesForCurrentThread() - before;
        before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(Records, Read(pool, file));
        // Snappy's library takes some for each batch.
        var most = codec == BatchCodec.Snappy ? 2 * Records : Records - 1;
        Assert.InRange(written, 0, most);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, most);
    }

    private static void WriteBatches(BlockBufferPool pool, BlockCompressor compressor, MemoryStream file, byte[] batch, int count)
    {
        file.SetLength(0);
        using var builder = new BatchBlockBuilder(pool);
        using var writer = new SegmentWriter(BatchImage.Header());
        file.Write(writer.Start().Span);
        for (var offset = 0; offset < count; offset += BatchRecords)
        {
            BatchStamp.SetBaseOffset(batch, offset);
            if (!builder.Append(RecordBatch.Open(batch), 0, long.MaxValue, CancellationToken.None))
            {
                Store();
                builder.Append(RecordBatch.Open(batch), 0, long.MaxValue, CancellationToken.None);
            }
        }

        Store();
        file.Write(writer.Finish(out _).Span);

        void Store()
        {
            var raw = builder.Seal();
            Assert.Null(compressor.Walk(raw));
            using var block = compressor.Compress(raw);
            file.Write(writer.AppendBlock(block).Span);
        }
    }

    private static void Write(BlockBufferPool pool, BlockCompressor compressor, MemoryStream file, int count)
    {
        file.SetLength(0);
        using var builder = new BlockBuilder(pool);
        using var writer = new SegmentWriter(SegmentImage.Header());
        file.Write(writer.Start().Span);
        TestRecord
            .Text(0, "customer-17", new string('v', 90))
            .View(
                (in RecordView template) =>
                {
                    for (var offset = 0; offset < count; offset++)
                    {
                        var record = new RecordView
                        {
                            Offset = offset,
                            Timestamp = offset,
                            TimestampKind = TimestampKind.CreateTime,
                            Key = template.Key,
                            Value = template.Value,
                        };
                        if (!builder.Append(record, CancellationToken.None))
                        {
                            using var block = compressor.Compress(builder.Seal());
                            file.Write(writer.AppendBlock(block).Span);
                            builder.Append(record, CancellationToken.None);
                        }
                    }
                }
            );
        using var last = compressor.Compress(builder.Seal());
        file.Write(writer.AppendBlock(last).Span);
        file.Write(writer.Finish(out _).Span);
    }

    private static int Read(BlockBufferPool pool, MemoryStream file)
    {
        var bytes = file.GetBuffer().AsMemory(0, (int)file.Length);
        using var reader = Properties.Wait(
            SegmentReader.OpenAsync("s", SegmentImage.Source(bytes), bytes.Length, pool, 1 << 20, CancellationToken.None).AsTask()
        );
        var count = 0;
        for (var index = 0; index < reader.Blocks.Count; index++)
        {
            using var block = Properties.Wait(reader.ReadBlockAsync(index, CancellationToken.None).AsTask());
            foreach (var record in block)
            {
                count += record.Value.Length == 90 ? 1 : 0;
            }
        }

        return count;
    }
}
