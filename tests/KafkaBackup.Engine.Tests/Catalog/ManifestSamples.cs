using System.Globalization;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing.Storage;
using Xunit;

namespace KafkaBackup.Engine.Tests.Catalog;

/// <summary>Manifests to commit, and ways to compare what comes back.</summary>
internal static class ManifestSamples
{
    public static readonly DateTimeOffset Time = new(2024, 1, 15, 10, 0, 0, TimeSpan.Zero);

    public static SessionOptions Options(TimeProvider? clock = null) => new() { RunId = "run-1", Clock = clock ?? TimeProvider.System };

    public static SegmentEntry Segment(string topic, int partition, long first, int records = 100, string? key = null) =>
        new()
        {
            Key = key ?? BackupKeys.NewSegment(topic, partition, first),
            Sha256 = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(first))).ToLowerInvariant(),
            StoredBytes = 1_000_000 + first,
            Bytes = 2_000_000,
            RecordCount = records,
            FirstOffset = first,
            LastOffset = first + records - 1,
            MinTimestamp = -1,
            MaxTimestamp = 1705312800000 + first,
            HeadTimestamp = 1705312800000,
            LargestRecord = 4096,
            ZeroTimestamps = 1,
            RunId = "run-1",
        };

    public static PartitionEntry Partition(int number, params SegmentEntry[] segments) =>
        new()
        {
            Partition = number,
            CapturedStart = 0,
            CapturedEnd = segments.Length == 0 ? 0 : segments[^1].LastOffset + 1,
            NextOffset = segments.Length == 0 ? 0 : segments[^1].LastOffset + 1,
            Complete = true,
            Gaps = [],
            Segments = segments,
        };

    public static TopicEntry Topic(string name, params PartitionEntry[] partitions) =>
        new()
        {
            Name = name,
            TopicId = "id-" + name,
            PartitionCount = partitions.Length,
            ReplicationFactor = 3,
            Configs = new Dictionary<string, string> { ["cleanup.policy"] = "compact", ["retention.ms"] = "-1" },
            Partitions = partitions.ToDictionary(p => p.Partition),
        };

    public static TopicEntry BigTopic(int segments) =>
        Topic(
            "big",
            Enumerable
                .Range(0, 10)
                .Select(p => Partition(p, Enumerable.Range(0, segments / 10).Select(i => Segment("big", p, i * 100L)).ToArray()))
                .ToArray()
        );

    public static RunEntry Run(int number, BackupStatus state = BackupStatus.Complete) =>
        new()
        {
            RunId = string.Create(CultureInfo.InvariantCulture, $"run-{number}"),
            StartedAt = Time.AddMinutes(number),
            EndedAt = Time.AddMinutes(number).AddSeconds(30),
            State = state,
            ToolVersion = "1.0.0",
            Isolation = IsolationLevel.ReadCommitted,
            RequestedTopics = ["orders", "~^pay"],
            ConsistentAtMs = 1705312800000,
            RecordCount = 12345,
        };

    public static GroupSnapshot Groups(string run) =>
        new(
            Time,
            run,
            [new GroupEntry("billing", [new GroupOffsetEntry("orders", 0, 42, "µ-meta"), new GroupOffsetEntry("orders", 1, 7, "")])]
        );

    public static Manifest With(this Manifest manifest, params TopicEntry[] topics)
    {
        var all = manifest.Topics.ToDictionary(t => t.Key, t => t.Value);
        foreach (var topic in topics)
        {
            all[topic.Name] = topic;
        }

        return manifest with
        {
            Topics = all,
        };
    }

    /// <summary>The same manifest with one segment more at the end of a partition, as a backup's commit makes it.</summary>
    public static Manifest Appended(this Manifest manifest, string topic, int partition, int records = 100)
    {
        var old = manifest.Topics[topic].Partitions[partition];
        var segment = Segment(topic, partition, old.NextOffset, records);
        return manifest.WithPartition(
            topic,
            old with
            {
                Segments = [.. old.Segments, segment],
                NextOffset = segment.LastOffset + 1,
                CapturedEnd = segment.LastOffset + 1,
            }
        );
    }

    public static Manifest WithPartition(this Manifest manifest, string topic, PartitionEntry partition)
    {
        var entry = manifest.Topics[topic];
        var partitions = entry.Partitions.ToDictionary(p => p.Key, p => p.Value);
        partitions[partition.Partition] = partition;
        return manifest.With(entry with { Partitions = partitions });
    }

    public static async Task<Manifest> OpenAsync(IStore store, string id = "backup") =>
        (await new BackupCatalog(store).OpenAsync(id, default)).Manifest;

    /// <summary>Puts an object for every segment that the manifest names, so that the backup is whole.</summary>
    public static void PutSegments(this MemoryStore store, Manifest manifest, string id = "backup")
    {
        foreach (var segment in Segments(manifest))
        {
            store[BackupKeys.Of(id, segment.Key)] = [1, 2, 3];
        }
    }

    public static IEnumerable<SegmentEntry> Segments(Manifest manifest) =>
        manifest.Topics.Values.SelectMany(t => t.Partitions.Values).SelectMany(p => p.Segments);

    /// <summary>Equal in everything that a manifest says, generation and time of the commit aside.</summary>
    public static void AssertSame(Manifest expected, Manifest actual)
    {
        Assert.Equal(expected.BackupId, actual.BackupId);
        Assert.Equal(expected.CreatedAt, actual.CreatedAt);
        Assert.Equal(expected.SourceClusterId, actual.SourceClusterId);
        Assert.Equal(expected.Complete, actual.Complete);
        Assert.Equal(expected.Runs.Select(Text), actual.Runs.Select(Text));
        Assert.Equal(expected.Topics.Keys.Order(StringComparer.Ordinal), actual.Topics.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, topic) in expected.Topics)
        {
            var other = actual.Topics[name];
            Assert.Equal(
                (topic.Name, topic.TopicId, topic.PartitionCount, topic.ReplicationFactor),
                (other.Name, other.TopicId, other.PartitionCount, other.ReplicationFactor)
            );
            Assert.Equal(
                topic.Configs.OrderBy(c => c.Key, StringComparer.Ordinal),
                other.Configs.OrderBy(c => c.Key, StringComparer.Ordinal)
            );
            Assert.Equal(topic.Partitions.Keys.Order(), other.Partitions.Keys.Order());
            foreach (var (number, partition) in topic.Partitions)
            {
                var otherPartition = other.Partitions[number];
                Assert.Equal(
                    (
                        partition.Partition,
                        partition.CapturedStart,
                        partition.CapturedEnd,
                        partition.NextOffset,
                        partition.Complete,
                        partition.LastRecord
                    ),
                    (
                        otherPartition.Partition,
                        otherPartition.CapturedStart,
                        otherPartition.CapturedEnd,
                        otherPartition.NextOffset,
                        otherPartition.Complete,
                        otherPartition.LastRecord
                    )
                );
                Assert.Equal(partition.Gaps, otherPartition.Gaps);
                Assert.Equal(partition.Segments, otherPartition.Segments);
            }
        }

        Assert.Equal(expected.GroupSnapshots.Select(Text), actual.GroupSnapshots.Select(Text));
    }

    private static string Text(RunEntry run) =>
        string.Join(
            '|',
            run.RunId,
            run.StartedAt,
            run.EndedAt,
            run.State,
            run.ToolVersion,
            run.Isolation,
            string.Join(',', run.RequestedTopics),
            run.ConsistentAtMs,
            run.RecordCount
        );

    private static string Text(GroupSnapshot snapshot) =>
        $"{snapshot.TakenAt} {snapshot.RunId} {string.Join(';', snapshot.Groups.Select(g => g.Group + ":" + string.Join(',', g.Offsets)))}";
}
