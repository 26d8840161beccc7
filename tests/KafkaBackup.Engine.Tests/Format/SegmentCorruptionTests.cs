using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Testing.Records;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

public sealed class SegmentCorruptionTests
{
    private static TestRecord[] Few =>
        [
            TestRecord.Text(7, "key", "a value, a value, a value, a value, a value, a value, a value, a value, a value, a value"),
            TestRecord.Text(8, null, null, -1) with
            {
                Headers = [new TestHeader("h", null), new TestHeader("h", "")],
            },
            TestRecord.Text(1000, "", "b value, b value, b value, b value, b value, b value, b value, b value, b value, b value"),
        ];

    [Theory]
    [MemberData(nameof(SegmentRoundTripTests.Forms), MemberType = typeof(SegmentRoundTripTests))]
    public async Task D2_every_flipped_byte_of_a_segment_is_found(SegmentForm form)
    {
        ArgumentNullException.ThrowIfNull(form);
        await Corruption.EveryFlipIsFoundAsync(form.Write(Few, recordsPerBlock: 2).Bytes);
    }

    [Theory]
    [MemberData(nameof(SegmentRoundTripTests.Forms), MemberType = typeof(SegmentRoundTripTests))]
    public async Task D2_a_segment_cut_at_any_byte_is_found_to_be_truncated(SegmentForm form)
    {
        ArgumentNullException.ThrowIfNull(form);
        var (file, summary) = form.Write(Few, recordsPerBlock: 2);
        var entry = summary.ToEntry("test.kbs", "run-1");
        for (var length = 0; length < file.Length; length++)
        {
            Assert.Null(await Corruption.RecordsOrDamageAsync(file.AsMemory(0, length)));
            var check = await SegmentImage.CheckAsync(file.AsMemory(0, length));
            Assert.False(check.IsWhole);
            Assert.Contains(check.Against(entry), static damage => damage.Kind == DamageKind.Truncated);
            Assert.All(check.WholeBlocks, block => Assert.True(block.FileOffset + block.TotalLength <= length));
        }
    }

    [Theory]
    [MemberData(nameof(SegmentRoundTripTests.Forms), MemberType = typeof(SegmentRoundTripTests))]
    public void D2_any_corruption_gives_the_original_records_or_a_finding(SegmentForm form)
    {
        ArgumentNullException.ThrowIfNull(form);
        Check.One(
            Properties.Runs(form == SegmentForm.All[0] ? 300 : 100),
            Prop.ForAll(
                Properties.RecordLists,
                Properties.Seeds,
                (records, seed) =>
                {
                    var (file, _) = form.Write(records, 1 + (seed % 20));
                    var damaged = Damage(file, new Random(seed));
                    var read = Properties.Wait(Corruption.RecordsOrDamageAsync(damaged));
                    var found = Properties.Wait(Corruption.IsFoundByCheckAsync(damaged));
                    var same = damaged.AsSpan().SequenceEqual(file);
                    return (read is null ? !same : form.Kept(records).SequenceEqual(read)) && found == !same;
                }
            )
        );
    }

    [Fact]
    public void D2_what_is_whole_of_a_damaged_segment_is_original_records()
    {
        Check.One(
            Properties.Runs(200),
            Prop.ForAll(
                Properties.RecordLists,
                Properties.Seeds,
                (records, seed) =>
                {
                    var form = SegmentForm.All[seed % SegmentForm.All.Count];
                    var damaged = Damage(form.Write(records, 1 + (seed % 7)).Bytes, new Random(seed));
                    return Properties.Wait(SalvageAsync(damaged)).All(record => form.Kept(records).Contains(record));
                }
            )
        );
    }

