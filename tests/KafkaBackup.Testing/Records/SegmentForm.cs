using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Segments;

namespace KafkaBackup.Testing.Records;

/// <summary>A way to store records: the segment's version, how its blocks are compressed, and of batches how these are.</summary>
public sealed record SegmentForm(int Version, CompressionKind Compression, BatchCodec Codec = BatchCodec.None)
{
    /// <summary>Both versions, compressed by us, by the producer, and not at all.</summary>
    public static IReadOnlyList<SegmentForm> All { get; } =
    [
        new(1, CompressionKind.None),
        new(1, CompressionKind.Gzip),
        new(1, CompressionKind.Zstd),
        new(2, CompressionKind.None),
        new(2, CompressionKind.Gzip),
        new(2, CompressionKind.Zstd),
        new(2, CompressionKind.None, BatchCodec.Lz4),
        new(2, CompressionKind.Zstd, BatchCodec.Gzip),
        new(2, CompressionKind.Zstd, BatchCodec.Snappy),
        new(2, CompressionKind.Zstd, BatchCodec.Zstd),
    ];

    public SegmentHeader Header => SegmentImage.Header(Compression) with { Version = Version };

    /// <summary>What these records are once they have been stored so.</summary>
    public IReadOnlyList<TestRecord> Kept(IReadOnlyList<TestRecord> records) => Version == 1 ? records : BatchImage.Kept(records);

    public (byte[] Bytes, SegmentSummary Summary) Write(
        IEnumerable<TestRecord> records,
        int recordsPerBlock = int.MaxValue,
        SegmentHeader? header = null
    ) =>
        Version == 1
            ? SegmentImage.Write(records, Compression, recordsPerBlock, header)
            : BatchImage.Write(records, Compression, recordsPerBlock, Codec, header is null ? null : header with { Version = Version });

    public override string ToString() => $"v{Version} {Compression} {Codec}";
}
