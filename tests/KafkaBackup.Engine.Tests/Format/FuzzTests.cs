using System.Text;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Tests.Catalog;
using KafkaBackup.Engine.Tests.Verify;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Records;
using KafkaBackup.Testing.Storage;

namespace KafkaBackup.Engine.Tests.Format;

/// <summary>
/// What parses bytes that anybody may have written, on damaged inputs: a few thousand in the normal run, KAFKABACKUP_TEST_FUZZ=1000000 for
/// a million each. A failure names seed and round, by which its input can be made again.
/// </summary>
public sealed class FuzzTests
{
    private const int Seed = 20261130;

    /// <summary>A million inputs take their time; the fuzzer itself sees an input that hangs.</summary>
    private const int LimitMs = 12 * 60 * 60 * 1000;

    private static readonly byte[][] Words =
    [
        .. new[]
        {
            "null",
            "[]",
            "{}",
            "\"sha256\": \"",
            "\"head\"",
            "\"segments\"",
            "\"runs\"",
            "\"retired\"",
            "\"generation\"",
            "../",
            "topics/",
            "manifest/pages/",
            "-1",
            "1e300",
            "9223372036854775807",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    [Fact(Timeout = LimitMs)]
    [Trait("Run", "Long")]
    public async Task C2_heads_from_anybody_are_read_or_refused()
    {
        var store = await StoreAsync();
        var heads = store.Keys.Where(k => k.StartsWith("b/manifest/0", StringComparison.Ordinal)).ToArray();
        const string copy = "b/manifest.json";
        var fuzzer = new MutationFuzzer(Seed, [.. heads.Select(h => store[h])], Words, HostileManifestTests.Seal);
        foreach (var head in heads[..^1])
        {
            store.Remove(head);
        }

        fuzzer.Run(
            MutationFuzzer.Rounds,
            async input =>
            {
                store[heads[^1]] = input;
                store[copy] = input;
                Use(await new BackupCatalog(store).OpenAsync("b", default));
            }
        );
    }

    [Fact(Timeout = LimitMs)]
    [Trait("Run", "Long")]
    public async Task C2_pages_from_anybody_are_read_or_refused()
    {
        var store = await StoreAsync();
        var key = store.Keys.Last(k => k.StartsWith("b/manifest/0", StringComparison.Ordinal));
        var pages = ManifestLayout
            .PageReferencesOf((await new HeadSearch(store, "b").ReadAsync(BackupKeys.GenerationOf(key[2..])!.Value, default))!)
            .ToArray();
        var fuzzer = new MutationFuzzer(Seed, [.. pages.Select(p => store["b/" + p.Key])], Words);
        var round = 0;
        fuzzer.Run(
            MutationFuzzer.Rounds,
            input =>
            {
                // Named with a right checksum, as the head is anybody's too.
                var named = pages[round++ % pages.Length] with
                {
                    Size = input.Length,
                    Sha256 = Engine.Format.Manifests.ManifestFile.Hash(input),
                };
                var page = ManifestValidation.ReadPage(named, input);
                page?.Segments?.ForEach(s => BackupKeys.PartitionFolder(s.Topic, s.Partition));
                page?.Topics?.ForEach(t => BackupKeys.PartitionFolder(t.Name, t.PartitionCount));
                page?.Runs?.ForEach(r => Engine.Format.Manifests.ManifestMapping.ToEntry(r));
                return Task.CompletedTask;
            }
        );
    }

    [Fact]
    public void C2_locks_from_anybody_are_read_or_refused()
    {
        var own = new LockDocument
        {
            Owner = "x",
            Host = "host",
            RunId = "run-1",
            ProcessId = 5,
            HeartbeatSeconds = 10,
            StartedAt = DateTimeOffset.UnixEpoch,
        }.Write();
        var store = new MemoryStore();
        new MutationFuzzer(Seed, [own], Words).Run(
            MutationFuzzer.Rounds,
            async input =>
            {
                store["b/lock.json"] = input;
                var info = await BackupLock.DescribeAsync(store, "b", default);
                Assert.InRange(info!.StaleAfter, TimeSpan.FromSeconds(3), TimeSpan.FromMinutes(3));
            }
        );
    }

    [Fact]
    [Trait("Run", "Long")]
    public void C2_segments_from_anybody_are_read_or_refused()
    {
        var sound = new List<byte[]>();
        foreach (var kind in new[] { CompressionKind.None, CompressionKind.Gzip, CompressionKind.Zstd })
        {
            sound.Add(SegmentImage.Write(new HostileRecords(Seed).List(20), kind, recordsPerBlock: 4).Bytes);
        }

        using var pool = new Engine.Format.Blocks.BlockBufferPool(64 << 20);
        new MutationFuzzer(Seed, sound, Words).Run(
            MutationFuzzer.Rounds,
            async input =>
            {
                try
                {
                    await SegmentFile.CheckAsync("x.kbs", SegmentImage.Source(input), input.Length, pool, default);
                    await foreach (
                        var block in SegmentFile.ReadBlocksAsync("x.kbs", SegmentImage.Source(input), input.Length, pool, null, 0, default)
                    )
                    {
                        block.Dispose();
                    }
                }
                catch (SegmentDamagedException)
                {
                    // As it should be.
                }
            }
        );
    }

    [Fact]
    [Trait("Run", "Long")]
    public void L2_segments_of_batches_from_anybody_are_read_or_refused()
    {
        var sound = new List<byte[]>();
        foreach (var form in SegmentForm.All)
        {
            sound.Add(form.Write(new HostileRecords(Seed).List(20), recordsPerBlock: 8).Bytes);
        }

        using var pool = new Engine.Format.Blocks.BlockBufferPool(64 << 20);
        new MutationFuzzer(Seed, sound, Words, SegmentSeal.Seal).Run(
            MutationFuzzer.Rounds,
            async input =>
            {
                foreach (var damage in (await CheckAsync(input, pool)).Damages)
                {
                    Assert.NotEmpty(damage.Message);
                }

                try
                {
                    await foreach (
                        var block in SegmentFile.ReadBlocksAsync("x.kbs", SegmentImage.Source(input), input.Length, pool, null, 0, default)
                    )
                    {
                        using (block)
                        {
                            Walk(block);
                        }
                    }
                }
                catch (SegmentDamagedException damaged)
                {
                    Assert.Equal("x.kbs", damaged.Damage.Place);
                }

                Assert.Equal(0, pool.BytesInUse);
            }
        );

        static Task<SegmentCheck> CheckAsync(byte[] input, Engine.Format.Blocks.BlockBufferPool pool) =>
            SegmentFile.CheckAsync("x.kbs", SegmentImage.Source(input), input.Length, pool, default);

        static void Walk(Engine.Format.Blocks.RecordBlock block)
        {
            foreach (var (batch, _) in block.Batches)
            {
                Assert.InRange(batch.Length, 61, block.Info.RawLength);
            }

            foreach (var record in block)
            {
                Assert.True(!block.Info.HoldsBatches || block.Info.MayHoldOffset(record.Offset, record.Offset + 1));
            }
        }
    }

    [Fact]
    public void The_fuzzer_repeats_an_input_and_finds_crashes_hangs_excepted_and_greed()
    {
        var fuzzer = new MutationFuzzer(1, [Encoding.UTF8.GetBytes("{\"a\": 1, \"b\": [2, 3]}")], Words);
        Assert.Equal(fuzzer.Input(17), fuzzer.Input(17));
        Assert.NotEqual(fuzzer.Input(17), fuzzer.Input(18));
        Assert.Contains(
            "round 0",
            Assert.Throws<InvalidOperationException>(() => fuzzer.Run(10, _ => throw new FormatException("crash"))).Message,
            StringComparison.Ordinal
        );
        Assert.Throws<InvalidOperationException>(() => fuzzer.Run(10, _ => throw ErrorIds.Unexpected.With("x", "x")));
        Assert.Throws<InvalidOperationException>(() =>
            fuzzer.Run(
                10,
                _ =>
                {
                    GC.KeepAlive(new byte[80 << 20]);
                    return Task.CompletedTask;
                }
            )
        );
        fuzzer.Run(10, _ => throw ErrorIds.ManifestDamaged.With("x", "x"));
    }

    private static async Task<MemoryStore> StoreAsync()
    {
        var store = new MemoryStore();
        await SmallBackup.WriteAsync(store, 30);
        await using var session = await BackupSession.BeginAsync(
            new BackupCatalog(store),
            "b",
            new SessionOptions { RunId = "r", Clock = TimeProvider.System },
            default
        );
        await session.CommitAsync(session.Manifest!.With(ManifestSamples.BigTopic(300)), default);
        await session.CommitAsync(session.Manifest!, default);
        return store;
    }

    /// <summary>What the commands make of an opened backup, sums and names above all.</summary>
    private static void Use(OpenedBackup backup)
    {
        var partitions = backup.Manifest.Topics.Values.SelectMany(t => t.Partitions.Values).ToArray();
        _ = partitions.SelectMany(p => p.Segments).Sum(s => s.RecordCount + s.Bytes + s.StoredBytes);
        _ = Engine.Verify.ManifestRules.Check(backup).Count();
        _ = Engine.Verify.Pruning.Without(backup.Manifest, 0, 1);
        _ = HeadSkew.Of(backup.Manifest);
        using var dropped = new Engine.Verify.DroppedSegments(new MemoryStore(), backup);
    }
}
