namespace KafkaBackup.Engine.Format.Compression;

/// <summary>Which levels each compression has, and which one is used when nobody asks for one.</summary>
public static class CompressionLevels
{
    /// <summary>zstd 1: a backup should be limited by the broker, not by compression. FORMAT.md has the figures.</summary>
    public static int Default(CompressionKind kind) => kind == CompressionKind.Gzip ? 4 : 1;

    /// <summary>Inclusive; null for None, which has no levels.</summary>
    public static (int Lowest, int Highest)? Range(CompressionKind kind) => kind switch
    {
        CompressionKind.Zstd => (-7, 19),
        CompressionKind.Gzip => (1, 9),
        _ => null,
    };
}
