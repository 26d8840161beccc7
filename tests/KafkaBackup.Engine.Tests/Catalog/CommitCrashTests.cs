using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using static KafkaBackup.Engine.Tests.Catalog.ManifestSamples;

namespace KafkaBackup.Engine.Tests.Catalog;

/// <summary>The process dies at every store call of a session in turn; what is left is always a whole backup that can go on.</summary>
[Trait("Run", "Long")]
public sealed class CommitCrashTests
{
    private const int Commits = 8;

    [Fact]
    public async Task C1_killed_at_any_store_call_the_backup_is_whole_names_only_durable_segments_and_goes_on()
    {
        var clock = new ManualClock();
        var keys = Enumerable.Range(0, Commits * 2).Select(i => BackupKeys.NewSegment("orders", 0, i * 100)).ToArray();

        var crashes = await EnumeratedCrash.RunAsync(
            () => new MemoryStore(clock),
            store => WorkAsync(store, clock, keys),
            async (store, fate) =>
            {
                var found = await new BackupCatalog(store).FindAsync("backup", default);
                if (found is not null)
                {
                    Assert.True(
                        found.Findings.All(f => f.Kind == FindingKind.ManifestCopy),
                        $"{fate}: {string.Join("; ", found.Findings)}"
                    );
                    AssertDurable(store, found.Manifest, fate);
                }

                clock.Advance(TimeSpan.FromMinutes(1));
                var recovery = WorkAsync(store, clock, keys);
                await clock.RunAsync(recovery, TimeSpan.FromSeconds(1));
                var final = await new BackupCatalog(store).OpenAsync("backup", default);
                Assert.Empty(final.Findings);
                AssertDurable(store, final.Manifest, fate);
                Assert.Equal(
                    Commits,
                    final.Manifest.Topics["orders"].Partitions[0].Segments.Count(s => s.RecordCount == 100)
                        + (2 * final.Manifest.Topics["orders"].Partitions[0].Segments.Count(s => s.RecordCount == 200))
                );
                Assert.DoesNotContain("backup/lock.json", store.Keys);
            }
        );

        Assert.True(crashes > 100, $"only {crashes} crashes");
    }

    /// <summary>What a run does: segments first, then the head that names them; in between a merge retires two.</summary>
    private static async Task WorkAsync(IStore store, ManualClock clock, string[] keys)
    {
        var options = Options(clock) with { KeptHeads = 2 };
        await using var session = await BackupSession.BeginAsync(new BackupCatalog(store), "backup", options, default);
        var current = session.Manifest!;
        if (current.Topics.Count == 0)
        {
            current = await session.CommitAsync(current.With(Topic("orders", Partition(0))), default);
        }

        while (current.Topics["orders"].Partitions[0] is { NextOffset: < Commits * 100 } partition)
        {
            var segment = Segment("orders", 0, partition.NextOffset);
            await using (var upload = await store.CreateAsync("backup/" + segment.Key, default))
            {
                await upload.WriteAsync(new byte[10], default);
                await upload.CommitAsync(default);
            }

            IReadOnlyList<SegmentEntry> segments = [.. partition.Segments, segment];
            if (segments.Count(s => s.RecordCount == 100) == 2)
            {
                var merged = Segment("orders", 0, segments[^2].FirstOffset, 200, keys[(int)(segments[^2].FirstOffset / 100) + Commits]);
                await store.PutAsync("backup/" + merged.Key, new byte[20], default);
                segments = [.. segments.SkipLast(2), merged];
            }

            current = await session.CommitAsync(
                current.WithPartition(
                    "orders",
                    partition with
                    {
                        Segments = segments,
                        NextOffset = segment.LastOffset + 1,
                        CapturedEnd = segment.LastOffset + 1,
                    }
                ),
                default
            );
        }
    }

    private static void AssertDurable(MemoryStore store, Manifest manifest, string fate)
    {
        var there = store.Keys.ToHashSet();
        Assert.All(Segments(manifest), s => Assert.True(there.Contains("backup/" + s.Key), $"{fate}: {s.Key} is named but missing"));
        var next = 0L;
        foreach (var segment in Segments(manifest))
        {
            Assert.Equal(next, segment.FirstOffset);
            next = segment.LastOffset + 1;
        }
    }
}
