using KafkaBackup.Benchmarks.EndToEnd;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Benchmarks.Micro;

/// <summary>Blocks of a workload's records.</summary>
internal static class SampleBlock
{
    /// <summary>Fills the builder with as many records as one block takes.</summary>
    public static RawBlock Build(BlockBuilder builder, RecordSource source, long firstOffset)
    {
        for (var offset = firstOffset; ; offset++)
        {
            source.Next(offset);
            var record = new RecordView
            {
                Offset = offset,
                Timestamp = 1_700_000_000_000 + offset,
                TimestampKind = TimestampKind.CreateTime,
                Key = source.Key,
                Value = source.Value,
            };
            if (builder.TryAppend(record) != AppendOutcome.Added)
            {
                return builder.Seal();
            }
        }
    }
}
