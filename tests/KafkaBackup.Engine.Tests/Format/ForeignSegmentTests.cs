using KafkaBackup.Engine.Format.Foreign;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Testing.Records;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

public sealed class ForeignSegmentTests
{
    private const string Vector = """
        4b42414b010000000200000000000000e803000000000000e903000000000000
        5f000000004d900c8d010000e803000000000000020000006b31020000007631
        02001100782d6f726967696e616c2d6f666673657408000000e8030000000000
        001400782d6f726967696e616c2d74696d657374616d7008000000004d900c8d
        01000021000000014d900c8d010000e903000000000000ffffffffffffffff01
        000100680000000090828b07424b4145
        """;

    private static byte[] VectorBytes => Convert.FromHexString(Vector.ReplaceLineEndings(""));

    private static TestRecord[] VectorRecords =>
        [
            new()
            {
                Offset = 1000,
                Timestamp = 1705312800000,
                Key = "k1"u8.ToArray(),
                Value = "v1"u8.ToArray(),
                Headers =
                [
                    new TestHeader("x-original-offset"u8.ToArray(), BitConverter.GetBytes(1000L)),
                    new TestHeader("x-original-timestamp"u8.ToArray(), BitConverter.GetBytes(1705312800000L)),
                ],
            },
            new()
            {
                Offset = 1001,
                Timestamp = 1705312800001,
                Headers = [new TestHeader("h", "")],
            },
        ];

    /// <summary>What the layout can hold: no timestamp types.</summary>
    private static TestRecord[] Hostile(int seed, int count) =>
        [.. new HostileRecords(seed).List(count).Select(static record => record with { TimestampKind = TimestampKind.CreateTime })];

