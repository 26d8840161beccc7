using System.Text.Json;
using System.Text.Json.Serialization;
using KafkaBackup.Engine.Storage.Files;

namespace KafkaBackup.Engine.Restore;

/// <summary>Group offsets as they were before a reset, on disk before the first of them is changed (rule F4).</summary>
internal sealed record SavedOffsets
{
    public const int CurrentVersion = 1;

    public required int Version { get; init; }
    public required string BackupId { get; init; }
    public required string? TargetClusterId { get; init; }
    public required DateTimeOffset SavedAt { get; init; }
    public required IReadOnlyList<SavedOffset> Offsets { get; init; }

    public void Write(string path)
    {
        try
        {
            LocalFile.Create(path, JsonSerializer.SerializeToUtf8Bytes(this, SavedOffsetsJson.Default.SavedOffsets));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.GroupOffsets.With(
                $"The groups' present offsets cannot be saved to {path}: {error.Message} No offset was changed.",
                path,
                "Make the folder writable, then run again.",
                error
            );
        }
    }

    public static SavedOffsets Read(string path)
    {
        try
        {
            var saved = JsonSerializer.Deserialize(File.ReadAllBytes(path), SavedOffsetsJson.Default.SavedOffsets);
            return saved is not { Version: CurrentVersion }
                    ? throw ErrorIds.OffsetFileInvalid.With($"{path} is not a file of saved offsets that this version knows.", path)
                : FileSoundness.FaultOf(saved) is { } fault
                    ? throw ErrorIds.OffsetFileInvalid.With($"The file of saved offsets {path} is damaged: {fault}.", path)
                : saved;
        }
        catch (JsonException error)
        {
            throw ErrorIds.OffsetFileInvalid.With($"{path} is not a file of saved offsets: {error.Message}", path, inner: error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.OffsetFileInvalid.With($"The file {path} cannot be read: {error.Message}", path, "Check the path.", error);
        }
    }
}

/// <param name="OldOffset">Null where the group had none on this partition.</param>
internal sealed record SavedOffset(string Group, string Topic, int Partition, long? OldOffset, string OldMetadata, long NewOffset);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(SavedOffsets))]
internal sealed partial class SavedOffsetsJson : JsonSerializerContext;
