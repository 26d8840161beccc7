using System.Text.Json;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Format.Foreign;

/// <summary>
/// The Rust tool's manifest.json as our <see cref="Manifest"/> (rule K). What it does not know is filled so that nothing is hidden by it:
/// segments have no hash and may have any timestamp (it keeps first and last, not minimum and maximum), the replication factor is -1 (the
/// broker's default), LargestRecord and ZeroTimestamps are 0 until a segment has been read (<see cref="Segments.SegmentFile.CheckAsync"/>).
/// </summary>
public static class ForeignManifest
{
    private const string RunId = "foreign";

    /// <summary>
    /// Partitions that a manifest claims without describing them, in all its topics: a few bytes could else ask for gigabytes. Those
    /// without records are left out by that tool, so there are some; more than this no cluster of its users has.
    /// </summary>
    private const int MostUndescribed = 100_000;

    /// <summary>True for a manifest of that tool, false for anything else: ours have a format version.</summary>
    public static bool IsOne(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("backup_id", out _)
                && root.TryGetProperty("created_at", out _)
                && root.TryGetProperty("topics", out var topics)
                && topics.ValueKind == JsonValueKind.Array
                && !root.TryGetProperty("format_version", out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>The error ManifestDamaged when it cannot be understood.</summary>
    /// <param name="place">The manifest's key or path, for messages.</param>
    public static Manifest Parse(ReadOnlyMemory<byte> json, string place)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return new Reader().Read(new ForeignValue(document.RootElement, ""));
        }
        catch (Exception damage) when (damage is JsonException or FormatException)
        {
            throw ErrorIds.ManifestDamaged.With(
                $"The manifest '{place}' of another tool cannot be understood: {damage.Message}",
                place,
                "Look at the file: it must be a manifest that kafka-backup wrote.",
                damage
            );
        }
    }

    private static PartitionEntry Empty(int number) =>
        new()
        {
            Partition = number,
            CapturedStart = 0,
            CapturedEnd = 0,
            NextOffset = 0,
            Complete = true,
            Gaps = [],
            Segments = [],
        };

    /// <summary>Reads one manifest, and keeps count of what it adds up to.</summary>
    private sealed class Reader
    {
        private long _records;
        private long _bytes;
        private long _storedBytes;
        private long _undescribed;

        public Manifest Read(ForeignValue root)
        {
            var backupId = root.Required("backup_id").Text();
            var created = root.Required("created_at").Time();
            var topics = new Dictionary<string, TopicEntry>(StringComparer.Ordinal);
            foreach (var value in root.Required("topics").Items())
            {
                var topic = ReadTopic(value, backupId, created);
                if (!topics.TryAdd(topic.Name, topic))
                {
                    throw value.Fault($"topic '{topic.Name}' is listed twice");
                }
            }

            return new Manifest
            {
                BackupId = backupId,
                Generation = 0,
                CreatedAt = created,
                UpdatedAt = created,
                SourceClusterId = root.Find("source_cluster_id")?.Text(),
                Complete = true,
                Runs =
                [
                    new RunEntry
                    {
                        RunId = RunId,
                        StartedAt = created,
                        State = BackupStatus.Complete,
                        ToolVersion = "kafka-backup (KBAK version 1)",
                        Isolation = IsolationLevel.ReadUncommitted,
                        RequestedTopics = [.. topics.Keys],
                        RecordCount = _records,
                    },
                ],
                Topics = topics,
                GroupSnapshots = [],
            };
        }

