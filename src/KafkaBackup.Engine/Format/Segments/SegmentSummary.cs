using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Format.Segments;

/// <summary>A whole segment in figures.</summary>
/// <param name="Sha256">Of the file, lower-case hex.</param>
/// <param name="StoredBytes">The file's length.</param>
public sealed record SegmentSummary(string Sha256, long StoredBytes, int BlockCount, BlockStats Stats)
{
    public SegmentEntry ToEntry(string key, string runId) =>
        new()
        {
            Key = key,
            Sha256 = Sha256,
            StoredBytes = StoredBytes,
            Bytes = Stats.PayloadBytes,
            RecordCount = Stats.RecordCount,
            FirstOffset = Stats.FirstOffset,
            LastOffset = Stats.LastOffset,
            MinTimestamp = Stats.MinTimestamp,
            MaxTimestamp = Stats.MaxTimestamp,
            HeadTimestamp = Stats.LastTimestamp,
            LargestRecord = Stats.LargestRecord,
            ZeroTimestamps = Stats.ZeroTimestamps,
            RunId = runId,
        };
}
