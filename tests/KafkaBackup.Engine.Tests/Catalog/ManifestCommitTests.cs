using System.Globalization;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Catalog.ManifestSamples;

namespace KafkaBackup.Engine.Tests.Catalog;

/// <summary>What is committed is what is opened, whatever changed and however it is cut into pages.</summary>
public sealed class ManifestCommitTests
{
    [Fact]
    public async Task C1_a_manifest_with_everything_comes_back_as_it_was()
    {
        var store = new MemoryStore();
        await using var session = await BeginAsync(store);
        var full = (
            session.Manifest! with
            {
                SourceClusterId = "cluster-1",
                Complete = true,
                Runs =
                [
                    Run(1),
                    Run(2, BackupStatus.Failed) with
                    {
                        EndedAt = null,
                        ConsistentAtMs = null,
                        Isolation = IsolationLevel.ReadUncommitted,
                    },
                ],
                GroupSnapshots = [Groups("run-1"), Groups("run-2")],
            }
        ).With(
            Topic("orders", Partition(0, Segment("orders", 0, 0), Segment("orders", 0, 100)), Partition(1)),
            Topic(
                "Gr-x",
                Partition(7) with
                {
                    Gaps = [new GapEntry(3, 9, "retention", Time)],
                    LastRecord = new LastRecord(2, 5, "ab12"),
                    Complete = false,
                    CapturedStart = 1,
                    CapturedEnd = 10,
                    NextOffset = 9,
                }
            ),
            Topic("Orders", Partition(0)) with
            {
                TopicId = null,
                Configs = new Dictionary<string, string>(),
            }
        );

        var committed = await session.CommitAsync(full, default);

        Assert.Equal(2, committed.Generation);
        var opened = await OpenAsync(store);
        Assert.Equal(2, opened.Generation);
        Assert.Equal(committed.UpdatedAt, opened.UpdatedAt);
        AssertSame(full, opened);
    }

    [Fact]
    public async Task C1_any_sequence_of_changes_comes_back_as_it_was_also_through_new_sessions()
    {
        var random = new Random(20240115);
        var store = new MemoryStore();
        var session = await BeginAsync(store);
        var current = session.Manifest!;
        for (var step = 0; step < 250; step++)
        {
            current = RandomChange(random, current, step);
            current = await session.CommitAsync(current, default);
            if (random.Next(10) == 0)
            {
                await session.DisposeAsync();
                AssertSame(current, await OpenAsync(store));
                session = await BeginAsync(store);
                current = session.Manifest!;
            }
        }

        await session.DisposeAsync();
        AssertSame(current, await OpenAsync(store));
    }

    [Fact]
    public async Task C1_adding_a_segment_costs_the_same_with_ten_as_with_a_hundred_thousand()
    {
        var store = new MemoryStore();
        var counting = new CountingStore(store);
        await using var session = await BeginAsync(counting);
        var small = await session.CommitAsync(session.Manifest!.With(BigTopic(10)), default);
        var smallCost = await CostOfAppendingAsync(session, small, counting, 300);

        var big = await session.CommitAsync(small.With(BigTopic(100_000)), default);
        var bigCost = await CostOfAppendingAsync(session, big, counting, 300);

        Assert.InRange(bigCost.BytesWritten, 0, smallCost.BytesWritten * 2);
        Assert.InRange(bigCost.Puts, 0, smallCost.Puts + 10);
        Assert.InRange(store[BackupKeys.Of("backup", BackupKeys.ManifestCopy)].Length, 0, 150_000);
    }

    [Fact]
    public async Task C1_a_thousand_partitions_that_move_on_do_not_bloat_the_head()
    {
        var store = new MemoryStore();
        await using var session = await BeginAsync(store);
        var current = await session.CommitAsync(
            session.Manifest!.With(
                Enumerable.Range(0, 10).Select(t => Topic($"t{t}", Enumerable.Range(0, 100).Select(p => Partition(p)).ToArray())).ToArray()
            ),
            default
        );
        for (var round = 0; round < 300; round++)
        {
            current = await session.CommitAsync(current.Appended($"t{round % 10}", round % 100), default);
            Assert.InRange(store[BackupKeys.Of("backup", BackupKeys.Head(current.Generation))].Length, 0, 150_000);
        }

        AssertSame(current, await OpenAsync(store));
    }

    [Fact]
    public async Task C1_years_of_runs_do_not_bloat_the_head()
    {
        var store = new MemoryStore();
        await using var session = await BeginAsync(store);
        var current = session.Manifest!;
        for (var run = 0; run < 700; run++)
        {
            current = await session.CommitAsync(current with { Runs = [.. current.Runs, Run(run, BackupStatus.Running)] }, default);
            current = await session.CommitAsync(current with { Runs = [.. current.Runs.SkipLast(1), Run(run)] }, default);
        }

        Assert.InRange(store[BackupKeys.Of("backup", BackupKeys.ManifestCopy)].Length, 0, 50_000);
        var opened = await OpenAsync(store);
        Assert.Equal(
            Enumerable.Range(0, 700).Select(i => string.Create(CultureInfo.InvariantCulture, $"run-{i}")),
            opened.Runs.Select(r => r.RunId)
        );
        AssertSame(current, opened);
    }

