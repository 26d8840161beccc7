using System.Globalization;
using KafkaBackup.Engine.Batches;

namespace KafkaBackup.Engine.Tests.Batches;

/// <summary>
/// Batches as a Kafka broker had them on disk: 100 records of Kafka's Java producer, then 40 of librdkafka, for each codec.
/// </summary>
public class RecordedBatchTests
{
    [Theory]
    [InlineData("none", BatchCodec.None)]
    [InlineData("gzip", BatchCodec.Gzip)]
    [InlineData("snappy", BatchCodec.Snappy)]
    [InlineData("lz4", BatchCodec.Lz4)]
    [InlineData("zstd", BatchCodec.Zstd)]
    public void L2_batches_that_real_clients_wrote_are_read(string name, BatchCodec codec)
    {
        var frames = new BatchFrames(File("v2-" + name));
        Assert.True(frames.TryNext(out var java));
        Assert.True(frames.TryNext(out var native));
        Assert.False(frames.TryNext(out _));
        Assert.Equal(0, frames.CutOff);

        var batch = RecordBatch.Open(java);
        Assert.Equal((codec, true, 100, false), (batch.Codec, batch.CrcIsValid, batch.RecordCount, batch.HasHoles));
        Assert.Equal(
            Enumerable.Range(1, 100).Select(i => $"java {name} value {i} and some text that repeats, repeats, repeats and repeats"),
            Sample.Read(batch).Select(record => record.Value)
        );

        batch = RecordBatch.Open(native);
        Assert.Equal((codec, true, 100L, 140L), (batch.Codec, batch.CrcIsValid, batch.BaseOffset, batch.NextOffset));
        Assert.Equal(Enumerable.Range(0, 40).Select(i => Native(name, i)), Sample.Read(batch));
    }

    [Theory]
    [InlineData("old0", 0)]
    [InlineData("old1", 1)]
    [InlineData("old1a", 1)]
    public void L1_messages_of_old_formats_become_batches(string name, byte magic)
    {
        var frames = new BatchFrames(File(name));
        using var messages = new LegacyMessages();
        using var walker = new BatchWalker();
        var records = new List<Sample>();
        while (frames.IsLegacy && frames.TryNext(out var entry))
        {
            Assert.Equal(magic, entry.Span[16]);
            var batch = messages.Convert(entry);
            Assert.True(batch.CrcIsValid);
            Assert.Equal(name == "old1a", batch.IsLogAppendTime);
            records.AddRange(Sample.Read(batch));
            Assert.Equal(batch.RecordCount, walker.Walk(batch).Records);
        }

        Assert.Equal(Enumerable.Range(0, 153).Select(i => (long)i), records.Select(record => record.Offset));
        string[] codecs = ["gzip", "snappy", "lz4"];
        for (var i = 0; i < 90; i++)
        {
            Assert.Equal($"java {codecs[i / 30]} value {(i % 30) + 1} repeats, repeats, repeats, repeats", records[i].Value);
        }

        var native = records[90..].Select(record => (record.Key, record.Value));
        Assert.Equal(Old("none", 3).Concat(codecs.SelectMany(codec => Old(codec, 20))), native);
        Assert.All(records, record => Assert.True(magic == 0 ? record.Timestamp == -1 : record.Timestamp > 1_600_000_000_000));
        if (name == "old1")
        {
            Assert.Equal(Enumerable.Range(0, 20).Select(i => 1_700_000_000_000 + i), records[^20..].Select(record => record.Timestamp));
        }
    }

    [Theory]
    [InlineData("old0")]
    [InlineData("old1")]
    public void L1_an_answer_with_messages_of_old_formats_is_passed_and_handed_out_as_batches(string name)
    {
        var answer = File(name);
        Assert.Equal(new Engine.Cluster.RecordsScan(153, -1, false, false), Engine.Cluster.RecordsScan.Of(answer, 40, 5));
        using var cursor = new Engine.Cluster.PartCursor(readCommitted: true, checkCrcs: true);
        cursor.Open(new Engine.Cluster.FetchedPart(new(new("old", 0), 40, 0), null, null, answer, [], null));
        var next = 40L;
        var offsets = new List<long>();
        while (cursor.TryNext(ref next, out var batch))
        {
            offsets.AddRange(Sample.Read(batch).Select(record => record.Offset));
        }

        // A wrapper that holds the offset asked for comes whole.
        Assert.Equal(153, next);
        Assert.InRange(offsets[0], 0, 40);
        Assert.Equal(Enumerable.Range((int)offsets[0], 153 - (int)offsets[0]).Select(i => (long)i), offsets);
    }

    private static IEnumerable<(string?, string?)> Old(string codec, int count) =>
        Enumerable
            .Range(0, count)
            .Select(i =>
                (
                    i % 7 == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"k{i}"),
                    i % 11 == 5 ? null : $"{codec} value {i} repeats, repeats, repeats, repeats"
                )
            );

    private static Sample Native(string name, int i) =>
        new(
            100 + i,
            1_700_000_000_000 + (i * 37 % 1000),
            i % 7 == 0 ? null : $"key-{i}",
            i % 11 == 0 ? null
                : i % 5 == 0 ? ""
                : $"librdkafka {name} value {i} and some text that repeats, repeats, repeats",
            i % 3 == 0 ? "first=1;first=2;empty=;null;" : ""
        );

    private static byte[] File(string name) =>
        System.IO.File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "Batches", name + ".log"));
}
