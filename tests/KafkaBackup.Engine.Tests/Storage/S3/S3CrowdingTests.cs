using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.S3;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>Many uploads at once, none of which has a full part to send: memory stays within one limit because some are ended.</summary>
[Trait("Run", "Long")]
public sealed class S3CrowdingTests : ScriptedS3Test
{
    private const int Chunk = 64 << 10;
    private const int Mebibyte = 1 << 20;

    [Fact]
    public async Task C5_uploads_that_take_the_advice_to_end_hold_no_more_than_the_limit_together()
    {
        const int count = 8;
        const int most = 8 * Chunk;
        var store = Open(Hasty with { PartSize = 16 * Chunk, UploadBytes = 4 * Chunk, UnsentBytes = most });
        var uploads = new IStoreUpload[count];
        var held = new long[count];
        long peak = 0;
        var ended = 0;
        for (var round = 0; round < 40 * count; round++)
        {
            var i = round % count;
            uploads[i] ??= await store.CreateAsync($"many/{round}", default);
            await uploads[i].WriteAsync(new byte[Chunk], default);
            held[i] += Chunk;
            peak = Math.Max(peak, held.Sum());
            if (uploads[i].ShouldEnd)
            {
                await uploads[i].CommitAsync(default);
                (uploads[i], held[i]) = (null!, 0);
                ended++;
            }
        }

        foreach (var upload in uploads.Where(u => u is not null))
        {
            await upload.DisposeAsync();
        }

        Assert.InRange(peak, most, most + (2 * Chunk));
        Assert.Equal(ended, (await KeysAsync(store)).Count);
        Assert.DoesNotContain(Server.Requests, r => r.IsPart);
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(64, false)]
    public async Task C5_a_wide_backup_ends_segments_early_only_where_memory_is_short_and_loses_nothing(int unsentMebibytes, bool early)
    {
        // Far more than the blocks that may lie in memory before the first of them is stored: only what comes later can be asked to end.
        const int partitions = 6;
        const int records = 120;
        await using var scenario = new BackupScenario(
            store: Open(Hasty with { PartSize = 4 * Mebibyte, UploadBytes = Mebibyte, UnsentBytes = unsentMebibytes * Mebibyte }),
            limit: TimeSpan.FromMinutes(3)
        );
        scenario.Cluster.CreateTopic("orders", partitions);
        for (var partition = 0; partition < partitions; partition++)
        {
            // A segment ends between batches only.
            foreach (var batch in Enumerable.Range(0, records).Chunk(5))
            {
                scenario.Cluster.Append(
                    "orders",
                    partition,
                    batch.Select(i => new LocalRecord([(byte)i], Noise(100_000 + i), 1_700_000_000_000 + i)).ToArray()
                );
            }
        }

        var result = await scenario.BackUpAsync(
            BackupScenario.Asked() with
            {
                MaxConcurrentPartitions = partitions,
                Compression = CompressionKind.None,
            }
        );

        Assert.Equal((BackupStatus.Complete, (long)records * partitions), (result.Status, result.RecordCount));
        for (var partition = 0; partition < partitions; partition++)
        {
            await scenario.AssertStoredIsSourceAsync("orders", partition);
        }

        Assert.True(early ? result.SegmentCount > partitions : result.SegmentCount == partitions, $"{result.SegmentCount} segments");
    }
}