    [Theory]
    [MemberData(nameof(SegmentRoundTripTests.Forms), MemberType = typeof(SegmentRoundTripTests))]
    public async Task D2_one_damaged_block_leaves_the_others_readable(SegmentForm form)
    {
        ArgumentNullException.ThrowIfNull(form);
        var records = form.Kept(new HostileRecords(4).List(80));
        var (file, summary) = form.Write(records, recordsPerBlock: 1);
        using var pool = new BlockBufferPool(16 << 20);
        using var reader = await SegmentReader.OpenAsync(
            "test.kbs",
            SegmentImage.Source(file),
            file.Length,
            pool,
            0,
            CancellationToken.None
        );
        var bad = reader.Blocks[4];
        file[bad.FileOffset + BlockHeader.Size + 1] ^= 4;
        var damage = (
            await Assert.ThrowsAsync<SegmentDamagedException>(async () => await reader.ReadBlockAsync(4, CancellationToken.None))
        ).Damage;
        Assert.Equal(
            (DamageKind.Corrupt, 4, bad.FileOffset, bad.Stats.FirstOffset),
            (damage.Kind, damage.Block, damage.FileOffset, damage.FirstOffset)
        );
        Assert.Equal(FindingKind.Corrupt, damage.ToFinding().Kind);
        Assert.Equal(ErrorIds.SegmentCorrupt.Id, damage.ToError().ErrorId);
        (await reader.ReadBlockAsync(5, CancellationToken.None)).Dispose();
        Assert.Equal(0, pool.BytesInUse);

        var check = await SegmentImage.CheckAsync(file);
        Assert.Equal(damage with { Problem = "" }, Assert.Single(check.Damages) with { Problem = "" });
        Assert.Equal(79, check.WholeBlocks.Count);
        Assert.NotEqual(summary.Sha256, check.Summary.Sha256);
        Assert.Equal(records.Where((_, index) => index != 4), await SalvageAsync(file));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task D2_a_block_inside_a_records_value_is_never_taken_for_one_of_the_segment(int version)
    {
        var form = new SegmentForm(version, CompressionKind.None);
        var (inner, _) = form.Write(new HostileRecords(1).List(20), recordsPerBlock: 5);
        TestRecord[] records =
        [
            TestRecord.Text(1, "k", "v"),
            TestRecord.Text(2, "k", null) with
            {
                Value = inner,
            },
            TestRecord.Text(3, "k", "v"),
        ];
        var (file, _) = form.Write(records, recordsPerBlock: 1);
        using var pool = new BlockBufferPool(16 << 20);
        using var reader = await SegmentReader.OpenAsync(
            "test.kbs",
            SegmentImage.Source(file),
            file.Length,
            pool,
            0,
            CancellationToken.None
        );
        file[reader.Blocks[1].FileOffset + 5] ^= 1;
        Assert.Equal([records[0], records[2]], await SalvageAsync(file));
    }

    [Fact]
    public async Task D2_a_whole_segment_that_is_not_the_one_of_the_manifest_is_found()
    {
        var entry = SegmentImage.Write(Few).Summary.ToEntry("k", "run-1");
        var other = await SegmentImage.CheckAsync(SegmentImage.Write(Few, header: SegmentImage.Header() with { RunId = "run-2" }).Bytes);
        Assert.True(other.IsWhole);
        Assert.Contains("SHA-256", Assert.Single(other.Against(entry)).Message, StringComparison.Ordinal);
        Assert.Empty((await SegmentImage.CheckAsync(SegmentImage.Write(Few).Bytes)).Against(entry));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(10)]
    public async Task D2_a_store_that_reads_in_dribbles_or_holds_less_than_it_says_is_coped_with(byte make)
    {
        var file =
            make == 0 ? SegmentImage.Write(Few, CompressionKind.Zstd, 2).Bytes
            : make == 10 ? BatchImage.Write(Few, CompressionKind.Zstd, 2).Bytes
            : KbakImage.Write(Few, make);
        var whole = SegmentImage.Source(file);
        ReadRange dribbling = (offset, buffer, cancel) => whole(offset, buffer[..Math.Min(3, buffer.Length)], cancel);
        using var pool = new BlockBufferPool(16 << 20);
        Assert.True((await SegmentFile.CheckAsync("s", dribbling, file.Length, pool, CancellationToken.None)).IsWhole);
        var records = new List<TestRecord>();
        await foreach (var block in SegmentFile.ReadBlocksAsync("s", dribbling, file.Length, pool, null, 0, CancellationToken.None))
        {
            using (block)
            {
                SegmentImage.Copy(block, records);
            }
        }

        Assert.Equal(Few.Length, records.Count);
        var check = await SegmentFile.CheckAsync("s", whole, file.Length + 1000, pool, CancellationToken.None);
        Assert.Contains(check.Damages, static damage => damage.Kind == DamageKind.Truncated);
        var damage = await Assert.ThrowsAsync<SegmentDamagedException>(async () =>
        {
            await foreach (var block in SegmentFile.ReadBlocksAsync("s", whole, file.Length + 1000, pool, null, 0, CancellationToken.None))
            {
                block.Dispose();
            }
        });
        Assert.Equal(DamageKind.Truncated, damage.Damage.Kind);
        Assert.Equal(0, pool.BytesInUse);
    }

    [Fact]
    public async Task A_newer_version_is_refused_as_such_and_a_flipped_version_byte_is_not()
    {
        var (file, _) = SegmentImage.Write(Few);
        file[8] = SegmentHeader.NewestVersion + 1;
        Assert.Equal(
            DamageKind.Corrupt,
            (await Assert.ThrowsAsync<SegmentDamagedException>(() => SegmentImage.ReadAsync(file))).Damage.Kind
        );
        var headerLength = 16 + BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(headerLength), Crc32C.Compute(file.AsSpan(0, headerLength)));
        Assert.Equal(
            ErrorIds.FormatTooNew.Id,
            (await Assert.ThrowsAsync<KafkaBackupException>(() => SegmentImage.ReadAsync(file))).ErrorId
        );
        Assert.Equal(
            ErrorIds.FormatTooNew.Id,
            (await Assert.ThrowsAsync<KafkaBackupException>(() => SegmentImage.CheckAsync(file))).ErrorId
        );
    }