        private TopicEntry ReadTopic(ForeignValue value, string backupId, DateTimeOffset created)
        {
            var partitions = new Dictionary<int, PartitionEntry>();
            foreach (var partition in value.Required("partitions").Items())
            {
                var entry = ReadPartition(partition, backupId, created);
                if (!partitions.TryAdd(entry.Partition, entry))
                {
                    throw partition.Fault($"partition {entry.Partition} is listed twice");
                }
            }

            var known = partitions.Count == 0 ? 1 : partitions.Keys.Max() + 1;
            var count = (int)Math.Max(known, value.Find("original_partition_count")?.Number(0, int.MaxValue) ?? 0);
            _undescribed += count - partitions.Count;
            if (_undescribed > MostUndescribed)
            {
                throw value.Fault(
                    $"it claims {count:N0} partitions and describes {partitions.Count:N0}; a manifest may leave out {MostUndescribed:N0} in all"
                );
            }

            for (var number = 0; number < count; number++)
            {
                // That tool leaves out partitions without records; they are part of the topic all the same (rule B6).
                if (!partitions.ContainsKey(number))
                {
                    partitions.Add(number, Empty(number));
                }
            }

            return new TopicEntry
            {
                Name = value.Required("name").Text(),
                PartitionCount = count,
                ReplicationFactor = -1,
                Configs = new Dictionary<string, string>(),
                Partitions = partitions,
            };
        }

        private PartitionEntry ReadPartition(ForeignValue value, string backupId, DateTimeOffset created)
        {
            var number = (int)value.Required("partition_id").Number(0, NameRules.HighestPartition);
            var segments = value
                .Required("segments")
                .Items()
                .Select(segment => ReadSegment(segment, backupId))
                .OrderBy(static segment => segment.FirstOffset)
                .ToArray();
            for (var index = 1; index < segments.Length; index++)
            {
                if (segments[index].FirstOffset <= segments[index - 1].LastOffset)
                {
                    throw value.Fault($"segments '{segments[index - 1].Key}' and '{segments[index].Key}' overlap");
                }
            }

            return Empty(number) with
            {
                CapturedStart = segments.Length > 0 ? segments[0].FirstOffset : 0,
                CapturedEnd = segments.Length > 0 ? segments[^1].LastOffset + 1 : 0,
                NextOffset = segments.Length > 0 ? segments[^1].LastOffset + 1 : 0,
                Gaps = value.Find("gaps")?.Items().Select(gap => ReadGap(gap, created)).ToArray() ?? [],
                Segments = segments,
            };
        }

        private SegmentEntry ReadSegment(ForeignValue value, string backupId)
        {
            var key = value.Required("key").Text();
            var own = backupId + "/";
            var first = value.Required("start_offset").Number(0, long.MaxValue - 1);
            var last = value.Required("end_offset").Number(first, long.MaxValue - 1);
            var entry = new SegmentEntry
            {
                Key = key.StartsWith(own, StringComparison.Ordinal) ? key[own.Length..] : key,
                Sha256 = "",
                StoredBytes = value.Find("compressed_size")?.Number(0, long.MaxValue) ?? 0,
                Bytes = value.Find("uncompressed_size")?.Number(0, long.MaxValue) ?? 0,
                RecordCount = value.Required("record_count").Number(0, last - first + 1),
                FirstOffset = first,
                LastOffset = last,
                MinTimestamp = long.MinValue,
                MaxTimestamp = long.MaxValue,
                HeadTimestamp = value.Required("end_timestamp").Number(long.MinValue, long.MaxValue),
                LargestRecord = 0,
                ZeroTimestamps = 0,
                RunId = RunId,
            };
            _records = Add(_records, entry.RecordCount, value);
            _bytes = Add(_bytes, entry.Bytes, value);
            _storedBytes = Add(_storedBytes, entry.StoredBytes, value);
            return entry;
        }

        private static long Add(long sum, long part, ForeignValue place) =>
            part <= long.MaxValue - sum
                ? sum + part
                : throw place.Fault("the sizes and counts up to here add up to more than any store holds");

        private static GapEntry ReadGap(ForeignValue value, DateTimeOffset created)
        {
            var first = value.Required("start_offset").Number(0, long.MaxValue);
            return new GapEntry(
                first,
                value.Required("end_offset").Number(first, long.MaxValue),
                value.Find("reason")?.Text() ?? "unknown",
                value.Find("detected_at")?.Time() ?? created
            );
        }
    }
}
