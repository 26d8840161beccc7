using System.Text.Json;
using System.Text.Json.Serialization;
using KafkaBackup.Engine.Storage.Files;

namespace KafkaBackup.Engine.Restore;

/// <summary>The offset mapping as a file (SEMANTICS E7, F5): JSON, with ranges, read back by Get-KafkaOffsetMapping.</summary>
internal sealed record OffsetReport
{
    public const int CurrentVersion = 1;

    public required int Version { get; init; }
    public required string BackupId { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string Target { get; init; }
    public required IReadOnlyList<MappedPartition> Partitions { get; init; }
    public required IReadOnlyList<MappedGroup> Groups { get; init; }

    /// <summary>Asked before the restore changes anything.</summary>
    public static void RequireWritable(string path)
    {
        try
        {
            WritableFile.Require(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.StoreWrite.With(
                $"The offset report {path} cannot be written, so nothing was restored: {error.Message}", path, "Choose another -OffsetReportPath, or make this one writable, then run again.", error);
        }
    }

    public void Write(string path)
    {
        try
        {
            var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            DurableFolder.Create(folder);
            var next = path + ".new";
            using (var file = new FileStream(next, FileMode.Create, FileAccess.Write))
            {
                JsonSerializer.Serialize(file, this, OffsetReportJson.Default.OffsetReport);
                file.Flush(flushToDisk: true);
            }

            File.Move(next, path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.StoreWrite.With($"The offset report {path} cannot be written: {error.Message}", path, "Give another path; Get-KafkaOffsetMapping -Scan can make the mapping anew from the restored topics.", error);
        }
    }

    public static OffsetReport Read(string path)
    {
        try
        {
            var report = JsonSerializer.Deserialize(File.ReadAllBytes(path), OffsetReportJson.Default.OffsetReport);
            return report?.Version switch
            {
                null => throw ErrorIds.OffsetFileInvalid.With($"The offset report {path} is empty.", path),
                > CurrentVersion => throw ErrorIds.FormatTooNew.With($"The offset report {path} has version {report.Version}; this version of KafkaBackup knows {CurrentVersion}.", path),
                _ when report.Fault() is { } fault => throw ErrorIds.OffsetFileInvalid.With($"The offset report {path} is damaged: {fault}.", path),
                _ => report,
            };
        }
        catch (JsonException error)
        {
            throw ErrorIds.OffsetFileInvalid.With($"{path} is not an offset report: {error.Message}", path, inner: error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.OffsetFileInvalid.With($"The offset report {path} cannot be read: {error.Message}", path, "Check the path.", error);
        }
    }

    /// <summary>Names are held to what Kafka allows: the rows made of them end up in commands. Null when all is well.</summary>
    private string? Fault() =>
        Version < 1 ? $"it has version {Version}"
        : BackupId is null || Target is null || Partitions is null || Groups is null ? "a part of it is missing"
        : Partitions.Select(p => p is null ? "a partition is missing" : p.Fault()).FirstOrDefault(f => f is not null)
            ?? (Groups.All(g => g is { Group.Length: > 0, Offsets: not null } && g.Offsets.All(o => o is { Topic: not null, Metadata: not null, Partition: >= 0, SourceOffset: >= 0 }))
                ? null : "a consumer group's entry is not whole");
}

/// <param name="Ranges">Each [source start, target start, length].</param>
internal sealed record MappedPartition(
    string SourceTopic, int SourcePartition, string TargetTopic, int TargetPartition, long? FirstTimestamp, long? LastTimestamp, IReadOnlyList<long[]> Ranges)
{
    public static MappedPartition From(OffsetMapping row) => new(
        row.Topic, row.Partition, row.TargetTopic!, row.TargetPartition!.Value, row.FirstTimestampMs, row.LastTimestampMs,
        row.Ranges.Select(r => new[] { r.SourceStart, r.TargetStart, r.Length }).ToArray());

    /// <summary>Null when all is well.</summary>
    public string? Fault()
    {
        if (SourceTopic is null || TargetTopic is null || !NameRules.IsTopicName(SourceTopic) || !NameRules.IsTopicName(TargetTopic) || SourcePartition < 0 || TargetPartition < 0)
        {
            return $"'{SourceTopic}/{SourcePartition}' to '{TargetTopic}/{TargetPartition}' are not partitions";
        }

        if (Ranges is null)
        {
            return $"the ranges of {SourceTopic}/{SourcePartition} are missing";
        }

        var (source, target) = (0L, 0L);
        foreach (var range in Ranges)
        {
            if (range is not { Length: 3 } || range[0] < source || range[1] < target || range[2] < 1 || range[2] > long.MaxValue - Math.Max(range[0], range[1]))
            {
                return $"the ranges of {SourceTopic}/{SourcePartition} are not offsets that go up";
            }

            (source, target) = (range[0] + range[2], range[1] + range[2]);
        }

        return null;
    }

    public OffsetMap ToMap() => new(Ranges.Select(r => new OffsetRange(r[0], r[1], r[2])));
}

/// <summary>A group's offsets in the source, so that the report alone can say where each has to go on.</summary>
internal sealed record MappedGroup(string Group, IReadOnlyList<MappedGroupOffset> Offsets);

internal sealed record MappedGroupOffset(string Topic, int Partition, long SourceOffset, string Metadata);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(OffsetReport))]
internal sealed partial class OffsetReportJson : JsonSerializerContext;
