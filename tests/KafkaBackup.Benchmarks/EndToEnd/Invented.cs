using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Benchmarks.EndToEnd;

/// <summary>A manifest as years of backups would leave it, without the records.</summary>
internal static class Invented
{
    public const int SegmentBytes = 100;

    private const int RecordsEach = 10_000;

    public static Manifest Manifest(Manifest begun, string topic, int partitions, int segmentsEach)
    {
        var entries = Enumerable
            .Range(0, partitions)
            .ToDictionary(
                p => p,
                p => new PartitionEntry
                {
                    Partition = p,
                    CapturedStart = 0,
                    CapturedEnd = (long)segmentsEach * RecordsEach,
                    NextOffset = (long)segmentsEach * RecordsEach,
                    Complete = true,
                    Gaps = [],
                    Segments = Enumerable.Range(0, segmentsEach).Select(s => Segment(topic, p, s)).ToArray(),
                }
            );
        var entry = new TopicEntry
        {
            Name = topic,
            PartitionCount = partitions,
            ReplicationFactor = 1,
            Configs = new Dictionary<string, string>(),
            Partitions = entries,
        };
        return begun with
        {
            Complete = true,
            Topics = new Dictionary<string, TopicEntry> { [topic] = entry },
        };
    }

    /// <summary>Files of the right size where the manifest says that segments are.</summary>
    public static void CreateFiles(string backupFolder, Manifest manifest)
    {
        foreach (var segment in manifest.Topics.Values.SelectMany(t => t.Partitions.Values).SelectMany(p => p.Segments))
        {
            var path = Path.Combine(backupFolder, segment.Key);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using var file = File.Create(path);
            file.SetLength(SegmentBytes);
        }
    }

    private static SegmentEntry Segment(string topic, int partition, int number)
    {
        var first = (long)number * RecordsEach;
        return new SegmentEntry
        {
            Key = BackupKeys.NewSegment(topic, partition, first),
            Sha256 = Convert
                .ToHexString(System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(first + partition)))
                .ToLowerInvariant(),
            StoredBytes = SegmentBytes,
            Bytes = RecordsEach * 1_000L,
            RecordCount = RecordsEach,
            FirstOffset = first,
            LastOffset = first + RecordsEach - 1,
            MinTimestamp = 1_700_000_000_000 + first,
            MaxTimestamp = 1_700_000_000_000 + first + RecordsEach - 1,
            HeadTimestamp = 1_700_000_000_000 + first + RecordsEach - 1,
            LargestRecord = 2_000,
            ZeroTimestamps = 0,
            RunId = "run-1",
        };
    }
}
