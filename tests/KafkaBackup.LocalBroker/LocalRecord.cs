using System.Text;

namespace KafkaBackup.LocalBroker;

/// <summary>A record to seed a topic with, without a client between. Null and empty are different everywhere.</summary>
public sealed record LocalRecord(byte[]? Key, byte[]? Value, long Timestamp)
{
    public IReadOnlyList<(string Name, byte[]? Value)> Headers { get; init; } = [];

    public static LocalRecord Of(string? key, string? value, long timestamp = 1_700_000_000_000) =>
        new(key is null ? null : Encoding.UTF8.GetBytes(key), value is null ? null : Encoding.UTF8.GetBytes(value), timestamp);
}

/// <summary>A record as it lies in a log, markers and aborted ones too.</summary>
public sealed record StoredRecord(
    long Offset,
    long Timestamp,
    byte[]? Key,
    byte[]? Value,
    IReadOnlyList<(string Name, byte[]? Value)> Headers,
    int LeaderEpoch,
    long ProducerId,
    bool IsTransactional,
    bool IsControl,
    bool IsAborted,
    bool IsLogAppendTime,
    int Codec
)
{
    public string? KeyText => Key is null ? null : Encoding.UTF8.GetString(Key);

    public string? ValueText => Value is null ? null : Encoding.UTF8.GetString(Value);
}

/// <summary>How <see cref="LocalCluster.Append(string, int, IEnumerable{LocalRecord}, LocalCodec)"/> compresses.</summary>
public enum LocalCodec
{
    None = 0,
    Gzip = 1,
    Zstd = 4,
}
