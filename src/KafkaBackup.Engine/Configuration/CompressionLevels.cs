namespace KafkaBackup.Engine.Configuration;

/// <summary>Which levels a compression has. The defaults favour speed: a backup should be bound by the cluster, not by this machine.</summary>
internal static class CompressionLevels
{
    public static int Default(CompressionKind kind) => kind switch
    {
        CompressionKind.Zstd => 1,
        CompressionKind.Gzip => 6,
        _ => 0,
    };

    public static int Max(CompressionKind kind) => kind switch
    {
        CompressionKind.Zstd => 22,
        CompressionKind.Gzip => 9,
        _ => 0,
    };
}
