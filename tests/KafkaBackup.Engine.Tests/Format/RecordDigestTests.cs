using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Testing.Records;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

public sealed class RecordDigestTests
{
    [Fact]
    public void B8_records_that_differ_in_anything_have_different_digests()
    {
        var plain = TestRecord.Text(1, "k", "v");
        TestRecord[] variants =
        [
            plain,
            plain with
            {
                Offset = 2,
            },
            plain with
            {
                Timestamp = 5,
            },
            plain with
            {
                TimestampKind = TimestampKind.LogAppendTime,
            },
            plain with
            {
                Key = null,
            },
            plain with
            {
                Key = [],
            },
            plain with
            {
                Value = null,
            },
            plain with
            {
                Value = [],
            },
            plain with
            {
                Key = "kv"u8.ToArray(),
                Value = [],
            },
            plain with
            {
                Headers = [new TestHeader("", "")],
            },
            plain with
            {
                Headers = [new TestHeader("", null)],
            },
            plain with
            {
                Headers = [new TestHeader("a", "b"), new TestHeader("c", "d")],
            },
            plain with
            {
                Headers = [new TestHeader("c", "d"), new TestHeader("a", "b")],
            },
            plain with
            {
                Headers = [new TestHeader("ab", "cd")],
            },
        ];
        Assert.Equal(variants.Length, variants.Select(Digest).Distinct().Count());
        Assert.Equal(Digest(plain), Digest(plain with { Offset = 1 }));
    }

    [Fact]
    public async Task B8_a_check_gives_the_last_record_as_the_manifest_keeps_it()
    {
        var records = new HostileRecords(3).List(30);
        var check = await SegmentImage.CheckAsync(SegmentImage.Write(records, recordsPerBlock: 7).Bytes);
        Assert.Equal(
            (records[^1].Offset, -1, Digest(records[^1])),
            (check.LastRecord!.Offset, check.LastRecord.LeaderEpoch, check.LastRecord.Digest)
        );
    }

    private static string Digest(TestRecord record)
    {
        var digest = "";
        record.View((in Records.RecordView view) => digest = RecordDigest.Of(view));
        return digest;
    }
}
