using System.Text.Json;
using System.Text.Json.Serialization;
using KafkaBackup.Engine.Storage.Files;

namespace KafkaBackup.Engine.Restore;

/// <summary>The offset mapping as a file (rules E7, F5): JSON, with ranges, read back by Get-KafkaOffsetMapping.</summary>
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
            LocalFile.RequireWritable(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.StoreWrite.With(
                $"The offset report {path} cannot be written, so nothing was restored: {error.Message}",
                path,
                "Choose another -OffsetReportPath, or make this one writable, then run again.",
                error
            );
        }
    }

    public void Write(string path)
    {
        try
        {
            LocalFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(this, OffsetReportJson.Default.OffsetReport));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.StoreWrite.With(
                $"The offset report {path} cannot be written: {error.Message}",
                path,
                "Give another path; Get-KafkaOffsetMapping -Scan can rebuild the mapping from the restored topics.",
                error
            );
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
                > CurrentVersion => throw ErrorIds.FormatTooNew.With(
                    $"The offset report {path} has version {report.Version}; this version of KafkaBackup knows {CurrentVersion}.",
                    path
                ),
                _ => FileSoundness.FaultOf(report) is { } fault
                    ? throw ErrorIds.OffsetFileInvalid.With($"The offset report {path} is damaged: {fault}.", path)
                    : report,
            };
        }
        catch (JsonException error)
        {
            throw ErrorIds.OffsetFileInvalid.With($"{path} is not an offset report: {error.Message}", path, inner: error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.OffsetFileInvalid.With(
                $"The offset report {path} cannot be read: {error.Message}",
                path,
                "Check the path.",
                error
            );
        }
    }
}

/// <param name="Ranges">Each [source start, target start, length].</param>
internal sealed record MappedPartition(
    string SourceTopic,
    int SourcePartition,
    string TargetTopic,
    int TargetPartition,
    long? FirstTimestamp,
    long? LastTimestamp,
    IReadOnlyList<long[]> Ranges
)
{
    public static MappedPartition From(OffsetMapping row) =>
        new(
            row.Topic,
            row.Partition,
            row.TargetTopic!,
            row.TargetPartition!.Value,
            row.FirstTimestampMs,
            row.LastTimestampMs,
            row.Ranges.Select(r => new[] { r.SourceStart, r.TargetStart, r.Length }).ToArray()
        );

    public OffsetMap ToMap() => new(Ranges.Select(r => new OffsetRange(r[0], r[1], r[2])));
}

/// <summary>A group's offsets in the source, so that the report alone can say where each has to go on.</summary>
internal sealed record MappedGroup(string Group, IReadOnlyList<MappedGroupOffset> Offsets);

internal sealed record MappedGroupOffset(string Topic, int Partition, long SourceOffset, string Metadata);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(OffsetReport))]
internal sealed partial class OffsetReportJson : JsonSerializerContext;
