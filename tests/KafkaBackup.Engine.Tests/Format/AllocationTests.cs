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
