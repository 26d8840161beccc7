using System.Buffers.Binary;
using System.Globalization;
using KafkaBackup.Engine.Batches;

namespace KafkaBackup.Engine.Tests.Batches;

public class HostileBatchTests
{
    /// <summary>More than a reader's buffers, far less than what the hostile batches claim.</summary>
    private const long AllowedBytes = 16L << 20;

    [Fact]
    public void L2_damaged_batches_are_errors_with_a_place() => Mutate(0, 20_000);

    [Fact]
    [Trait("Run", "Long")]
    public void L2_a_million_damaged_batches_are_errors_with_a_place() => Mutate(1, FuzzCount);

    [Theory]
    [InlineData(BatchCodec.Gzip)]
    [InlineData(BatchCodec.Zstd)]
    [InlineData(BatchCodec.Lz4)]
    [InlineData(BatchCodec.Snappy)]
    public void L2_a_batch_that_decompresses_to_much_is_walked_in_little_memory(BatchCodec codec)
    {
        var value = new string('\0', 100_000_000);
        var bytes = Sample.Build([new Sample(0, 0, null, value)], codec);
        value = null;
        GC.Collect();
        using var walker = new BatchWalker();

        var before = GC.GetAllocatedBytesForCurrentThread();
        var facts = walker.Walk(RecordBatch.Open(bytes));

        Assert.Equal(100_000_000, facts.PayloadBytes);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllowedBytes);
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(-1)]
    [InlineData(1_000_000)]
    public void L2_a_record_count_that_the_bytes_cannot_hold_is_refused(int count)
    {
        var bytes = Sample.Build([new Sample(0, 0, "k", "v")]);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(57), count);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(23), Math.Max(0, count - 1));

        Assert.Throws<BatchDamagedException>(() => Read(bytes));
    }

    [Fact]
    public void L2_a_length_that_claims_a_gigabyte_takes_no_memory_for_it()
    {
        foreach (var codec in (BatchCodec[])[BatchCodec.None, BatchCodec.Gzip])
        {
            var bytes = Claiming(codec, [0x80, 0xA8, 0xD6, 0xB9, 0x07, 0, 0, 0]);
            using var cursor = new BatchCursor();
            var before = GC.GetAllocatedBytesForCurrentThread();

            cursor.Open(RecordBatch.Open(bytes));
            Assert.Throws<BatchDamagedException>(() => cursor.MoveNext());
            Assert.Throws<BatchDamagedException>(() => Read(bytes));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllowedBytes);
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void L2_an_unknown_codec_is_named(short codec)
    {
        var bytes = Sample.Build([new Sample(0, 0, "k", "v")]);
        BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(21), codec);

        var error = Assert.Throws<BatchDamagedException>(() => Read(bytes));
        Assert.Contains(codec.ToString(CultureInfo.InvariantCulture), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void L2_every_truncation_of_a_batch_is_refused()
    {
        var bytes = Sample.Build(Sample.Several(new Random(5), 5), BatchCodec.Lz4)[..^0];
        for (var length = 0; length < Math.Min(bytes.Length, 4000); length++)
        {
            Assert.Throws<BatchDamagedException>(() => RecordBatch.Open(bytes.AsMemory(0, length)));
        }
    }

    [Fact]
    public void L1_damaged_messages_of_old_formats_are_errors()
    {
        var random = new Random(11);
        var refused = 0;
        using var messages = new LegacyMessages();
        foreach (var name in (string[])["old0", "old1"])
        {
            var file = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "Batches", name + ".log"));
            for (var round = 0; round < 2000; round++)
            {
                var damaged = file.ToArray();
                damaged[random.Next(damaged.Length)] ^= (byte)random.Next(1, 256);
                try
                {
                    var frames = new BatchFrames(damaged);
                    while (frames.IsLegacy && frames.TryNext(out var entry))
                    {
                        Assert.InRange(messages.Convert(entry).RecordCount, 1, 100);
                    }
                }
                catch (BatchDamagedException)
                {
                    refused++;
                }
            }
        }

        // What is left: an offset, which no checksum covers, and a length that makes the last entry look cut off.
        Assert.InRange(refused, 3000, 4000);
    }

    /// <summary>A batch of one record whose records part, decompressed, is these bytes.</summary>
    private static byte[] Claiming(BatchCodec codec, byte[] records)
    {
        var packed = records;
        if (codec == BatchCodec.Gzip)
        {
            using var buffer = new MemoryStream();
            using (var gzip = new System.IO.Compression.GZipStream(buffer, System.IO.Compression.CompressionMode.Compress))
            {
                gzip.Write(records);
            }

            packed = buffer.ToArray();
        }

        byte[] bytes = [.. Sample.Build([new Sample(0, 0, "k", "v")])[..RecordBatch.HeaderLength], .. packed];
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(8), bytes.Length - RecordBatch.PrefixLength);
        bytes[22] = (byte)codec;
        return bytes;
    }

    private static int FuzzCount =>
        int.TryParse(Environment.GetEnvironmentVariable("KAFKABACKUP_TEST_FUZZ"), CultureInfo.InvariantCulture, out var count)
            ? count
            : 1_000_000;

    private static void Mutate(int seed, int count)
    {
        var random = new Random(seed);
        var originals = Enum.GetValues<BatchCodec>()
            .SelectMany(codec => Enumerable.Range(1, 4).Select(size => Sample.Build(Small(random, size * 3), codec)))
            .ToList();
        using var walker = new BatchWalker();
        using var cursor = new BatchCursor();
        var refused = 0;
        for (var round = 0; round < count; round++)
        {
            var bytes = originals[random.Next(originals.Count)].ToArray();
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                // Behind length and magic: those are checked by Open, and everything behind them is what the walk must not trust.
                var place = random.Next(4) == 0 ? random.Next(21, RecordBatch.HeaderLength) : random.Next(21, bytes.Length);
                bytes[place] = random.Next(3) switch
                {
                    0 => 0xFF,
                    1 => (byte)(bytes[place] ^ (1 << random.Next(8))),
                    _ => (byte)random.Next(256),
                };
            }

            var batch = RecordBatch.Open(bytes);
            refused += Try(() => walker.Walk(batch)) ? 0 : 1;
            Try(() =>
            {
                cursor.Open(batch);
                while (cursor.MoveNext())
                {
                    var headers = cursor.Headers;
                    while (headers.MoveNext())
                    {
                        _ = headers.Name.Length + headers.Value.Length;
                    }

                    _ = cursor.Key.Length + cursor.Value.Length;
                }
            });
        }

        Assert.InRange(refused, count / 4, count);
    }

    private static IEnumerable<Sample> Small(Random random, int count) =>
        Sample
            .Several(random, count)
            .Select(record =>
                record with
                {
                    Value = record.Value is { Length: > 300 } ? record.Value[..300] : record.Value,
                    Key = record.Key is { Length: > 300 } ? "k" : record.Key,
                }
            );

    private static bool Try(Action read)
    {
        try
        {
            read();
            return true;
        }
        catch (BatchDamagedException)
        {
            return false;
        }
    }

    private static void Read(byte[] bytes)
    {
        using var walker = new BatchWalker();
        walker.Walk(RecordBatch.Open(bytes));
    }
}
