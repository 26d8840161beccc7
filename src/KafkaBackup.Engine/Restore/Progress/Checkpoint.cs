using System.Text.Json;
using System.Text.Json.Serialization;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// The progress of an unfinished restore, on local disk, for people and for a resume. The counters are for people; what a resume stands on
/// is each target partition's start offset and sequence, which are written before the first record is (rules E2, E3, L6).
/// </summary>
internal sealed record Checkpoint
{
    public const int CurrentVersion = 2;

    public required int Version { get; init; }
    public required string BackupId { get; init; }
    public required long StartTime { get; init; }
    public required long LastCheckpointTime { get; init; }
    public required IReadOnlyList<string> SegmentsCompleted { get; init; }

    /// <summary>Segment key, with the backup's id, and records of it that are in the target.</summary>
    public required IReadOnlyList<SegmentProgress> SegmentsInProgress { get; init; }
    public required long RecordsRestored { get; init; }
    public required long BytesRestored { get; init; }
    public required string ConfigHash { get; init; }
    public required IReadOnlyDictionary<string, string> Config { get; init; }
    public string? TargetClusterId { get; init; }

    /// <summary>The backup's generation that the run saw.</summary>
    public required long Generation { get; init; }
    public required IReadOnlyList<CheckpointTarget> Targets { get; init; }

    /// <summary>
    /// What this restore takes of each source partition, the empty ones too: a resume takes the same, whatever joined the backup since.
    /// </summary>
    public required IReadOnlyList<CheckpointSource> Plan { get; init; }
}

/// <summary>Written as <c>["key", records]</c>.</summary>
[JsonConverter(typeof(SegmentProgressConverter))]
internal sealed record SegmentProgress(string Key, long Records);

/// <param name="Maps">In transactional mode, where the records lie: source offset, target offset, length, and so on, for each source. A
/// resume need not look for them.</param>
/// <param name="Sequence">In idempotent mode; null in a checkpoint of version 1.</param>
internal sealed record CheckpointTarget(
    string Topic,
    int Partition,
    long StartOffset,
    long Records,
    long PlannedRecords,
    IReadOnlyList<long[]>? Maps,
    TargetSequence? Sequence
);

/// <param name="LastOffset">Inclusive; -1 when there was nothing.</param>
/// <param name="RestoredTo">Records up to this offset were acknowledged; -1 for none.</param>
internal sealed record CheckpointSource(
    string Topic,
    int Partition,
    long FirstOffset,
    long LastOffset,
    long Records,
    long RestoredTo,
    IReadOnlyList<OffsetSpan> LeftOut
);

internal sealed class SegmentProgressConverter : JsonConverter<SegmentProgress>
{
    public override SegmentProgress Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray || !reader.Read() || reader.TokenType != JsonTokenType.String)
        {
            throw new JsonException("segments_in_progress holds pairs of a key and a number.");
        }

        var key = reader.GetString()!;
        reader.Read();
        var records = reader.GetInt64();
        reader.Read();
        return reader.TokenType == JsonTokenType.EndArray
            ? new SegmentProgress(key, records)
            : throw new JsonException("segments_in_progress holds pairs of a key and a number.");
    }

    public override void Write(Utf8JsonWriter writer, SegmentProgress value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        writer.WriteStringValue(value.Key);
        writer.WriteNumberValue(value.Records);
        writer.WriteEndArray();
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(Checkpoint))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
