using KafkaBackup.Testing.Records;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

public sealed class SegmentRoundTripTests
{
    public static TheoryData<CompressionKind> Kinds => new() { CompressionKind.None, CompressionKind.Gzip, CompressionKind.Zstd };

    [Theory(Timeout = 30_000)]
    [MemberData(nameof(Kinds))]
    public async Task B7_hostile_records_survive_write_and_read(CompressionKind kind)
    {
        var records = new HostileRecords(42).List(500);
        var (file, summary) = SegmentImage.Write(records, kind, recordsPerBlock: 37);
        Assert.Equal(records, await SegmentImage.ReadAsync(file));
        Assert.Equal(records, await SegmentImage.ReadAsync(file, readAhead: 1 << 20));
        Assert.Equal(records.Count, summary.Stats.RecordCount);
        Assert.Equal(file.Length, summary.StoredBytes);
    }
}
