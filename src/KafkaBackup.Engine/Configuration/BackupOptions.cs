using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Configuration;

/// <summary>
/// A backup as it will be done: file and parameters merged, every default applied, everything checked that needs no cluster and no store.
/// What is a setting's own value, with its default, follows from settings.table.
/// </summary>
public sealed partial record BackupOptions
{
    public required ClusterSettings Source { get; init; }

    public required StoreSettings Store { get; init; }

    public required string BackupId { get; init; }

    public required TopicSelection Topics { get; init; }

    /// <summary>1 to 22 for zstd, 1 to 9 for gzip, 0 without compression.</summary>
    public int CompressionLevel { get; init; } = CompressionLevels.Default(CompressionKind.Zstd);

    public HealthSettings Health { get; init; } = new();
}