    [Fact]
    public async Task Forged_contents_under_right_checksums_never_crash_hang_or_run_on()
    {
        var random = new Random(17);
        for (var round = 0; round < 1000; round++)
        {
            using var block = SegmentParts.Block(new HostileRecords(round).List(4), (CompressionKind)(round % 3));
            var info = block.Info;
            var bytes = block.PlaceAt(0).ToArray();
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                bytes[random.Next(BlockHeader.Size, bytes.Length)] = (byte)random.Next(256);
            }

            var file = Forge(bytes.AsSpan(BlockHeader.Size), info with { Checksum = Crc32C.Compute(bytes.AsSpan(BlockHeader.Size)) });
            await Corruption.RecordsOrDamageAsync(file);
            await Corruption.IsFoundByCheckAsync(file);
        }
    }

    [Fact]
    public async Task Forged_sizes_under_right_checksums_are_refused_before_memory_is_taken()
    {
        using var block = SegmentParts.Block([TestRecord.Text(1, "k", new string('v', 500))], CompressionKind.Zstd);
        var stored = block.PlaceAt(0)[BlockHeader.Size..].ToArray();
        BlockInfo[] forged =
        [
            block.Info with
            {
                RawLength = BlockHeader.MaxRawLength,
            },
            block.Info with
            {
                RawLength = int.MaxValue,
            },
            block.Info with
            {
                RawLength = -1,
            },
            block.Info with
            {
                RawLength = 17 << 20,
                Stats = block.Info.Stats with { RecordCount = 2, LastOffset = 2 },
            },
            block.Info with
            {
                Stats = block.Info.Stats with { RecordCount = int.MaxValue },
            },
            block.Info with
            {
                Stats = block.Info.Stats with { FirstOffset = -1 },
            },
            block.Info with
            {
                Stats = block.Info.Stats with { LastOffset = 0 },
            },
        ];
        foreach (var info in forged)
        {
            Assert.NotNull(
                BlockHeader.TryRead(
                    Forge(stored, info).AsSpan(SegmentImage.Header().Encode().Length),
                    SegmentImage.Header().Encode().Length,
                    out _
                )
            );
            Assert.Null(await Corruption.RecordsOrDamageAsync(Forge(stored, info)));
            Assert.True(await Corruption.IsFoundByCheckAsync(Forge(stored, info)));
        }
    }

    /// <summary>A segment of one block with sound checksums around whatever it is given.</summary>
    private static byte[] Forge(ReadOnlySpan<byte> stored, BlockInfo info)
    {
        var header = SegmentImage.Header().Encode();
        info = info with { FileOffset = header.Length, StoredLength = stored.Length };
        var block = new byte[BlockHeader.Size];
        BlockHeader.Write(block, info);
        var footer = SegmentFooter.IndexOf([info]);
        var trailer = new byte[SegmentFooter.TrailerSize];
        SegmentFooter.WriteTrailer(trailer, header.Length + block.Length + stored.Length, footer);
        return [.. header, .. block, .. stored, .. footer, .. trailer];
    }

    private static async Task<IReadOnlyList<TestRecord>> SalvageAsync(byte[] file)
    {
        var records = new List<TestRecord>();
        var whole = (await SegmentImage.CheckAsync(file)).WholeBlocks.Select(block => block.FileOffset).ToHashSet();
        using var pool = new BlockBufferPool(16 << 20);
        try
        {
            using var reader = await SegmentReader.OpenAsync(
                "test.kbs",
                SegmentImage.Source(file),
                file.Length,
                pool,
                0,
                CancellationToken.None
            );
            foreach (var index in Enumerable.Range(0, reader.Blocks.Count).Where(index => whole.Contains(reader.Blocks[index].FileOffset)))
            {
                using var block = await reader.ReadBlockAsync(index, CancellationToken.None);
                SegmentImage.Copy(block, records);
            }
        }
        catch (SegmentDamagedException)
        {
            // Without header or index nothing of it is read.
            return [];
        }

        return records;
    }

    private static byte[] Damage(byte[] file, Random random)
    {
        var bytes = file.ToList();
        for (var change = random.Next(1, 4); change > 0 && bytes.Count > 0; change--)
        {
            var at = random.Next(bytes.Count);
            var span = Math.Min(random.Next(1, 50), bytes.Count - at);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes.RemoveRange(at, span);
                    break;
                case 2:
                    bytes.InsertRange(at, Enumerable.Range(0, span).Select(_ => (byte)random.Next(256)));
                    break;
                case 3:
                    bytes.RemoveRange(at, bytes.Count - at);
                    bytes.Add(0);
                    break;
                case 4:
                    // A page of zeros, as after a crash of the machine.
                    for (var place = at; place < at + span; place++)
                    {
                        bytes[place] = 0;
                    }

                    break;
                default:
                    // A part of the file once more, elsewhere.
                    bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, span));
                    break;
            }
        }

        return [.. bytes];
    }
}
