using KafkaBackup.Engine.Batches;

namespace KafkaBackup.Engine.Tests.Batches;

public class BatchRoundTripTests
{
    public static TheoryData<BatchCodec> Codecs { get; } = new(Enum.GetValues<BatchCodec>());

    [Theory]
    [MemberData(nameof(Codecs))]
    public void L7_records_of_every_form_come_back_from_a_batch(BatchCodec codec)
    {
        var random = new Random(7 + (int)codec);
        for (var round = 0; round < 30; round++)
        {
            var records = Sample.Several(random, random.Next(1, 60));
            var batch = RecordBatch.Open(Sample.Build(records, codec));

            Assert.True(batch.CrcIsValid);
            Assert.Equal(records, Sample.Read(batch));
            Assert.Equal(records[^1].Offset + 1, batch.NextOffset);
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void L3_a_walk_finds_what_a_block_must_know(BatchCodec codec)
    {
        var random = new Random(17 + (int)codec);
        using var walker = new BatchWalker();
        for (var round = 0; round < 30; round++)
        {
            var records = Sample.Several(random, random.Next(1, 60));
            var facts = walker.Walk(RecordBatch.Open(Sample.Build(records, codec)));

            Assert.InRange(facts.LongestRecord, facts.LargestPayload + 6, facts.LargestPayload + 200);
            Assert.Equal(Expected(records, facts.LongestRecord), facts);
        }
    }

    [Fact]
    public void L1_a_cut_inside_a_batch_counts_only_the_records_within()
    {
        var records = Enumerable.Range(0, 10).Select(i => new Sample(100 + i, 1000 - i, "k", "value")).ToList();
        using var walker = new BatchWalker();

        var facts = walker.Walk(RecordBatch.Open(Sample.Build(records, BatchCodec.Lz4)), from: 103, end: 107);

        Assert.Equal(Expected(records[3..7], longest: 12), facts);
    }

    [Fact]
    public void L3_a_batch_stamped_by_the_broker_has_one_timestamp()
    {
        var records = new[] { new Sample(5, 1, "k", "a"), new Sample(6, 2, "k", "b") };
        var batch = RecordBatch.Open(Sample.Build(records, BatchCodec.Gzip, appendTime: 77));
        using var walker = new BatchWalker();

        Assert.True(batch.IsLogAppendTime);
        Assert.All(Sample.Read(batch), record => Assert.Equal(77, record.Timestamp));
        Assert.Equal((77L, 77L), (walker.Walk(batch).SmallestTimestamp, walker.Walk(batch).LargestTimestamp));
    }

    [Fact]
    public void L7_a_record_larger_than_the_window_comes_back()
    {
        var value = string.Concat(Enumerable.Range(0, 900_000).Select(i => (char)(i * 7919L % 251)));
        var records = new[] { new Sample(1, 1, "a", "small"), new Sample(2, 2, null, value), new Sample(3, 3, "b", "small") };
        using var walker = new BatchWalker();
        foreach (var codec in Enum.GetValues<BatchCodec>())
        {
            var batch = RecordBatch.Open(Sample.Build(records, codec));
            Assert.Equal(records, Sample.Read(batch));
            Assert.Equal(value.Length, walker.Walk(batch).LargestPayload);
        }
    }

    [Fact]
    public void L5_a_stamped_batch_keeps_its_records_and_has_a_right_checksum()
    {
        var original = Sample.Build(Sample.Several(new Random(3), 20), BatchCodec.Zstd);
        var sent = original.ToArray();
        BatchStamp.ForProduce(sent, producerId: 4711, producerEpoch: 3, recordNumber: (1L << 31) + 5, transactional: true);
        var batch = RecordBatch.Open(sent);

        Assert.True(batch.CrcIsValid);
        Assert.True(batch.IsTransactional);
        Assert.Equal(
            (0L, -1, 4711L, (short)3, 5),
            (batch.BaseOffset, batch.LeaderEpoch, batch.ProducerId, batch.ProducerEpoch, batch.BaseSequence)
        );
        Assert.True(batch.Records.Span.SequenceEqual(RecordBatch.Open(original).Records.Span));
    }

    [Fact]
    public void L6_sequences_start_again_at_zero_and_are_none_without_a_producer()
    {
        Assert.Equal(int.MaxValue, BatchStamp.Sequence(1, int.MaxValue));
        Assert.Equal(0, BatchStamp.Sequence(1, int.MaxValue + 1L));
        Assert.Equal(-1, BatchStamp.Sequence(-1, 5));
    }

    [Fact]
    public void Builder_refuses_offsets_that_do_not_go_up()
    {
        using var builder = new BatchBuilder();
        builder.Begin();
        builder.Append(7, 0, default);
        Assert.Throws<ArgumentOutOfRangeException>(() => builder.Append(7, 0, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => builder.Append(7 + (1L << 31), 0, default));
    }

    [Fact]
    public void L1_answers_are_cut_into_whole_batches()
    {
        var first = Sample.Build([new Sample(1, 1, "a", "b")]);
        var second = Sample.Build([new Sample(2, 1, "a", "b")], BatchCodec.Snappy);
        for (var cut = 0; cut <= second.Length; cut++)
        {
            var frames = new BatchFrames((byte[])[.. first, .. second[..cut]]);
            Assert.True(frames.TryNext(out var entry));
            Assert.True(entry.Span.SequenceEqual(first));
            Assert.Equal(cut == second.Length, frames.TryNext(out entry));
            Assert.Equal(cut == second.Length ? 0 : cut, frames.CutOff);
        }
    }

    private static BatchFacts Expected(IReadOnlyList<Sample> records, int longest) =>
        new(
            records.Count,
            records[0].Offset,
            records[^1].Offset,
            records.Min(record => record.Timestamp),
            records.Max(record => record.Timestamp),
            records[^1].Timestamp,
            records.Sum(Payload),
            records.Max(Payload),
            longest,
            records.Count(record => record.Timestamp == 0)
        );

    private static long Payload(Sample record) =>
        (record.Key?.Length ?? 0)
        + (record.Value?.Length ?? 0)
        + record
            .Headers.Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Sum(header => header.Replace("=", "", StringComparison.Ordinal).Length);
}
