using System.Text.Json;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Format.Foreign;

/// <summary>
/// The Rust tool's manifest.json as our <see cref="Manifest"/> (SEMANTICS K). What it does not know is filled so that nothing is hidden by it:
/// segments have no hash and may have any timestamp (it keeps first and last, not minimum and maximum), the replication factor is -1 (the
/// broker's default), LargestRecord and ZeroTimestamps are 0 until a segment has been read (<see cref="Segments.SegmentFile.CheckAsync"/>).
/// </summary>
public static class ForeignManifest
{
    private const string RunId = "foreign";
    private const int MaxPartition = 1_000_000;

    /// <summary>True for a manifest of that tool, false for anything else: ours have a format version.</summary>
    public static bool IsOne(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("backup_id", out _) && root.TryGetProperty("created_at", out _)
                && root.TryGetProperty("topics", out var topics) && topics.ValueKind == JsonValueKind.Array
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
            return Read(document.RootElement);
        }
        catch (Exception damage) when (damage is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw ErrorIds.ManifestDamaged.With(
                $"The manifest '{place}' of another tool cannot be understood: {damage.Message}", place,
                "Look at the file: it must be a manifest that kafka-backup wrote.", damage);
        }
    }

    private static Manifest Read(JsonElement root)
    {
        var backupId = Text(root, "backup_id");
        var created = Time(root.GetProperty("created_at").GetInt64());
        var topics = new Dictionary<string, TopicEntry>(StringComparer.Ordinal);
        foreach (var element in root.GetProperty("topics").EnumerateArray())
        {
            var topic = ReadTopic(element, backupId, created);
            if (!topics.TryAdd(topic.Name, topic))
            {
                throw new FormatException($"topic '{topic.Name}' is listed twice");
            }
        }

        return new Manifest
        {
            BackupId = backupId,
            Generation = 0,
            CreatedAt = created,
            UpdatedAt = created,
            SourceClusterId = OptionalText(root, "source_cluster_id"),
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
                    RecordCount = topics.Values.SelectMany(static topic => topic.Partitions.Values)
                        .SelectMany(static partition => partition.Segments).Sum(static segment => segment.RecordCount),
                },
            ],
            Topics = topics,
            GroupSnapshots = [],
        };
    }

    private static TopicEntry ReadTopic(JsonElement element, string backupId, DateTimeOffset created)
    {
        var partitions = new Dictionary<int, PartitionEntry>();
        foreach (var partition in element.GetProperty("partitions").EnumerateArray())
        {
            var entry = ReadPartition(partition, backupId, created);
            if (!partitions.TryAdd(entry.Partition, entry))
            {
                throw new FormatException($"partition {entry.Partition} is listed twice");
            }
        }

        var known = partitions.Count == 0 ? 1 : partitions.Keys.Max() + 1;
        var declared = element.TryGetProperty("original_partition_count", out var count) && count.ValueKind == JsonValueKind.Number
            ? Math.Clamp(count.GetInt32(), 0, MaxPartition)
            : known;
        for (var number = 0; number < Math.Max(known, declared); number++)
        {
            // That tool leaves out partitions without records; they are part of the topic all the same (SEMANTICS B6).
            partitions.TryAdd(number, Empty(number));
        }

        return new TopicEntry
        {
            Name = Text(element, "name"),
            PartitionCount = Math.Max(known, declared),
            ReplicationFactor = -1,
            Configs = new Dictionary<string, string>(),
            Partitions = partitions,
        };
    }

    private static PartitionEntry ReadPartition(JsonElement element, string backupId, DateTimeOffset created)
    {
        var segments = element.GetProperty("segments").EnumerateArray().Select(segment => ReadSegment(segment, backupId))
            .OrderBy(static segment => segment.FirstOffset).ToArray();
        for (var index = 1; index < segments.Length; index++)
        {
            if (segments[index].FirstOffset <= segments[index - 1].LastOffset)
            {
                throw new FormatException($"segments '{segments[index - 1].Key}' and '{segments[index].Key}' overlap");
            }
        }

        var gaps = element.TryGetProperty("gaps", out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Select(gap => ReadGap(gap, created)).ToArray()
            : [];
        var number = element.GetProperty("partition_id").GetInt32();
        if (number is < 0 or > MaxPartition)
        {
            throw new FormatException($"partition {number} is out of range");
        }

        return Empty(number) with
        {
            CapturedStart = segments.Length > 0 ? segments[0].FirstOffset : 0,
            CapturedEnd = segments.Length > 0 ? segments[^1].LastOffset + 1 : 0,
            NextOffset = segments.Length > 0 ? segments[^1].LastOffset + 1 : 0,
            Gaps = gaps,
            Segments = segments,
        };
    }

    private static PartitionEntry Empty(int number) => new()
    {
        Partition = number,
        CapturedStart = 0,
        CapturedEnd = 0,
        NextOffset = 0,
        Complete = true,
        Gaps = [],
        Segments = [],
    };

    private static SegmentEntry ReadSegment(JsonElement element, string backupId)
    {
        var key = Text(element, "key");
        var own = backupId + "/";
        var entry = new SegmentEntry
        {
            Key = key.StartsWith(own, StringComparison.Ordinal) ? key[own.Length..] : key,
            Sha256 = "",
            StoredBytes = OptionalNumber(element, "compressed_size"),
            Bytes = OptionalNumber(element, "uncompressed_size"),
            RecordCount = element.GetProperty("record_count").GetInt64(),
            FirstOffset = element.GetProperty("start_offset").GetInt64(),
            LastOffset = element.GetProperty("end_offset").GetInt64(),
            MinTimestamp = long.MinValue,
            MaxTimestamp = long.MaxValue,
            HeadTimestamp = element.GetProperty("end_timestamp").GetInt64(),
            LargestRecord = 0,
            ZeroTimestamps = 0,
            RunId = RunId,
        };
        return entry is { FirstOffset: >= 0, RecordCount: >= 0 } && entry.LastOffset >= entry.FirstOffset && entry.LastOffset < long.MaxValue
            ? entry
            : throw new FormatException($"segment '{key}' has impossible offsets");
    }

    private static GapEntry ReadGap(JsonElement element, DateTimeOffset created) => new(
        element.GetProperty("start_offset").GetInt64(),
        element.GetProperty("end_offset").GetInt64(),
        OptionalText(element, "reason") ?? "unknown",
        element.TryGetProperty("detected_at", out var at) && at.ValueKind == JsonValueKind.Number ? Time(at.GetInt64()) : created);

    private static string Text(JsonElement element, string name) =>
        element.GetProperty(name).GetString() ?? throw new FormatException($"'{name}' is null");

    private static string? OptionalText(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long OptionalNumber(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? Math.Max(0, value.GetInt64()) : 0;

    private static DateTimeOffset Time(long milliseconds) =>
        KafkaTime.ToDateTimeOffset(milliseconds) ?? throw new FormatException($"{milliseconds} is not a time");
}