    [Fact]
    public async Task C1_old_heads_and_their_pages_are_trimmed_and_the_kept_ones_stay_whole()
    {
        var store = new MemoryStore();
        var current = await FillAsync(store, commits: 350);

        var heads = store.Keys.Where(k => k.StartsWith("backup/manifest/0", StringComparison.Ordinal)).ToList();
        Assert.Equal(5, heads.Count);
        var named = heads
            .SelectMany(h => ManifestLayout.PageReferencesOf(ManifestFile.ReadHead(store[h]).Head!))
            .Select(p => p.Key)
            .ToHashSet();
        Assert.Equal(
            named.SelectMany(p => (string[])[p, BackupKeys.CopyOfPage(p)]).Order(StringComparer.Ordinal),
            store
                .Keys.Where(k =>
                    k.StartsWith("backup/manifest/pages/", StringComparison.Ordinal)
                    || k.StartsWith("backup/manifest/copies/", StringComparison.Ordinal)
                )
                .Select(k => k["backup/".Length..])
                .Order(StringComparer.Ordinal)
        );
        foreach (var older in heads.AsEnumerable().Reverse().Skip(1))
        {
            foreach (var newer in heads.Where(h => string.CompareOrdinal(h, older) > 0))
            {
                store.Remove(newer);
            }

            store.Remove("backup/manifest.json");
            Assert.Equal(ManifestFile.ReadHead(store[older]).Head!.Generation, (await OpenAsync(store)).Generation);
        }

        Assert.True(current.Generation > 350);
    }

    [Fact]
    public async Task C1_segments_that_were_merged_away_are_deleted_only_when_no_kept_head_names_them()
    {
        var store = new MemoryStore();
        await using var session = await BeginAsync(store);
        var parts = Enumerable.Range(0, 3).Select(i => Segment("t", 0, i * 100)).ToArray();
        var before = session.Manifest!.With(Topic("t", Partition(0, parts)));
        store.PutSegments(before);
        await session.CommitAsync(before, default);
        var merged = Segment("t", 0, 0, 200);
        var after = before.With(Topic("t", Partition(0, merged, parts[2])));
        store.PutSegments(after);
        var current = await session.CommitAsync(after, default);

        for (var commit = 0; commit < 3; commit++)
        {
            Assert.Contains("backup/" + parts[0].Key, store.Keys);
            current = await session.CommitAsync(current with { Complete = commit % 2 == 0 }, default);
        }

        for (var commit = 0; commit < 10; commit++)
        {
            current = await session.CommitAsync(current with { Complete = commit % 2 == 0 }, default);
        }

        Assert.DoesNotContain("backup/" + parts[0].Key, store.Keys);
        Assert.DoesNotContain("backup/" + parts[1].Key, store.Keys);
        Assert.Contains("backup/" + parts[2].Key, store.Keys);
        Assert.Contains("backup/" + merged.Key, store.Keys);
        Assert.DoesNotContain(store.Keys, k => k.Contains("-retired-", StringComparison.Ordinal));
        AssertSame(after with { Complete = current.Complete }, await OpenAsync(store));
    }

    private static async Task<BackupSession> BeginAsync(IStore store) =>
        await BackupSession.BeginAsync(new BackupCatalog(store), "backup", Options(), default);

    private static async Task<Manifest> FillAsync(IStore store, int commits)
    {
        await using var session = await BeginAsync(store);
        var current = session.Manifest!.With(Topic("t", Partition(0), Partition(1)));
        for (var i = 0; i < commits; i++)
        {
            current = await session.CommitAsync(
                current.Appended("t", i % 2) with
                {
                    GroupSnapshots = i % 50 == 0 ? [Groups("r")] : current.GroupSnapshots,
                },
                default
            );
        }

        Assert.Empty(session.Findings);
        return current;
    }

    private static async Task<(long BytesWritten, long Puts)> CostOfAppendingAsync(
        BackupSession session,
        Manifest current,
        CountingStore store,
        int commits
    )
    {
        var before = store.Counts;
        for (var i = 0; i < commits; i++)
        {
            current = await session.CommitAsync(current.Appended("big", i % 10), default);
        }

        return (store.Counts.BytesWritten - before.BytesWritten, store.Counts.Puts - before.Puts);
    }

    /// <summary>One of the things that runs, merges, prunes and repairs do to a manifest.</summary>
    private static Manifest RandomChange(Random random, Manifest current, int step)
    {
        var name = $"topic-{random.Next(6)}";
        if (!current.Topics.TryGetValue(name, out var topic))
        {
            return current.With(Topic(name, Enumerable.Range(0, random.Next(1, 40)).Select(p => Partition(p)).ToArray()));
        }

        var number = random.Next(topic.Partitions.Count);
        var partition = topic.Partitions[number];
        switch (random.Next(9))
        {
            case 0:
                return current.With(topic with { Configs = new Dictionary<string, string> { ["step"] = $"{step}" } });
            case 1:
                var topics = current.Topics.Where(t => random.Next(20) > 0 || t.Key != name).ToDictionary(t => t.Key, t => t.Value);
                return current with { Topics = topics };
            case 2 when partition.Segments.Count > 3:
                var merged = Segment(
                    name,
                    number,
                    partition.Segments[0].FirstOffset,
                    (int)(partition.Segments[1].LastOffset - partition.Segments[0].FirstOffset + 1)
                );
                return current.WithPartition(name, partition with { Segments = [merged, .. partition.Segments.Skip(2)] });
            case 3 when partition.Segments.Count > 0:
                return current.WithPartition(
                    name,
                    partition with
                    {
                        Segments = [.. partition.Segments.Skip(random.Next(partition.Segments.Count))],
                    }
                );
            case 4:
                return current with { Runs = [.. current.Runs, Run(step)], GroupSnapshots = [Groups($"run-{step}")] };
            case 5:
                return current.WithPartition(
                    name,
                    partition with
                    {
                        Gaps = [.. partition.Gaps, new GapEntry(step, step + 1, "retention", Time)],
                        Complete = !partition.Complete,
                    }
                );
            default:
                for (var i = random.Next(1, 60); i > 0; i--)
                {
                    current = current.Appended(name, random.Next(topic.Partitions.Count), random.Next(1, 50));
                }

                return current;
        }
    }
}
