using KafkaBackup.Engine.Backup;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Tests.Backup;

public sealed class MergeTests
{
    [Fact]
    public async Task B10_small_segments_of_many_runs_are_merged_without_losing_anything()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        for (var i = 0; i < 8; i++)
        {
            scenario.Fill("orders", 10, i * 10);
            var result = await scenario.BackUpAsync();
            Assert.Equal((10L, 1), (result.RecordCount, result.SegmentCount));
            Assert.Equal(1_700_000_000_000 + (i * 10), result.FirstTimestampMs);
        }

        var partition = await scenario.PartitionAsync("orders");
        var merged = Assert.Single(partition.Segments);
        Assert.Equal((80L, 0L, 79L), (merged.RecordCount, merged.FirstOffset, merged.LastOffset));
        Assert.Equal(79, partition.LastRecord!.Offset);
        await scenario.AssertStoredIsSourceAsync("orders");

        // The next runs meet the last record again, and the inputs go once no kept head names them.
        for (var i = 8; i < 14; i++)
        {
            scenario.Fill("orders", 10, i * 10);
            await scenario.BackUpAsync();
        }

        var named = (await scenario.PartitionAsync("orders")).Segments.Count;
        Assert.Equal(named, (await scenario.KeysAsync("b/topics/")).Count);
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task B8_merging_asks_the_cluster_nothing()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        var questions = 0;
        scenario.WrapCluster = c => new ClusterDouble(c)
        {
            Description = d =>
            {
                questions++;
                return d;
            },
        };
        var counts = new List<int>();
        for (var i = 0; i < 8; i++)
        {
            scenario.Fill("orders", 10, i * 10);
            questions = 0;
            await scenario.BackUpAsync();
            counts.Add(questions);
        }

        Assert.Single((await scenario.PartitionAsync("orders")).Segments);
        Assert.Single(counts.Distinct());
    }

    [Fact]
    public async Task B10_a_damaged_segment_is_reported_and_left_alone()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        for (var i = 0; i < 7; i++)
        {
            scenario.Fill("orders", 10, i * 10);
            await scenario.BackUpAsync();
        }

        var victim = Path.Combine(scenario.StorePath, "b", (await scenario.PartitionAsync("orders")).Segments[3].Key);
        var bytes = await File.ReadAllBytesAsync(victim);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(victim, bytes);
        scenario.Fill("orders", 10, 70);

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Contains(result.Findings, f => f.Kind == FindingKind.Corrupt);
        Assert.Equal(8, (await scenario.PartitionAsync("orders")).Segments.Count);
        Assert.True(File.Exists(victim));
    }

    [Fact]
    public void B10_a_record_is_written_again_once_per_tier()
    {
        const int Added = 4096;
        const long Each = 4096;
        var segments = new List<SegmentEntry>();
        var rewritten = 0L;
        for (var i = 0; i < Added; i++)
        {
            segments.Add(Segment(i, 1, Each));
            while (MergePlan.For(Partition(segments), 128 << 20, long.MaxValue) is { Count: > 0 } plan)
            {
                foreach (var run in plan)
                {
                    var at = segments.IndexOf(run[0]);
                    segments.RemoveRange(at, run.Count);
                    segments.Insert(at, Segment(run[0].FirstOffset, run.Sum(s => s.RecordCount), run.Sum(s => s.Bytes)));
                    rewritten += run.Sum(s => s.Bytes);
                }
            }
        }

        Assert.Equal(Added, segments.Sum(s => s.RecordCount));
        Assert.InRange(segments.Count, 1, 50);
        Assert.InRange((double)rewritten / (Added * Each), 1, 6);
    }

    [Fact]
    public void B10_segments_are_not_merged_across_a_gap_nor_beyond_the_size_asked_for()
    {
        var segments = Enumerable.Range(0, 10).Select(i => Segment(i < 5 ? i : i + 100, 1, 1000)).ToList();
        var gap = new GapEntry(5, 105, "gone", DateTimeOffset.UnixEpoch);

        Assert.Empty(MergePlan.For(Partition(segments) with { Gaps = [gap] }, 1 << 20, long.MaxValue));
        Assert.Single(MergePlan.For(Partition(segments), 1 << 20, long.MaxValue));
        Assert.Empty(MergePlan.For(Partition(segments), 3500, long.MaxValue));
        Assert.Empty(MergePlan.For(Partition(segments), 1 << 20, 5));
    }

    private static PartitionEntry Partition(IReadOnlyList<SegmentEntry> segments) =>
        new()
        {
            Partition = 0,
            CapturedStart = 0,
            CapturedEnd = 0,
            NextOffset = 0,
            Complete = true,
            Gaps = [],
            Segments = segments,
        };

    private static SegmentEntry Segment(long first, long count, long bytes) =>
        new()
        {
            Key = $"{first}-{Guid.NewGuid()}",
            Sha256 = "",
            StoredBytes = bytes,
            Bytes = bytes,
            RecordCount = count,
            FirstOffset = first,
            LastOffset = first + count - 1,
            MinTimestamp = 0,
            MaxTimestamp = 0,
            HeadTimestamp = 0,
            LargestRecord = 1,
            ZeroTimestamps = 0,
            RunId = "r",
        };
}
