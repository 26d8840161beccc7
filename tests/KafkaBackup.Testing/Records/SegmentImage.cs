using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Compression;
using KafkaBackup.Engine.Format.Segments;

namespace KafkaBackup.Testing.Records;

/// <summary>Whole segments in memory: written from plain records, read back into plain records.</summary>
public static class SegmentImage
{
    public static SegmentHeader Header(CompressionKind compression = CompressionKind.None) =>
        new("backup-1", "orders", 3, "run-1", compression, DateTimeOffset.FromUnixTimeMilliseconds(1_705_312_800_000));

    /// <param name="recordsPerBlock">Blocks are cut here at the latest.</param>
    public static (byte[] Bytes, SegmentSummary Summary) Write(
        IEnumerable<TestRecord> records,
        CompressionKind compression = CompressionKind.None,
        int recordsPerBlock = int.MaxValue,
        SegmentHeader? header = null
    )
    {
        using var pool = new BlockBufferPool(64 << 20);
        using var compressor = new BlockCompressor(compression);
        using var builder = new BlockBuilder(pool);
        using var writer = new SegmentWriter(header ?? Header(compression));
        using var file = new MemoryStream();
        file.Write(writer.Start().Span);
        void Cut()
        {
            using var block = compressor.Compress(builder.Seal());
            file.Write(writer.AppendBlock(block).Span);
        }

        foreach (var record in records)
        {
            if (builder.Stats.RecordCount >= recordsPerBlock)
            {
                Cut();
            }

            var added = false;
            record.View((in Engine.Records.RecordView view) => added = builder.Append(view, CancellationToken.None));
            if (!added)
            {
                Cut();
                record.View((in Engine.Records.RecordView view) => added = builder.Append(view, CancellationToken.None));
            }

            if (!added)
            {
                throw new InvalidOperationException("An empty block refused a record.");
            }
        }

        Cut();
        file.Write(writer.Finish(out var summary).Span);
        return (file.ToArray(), summary);
    }

    /// <summary>All records of a segment of any make.</summary>
    public static async Task<IReadOnlyList<TestRecord>> ReadAsync(
        ReadOnlyMemory<byte> file,
        int readAhead = 0,
        CancellationToken cancel = default
    )
    {
        using var pool = new BlockBufferPool(64 << 20);
        var records = new List<TestRecord>();
        await foreach (var block in SegmentFile.ReadBlocksAsync("test.kbs", Source(file), file.Length, pool, null, readAhead, cancel))
        {
            using (block)
            {
                Copy(block, records);
            }
        }

        return records;
    }

    public static async Task<SegmentCheck> CheckAsync(ReadOnlyMemory<byte> file, CancellationToken cancel = default)
    {
        using var pool = new BlockBufferPool(64 << 20);
        return await SegmentFile.CheckAsync("test.kbs", Source(file), file.Length, pool, cancel);
    }

    public static void Copy(RecordBlock block, ICollection<TestRecord> records)
    {
        ArgumentNullException.ThrowIfNull(block);
        ArgumentNullException.ThrowIfNull(records);
        foreach (var record in block)
        {
            records.Add(TestRecord.Copy(record));
        }
    }

    public static ReadRange Source(ReadOnlyMemory<byte> file) =>
        (offset, buffer, _) =>
        {
            var count = (int)Math.Clamp(file.Length - offset, 0, buffer.Length);
            file.Span.Slice((int)Math.Min(offset, file.Length), count).CopyTo(buffer.Span);
            return ValueTask.FromResult(count);
        };
}