    [Fact]
    public async Task K_the_known_segment_reads_as_its_two_records()
    {
        Assert.Equal(VectorRecords, await SegmentImage.ReadAsync(VectorBytes));
        Assert.Equal(VectorBytes, KbakImage.Write(VectorRecords));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task K_hostile_records_are_read_from_each_compression(byte compression)
    {
        foreach (var count in (int[])[1, 3, 2000])
        {
            var records = Hostile(count, count);
            var file = KbakImage.Write(records, compression);
            Assert.Equal(records, await SegmentImage.ReadAsync(file));
            var check = await SegmentImage.CheckAsync(file);
            Assert.True(check.IsWhole);
            Assert.Equal(records.Length, check.Summary.Stats.RecordCount);
            Assert.Equal(records.Min(static record => record.Timestamp), check.Summary.Stats.MinTimestamp);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task K_a_record_larger_than_any_buffer_is_read(byte compression)
    {
        var large = new byte[5_000_000];
        new Random(7).NextBytes(large.AsSpan(0, 2_000_000));
        TestRecord[] records =
        [
            TestRecord.Text(5, "a", "b"),
            TestRecord.Text(6, "k", null) with
            {
                Value = large,
            },
            TestRecord.Text(9, null, ""),
        ];
        Assert.Equal(records, await SegmentImage.ReadAsync(KbakImage.Write(records, compression)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task K_every_flipped_byte_is_found(byte compression)
    {
        TestRecord[] records = [VectorRecords[0], VectorRecords[1], TestRecord.Text(1005, null, new string('x', 60))];
        var file = KbakImage.Write(records, compression);
        await Corruption.EveryFlipIsFoundAsync(file);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task K_a_forged_payload_under_a_right_checksum_is_a_finding_or_the_records(byte compression)
    {
        var random = new Random(compression);
        var records = Hostile(11, 20);
        var payload = KbakImage.Write(records, compression)[32..^8];
        for (var round = 0; round < 500; round++)
        {
            var forged = payload.ToArray();
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                forged[random.Next(forged.Length)] = (byte)random.Next(256);
            }

            // Nothing but the checksum could tell changed content in such a segment: here it is only about not crashing, hanging or running
            // on.
            await Corruption.RecordsOrDamageAsync(
                KbakImage.Wrap(records, compression, forged[..random.Next(forged.Length / 2, forged.Length + 1)])
            );
        }
    }

    [Fact]
    public async Task K_counts_and_offsets_that_the_header_denies_are_damage()
    {
        var file = KbakImage.Wrap([.. VectorRecords, TestRecord.Text(1002, "more", "there")], 0, KbakImage.Payload(VectorRecords));
        var check = await SegmentImage.CheckAsync(file);
        Assert.Contains("its header says 3", Assert.Single(check.Damages).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task K_a_later_version_is_refused_as_too_new()
    {
        var file = VectorBytes;
        file[4] = 2;
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => SegmentImage.ReadAsync(file));
        Assert.Equal(ErrorIds.FormatTooNew.Id, error.ErrorId);
    }

    [Fact]
    public async Task K_an_empty_segment_has_no_records()
    {
        foreach (var compression in (byte[])[0, 1, 2])
        {
            Assert.Empty(await SegmentImage.ReadAsync(KbakImage.Write([], compression)));
        }
    }

    [Fact]
    public void K_a_lz4_match_may_overlap_itself_and_reach_64_kibibytes_back()
    {
        var source = new byte[200_000];
        for (var index = 0; index < source.Length; index++)
        {
            source[index] = (byte)(index < 65_535 ? Random.Shared.Next(256) : source[index - 65_535]);
        }

        var block = new List<byte>();
        Lz4Image.Sequence(block, source.AsSpan(0, 65_535), 65_535, source.Length - 65_535 - 5);
        Lz4Image.Sequence(block, source.AsSpan(source.Length - 5), 0, 0);
        Assert.Equal(source, Decode([.. block], source.Length, 7777));

        var run = new List<byte>();
        Lz4Image.Sequence(run, [42], 1, 1000);
        Lz4Image.Sequence(run, "tail."u8, 0, 0);
        Assert.Equal([.. Enumerable.Repeat((byte)42, 1001), .. "tail."u8], Decode([.. run], 1006, 3));
    }

    [Fact]
    public void K_lz4_blocks_decode_to_what_was_compressed_whatever_the_pieces()
    {
        var random = new Random(5);
        for (var round = 0; round < 300; round++)
        {
            var source = new byte[random.Next(1, 3000)];
            for (var index = 0; index < source.Length; index++)
            {
                source[index] = (byte)random.Next(random.Next(2) == 0 ? 3 : 256);
            }

            Assert.Equal(source, Decode(Lz4Image.Compress(source), source.Length, random.Next(1, 200)));
            Assert.Equal(source, Decode(Lz4Image.Literals(source), source.Length, random.Next(1, 200)));
        }
    }

    [Fact]
    public void K_random_bytes_never_make_the_lz4_decoder_run_away()
    {
        var random = new Random(6);
        var target = new byte[4096];
        for (var round = 0; round < 20_000; round++)
        {
            var noise = new byte[random.Next(1, 64)];
            random.NextBytes(noise);
            var decoder = new Lz4Decoder();
            try
            {
                decoder.Decode(noise, target, out var consumed, out var written);
                Assert.InRange(consumed, 0, noise.Length);
                Assert.InRange(written, 0, target.Length);
            }
            catch (InvalidDataException)
            {
                // Found.
            }
        }
    }

    private static byte[] Decode(byte[] block, int length, int piece)
    {
        var decoder = new Lz4Decoder();
        using var output = new MemoryStream();
        var part = new byte[piece];
        var from = 0;
        int written;
        do
        {
            decoder.Decode(block.AsSpan(from, Math.Min(piece, block.Length - from)), part, out var consumed, out written);
            from += consumed;
            output.Write(part, 0, written);
            Assert.True(output.Length <= length);
        } while (written > 0 || from < block.Length);
        Assert.True(decoder.MayEnd);
        return output.ToArray();
    }
}
