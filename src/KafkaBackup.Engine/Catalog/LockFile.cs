using System.Text.Json;
using System.Text.Json.Serialization;

namespace KafkaBackup.Engine.Catalog;

/// <summary>Who holds a backup's lock, as lock.json says it, and when the store last saw a heartbeat.</summary>
public sealed record LockInfo(
    string Owner,
    string Host,
    int ProcessId,
    string RunId,
    DateTimeOffset StartedAt,
    TimeSpan Heartbeat,
    DateTimeOffset LastBeat
)
{
    /// <summary>Heartbeats may come late: a busy store, a paused machine. Three missed ones are no accident.</summary>
    public TimeSpan StaleAfter => Heartbeat * 3;

    public override string ToString() => $"{Host}, process {ProcessId}, run {RunId} since {StartedAt:u}";
}

internal sealed class LockDocument
{
    public const string LockFormat = "kafkabackup-lock";

    /// <summary>Ours has some hundred bytes.</summary>
    public const int LargestFile = 16 * 1024;

    private const double ShortestHeartbeat = 1;
    private const double LongestHeartbeat = 60;

    public string Format { get; set; } = LockFormat;

    /// <summary>Unique for each acquisition.</summary>
    public string Owner { get; set; } = "";

    public string Host { get; set; } = "";

    public int ProcessId { get; set; }

    public string RunId { get; set; } = "";

    public DateTimeOffset StartedAt { get; set; }

    public double HeartbeatSeconds { get; set; }

    /// <summary>Within reason, whatever somebody wrote there: nobody waits for years to take a lock over.</summary>
    [JsonIgnore]
    public TimeSpan Heartbeat => TimeSpan.FromSeconds(Math.Clamp(HeartbeatSeconds, ShortestHeartbeat, LongestHeartbeat));

    /// <summary>Counts heartbeats: the file changes with each, also where the store's times are coarse.</summary>
    public long Beat { get; set; }

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, LockJson.Default.LockDocument);

    /// <summary>Null for what nobody can have written: then only its age counts.</summary>
    public static LockDocument? Read(ReadOnlySpan<byte> content)
    {
        try
        {
            return
                JsonSerializer.Deserialize(content, LockJson.Default.LockDocument)
                    is { Format: LockFormat, Owner: not null, Host: not null, RunId: not null } document
                ? document
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(LockDocument))]
internal sealed partial class LockJson : JsonSerializerContext;
