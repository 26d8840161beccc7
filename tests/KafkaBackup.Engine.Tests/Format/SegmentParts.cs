using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Compression;
using KafkaBackup.Testing.Records;

namespace KafkaBackup.Engine.Tests.Format;

internal static class SegmentParts
{
    public static AppendOutcome TryAppend(this BlockBuilder builder, TestRecord record)
    {
        var outcome = AppendOutcome.PoolEmpty;
        record.View((in Records.RecordView view) => outcome = builder.TryAppend(view));
        return outcome;
    }

    public static CompressedBlock Block(IEnumerable<TestRecord> records, CompressionKind kind = CompressionKind.None)
    {
        using var pool = new BlockBufferPool(16 << 20);
        using var builder = new BlockBuilder(pool);
        using var compressor = new BlockCompressor(kind);
        foreach (var record in records)
        {
            if (builder.TryAppend(record) != AppendOutcome.Added)
            {
                throw new InvalidOperationException("The records do not fit one block.");
            }
        }

        return compressor.Compress(builder.Seal());
    }
}
