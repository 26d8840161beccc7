namespace KafkaBackup.Engine.Rules;

/// <summary>
/// Which levels each compression has, and which one is used when nobody asks for one. What settings accept, a compressor takes.
/// </summary>
public static class CompressionLevels
{
    public const int Lowest = 1;

    /// <summary>
    /// The defaults favour speed: a backup should be limited by the cluster, not by compression. FORMAT.md has the figures.
    /// </summary>
    public static int Default(CompressionKind kind) =>
        kind switch
        {
            CompressionKind.Zstd => 1,
            CompressionKind.Gzip => 6,
            _ => 0,
        };

    /// <summary>Inclusive; 0 for None, which has no levels.</summary>
    public static int Highest(CompressionKind kind) =>
        kind switch
        {
            CompressionKind.Zstd => 22,
            CompressionKind.Gzip => 9,
            _ => 0,
        };

    public static bool Has(CompressionKind kind, int level) => level >= Lowest && level <= Highest(kind);
}
