using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Compression;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Testing.Records;

/// <summary>Whole segments of version 2 in memory, written from plain records or from batches.</summary>
public static class BatchImage
{
    public static SegmentHeader Header(CompressionKind compression = CompressionKind.None) =>
        SegmentImage.Header(compression) with
        {
            Version = SegmentHeader.OfBatches,
        };

    /// <summary>What a segment of version 2 makes of such records: batches know no record without a timestamp type.</summary>
    public static TestRecord[] Kept(IEnumerable<TestRecord> records) =>
        [
            .. records.Select(static record =>
                record with
                {
                    Offset = Math.Min(record.Offset, long.MaxValue - 1),
                    TimestampKind = record.TimestampKind == TimestampKind.NotAvailable ? TimestampKind.CreateTime : record.TimestampKind,
                }
            ),
        ];

    /// <summary>Batches of so many records at the most.</summary>
    public static IReadOnlyList<byte[]> Batches(
        IEnumerable<TestRecord> records,
        BatchCodec codec = BatchCodec.None,
        int recordsPerBatch = 4,
        int fullBytes = BlockBufferPool.SmallBlock
    )
    {
        using var batcher = new RecordBatcher(codec, fullBytes);
        var batches = new List<byte[]>();
        foreach (var record in Kept(records))
        {
            var added = false;
            record.View((in RecordView view) => added = batcher.Count < recordsPerBatch && batcher.TryAppend(view));
            if (!added)
            {
                batches.Add(batcher.Build().Bytes.ToArray());
                batcher.Clear();
                record.View((in RecordView view) => batcher.TryAppend(view));
            }
        }

        batches.Add(batcher.Build().Bytes.ToArray());
        return batches;
    }

    /// <param name="recordsPerBlock">Blocks are cut here at the latest.</param>
    public static (byte[] Bytes, SegmentSummary Summary) Write(
        IEnumerable<TestRecord> records,
        CompressionKind compression = CompressionKind.None,
        int recordsPerBlock = int.MaxValue,
        BatchCodec codec = BatchCodec.None,
        SegmentHeader? header = null
    ) => WriteBatches(Batches(records, codec, Math.Min(5, recordsPerBlock)), compression, recordsPerBlock, header: header);

    /// <summary>Records from one offset (inclusive) to another (exclusive) count.</summary>
    public static (byte[] Bytes, SegmentSummary Summary) WriteBatches(
        IEnumerable<byte[]> batches,
        CompressionKind compression = CompressionKind.None,
        int recordsPerBlock = int.MaxValue,
        long from = 0,
        long end = long.MaxValue,
        SegmentHeader? header = null
    )
    {
        using var pool = new BlockBufferPool(64 << 20);
        using var compressor = new BlockCompressor(compression);
        using var builder = new BatchBlockBuilder(pool);
        using var writer = new SegmentWriter(header ?? Header(compression));
        using var file = new MemoryStream();
        file.Write(writer.Start().Span);
        var records = 0;
        void Cut()
        {
            records = 0;
            var raw = builder.Seal();
            if (compressor.Walk(raw) is { } fault)
            {
                throw new InvalidOperationException($"Offset {fault.Offset}: {fault.Problem}");
            }

            if (raw.IsEmpty)
            {
                raw.Dispose();
                return;
            }

            using var block = compressor.Compress(raw);
            file.Write(writer.AppendBlock(block).Span);
        }

        foreach (var bytes in batches)
        {
            var batch = RecordBatch.Open(bytes);
            if (records > 0 && records + batch.RecordCount > recordsPerBlock)
            {
                Cut();
            }

            if (!builder.Append(batch, from, end, CancellationToken.None))
            {
                Cut();
                if (!builder.Append(batch, from, end, CancellationToken.None))
                {
                    throw new InvalidOperationException("An empty block refused a batch.");
                }
            }

            records += batch.RecordCount;
        }

        Cut();
        file.Write(writer.Finish(out var summary).Span);
        return (file.ToArray(), summary);
    }
}
