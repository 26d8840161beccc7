namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>Compression kinds as files name them; the order of the enum is nobody's promise.</summary>
internal static class CodecCode
{
    public static byte Of(CompressionKind kind) =>
        kind switch
        {
            CompressionKind.None => 0,
            CompressionKind.Gzip => 1,
            CompressionKind.Zstd => 2,
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    public static CompressionKind? KindOf(uint code) =>
        code switch
        {
            0 => CompressionKind.None,
            1 => CompressionKind.Gzip,
            2 => CompressionKind.Zstd,
            _ => null,
        };

    /// <summary>The most that one stored byte can stand for, with room for frame headers: more than that is forged.</summary>
    public static long BestRatio(CompressionKind kind) =>
        kind switch
        {
            CompressionKind.Gzip => 1040,
            CompressionKind.Zstd => 1 << 16,
            _ => 1,
        };
}
