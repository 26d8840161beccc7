using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Compare;

public sealed class CompareTests : ComparingTests
{
    private const int Count = 20;
    private const int At = 7;

    public static TheoryData<string, AlignMode, string> Mutations()
    {
        var data = new TheoryData<string, AlignMode, string>();
        foreach (var align in new[] { AlignMode.Position, AlignMode.Offset, AlignMode.OriginalOffset })
        {
            data.Add("a bit of the value", align, "Value");
            data.Add("a bit of the key", align, "Key");
            data.Add("the headers' order", align, "Headers");
            data.Add("an empty header for null", align, "Headers");
            data.Add("empty for null", align, "Value");
            data.Add("a millisecond", align, "Timestamp");
            data.Add("dropped", align, align == AlignMode.OriginalOffset ? "Missing" : "Key");
            data.Add("doubled", align, align == AlignMode.OriginalOffset ? "Missing" : "Key");
            data.Add("swapped", align, align == AlignMode.OriginalOffset ? "Missing" : "Key");
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Mutations))]
    public async Task G3_every_mutation_of_one_record_is_found_and_located(string mutation, AlignMode align, string what)
    {
        var records = Enumerable.Range(0, Count).Select(Record).ToList();
        var restored = records.Select((r, i) => align == AlignMode.OriginalOffset ? WithOrigin(r, i) : r).ToList();
        Mutate(restored, mutation);
        Put("left", records);
        Put("right", restored);

        var row = (await CompareAsync(Asked("left", "right") with { Align = align })).Single(r => r.Partition == 0);

        Assert.Equal(ComparisonVerdict.Different, row.Verdict);
        Assert.False(row.Equal);
        Assert.Equal(align, row.Alignment);
        Assert.Equal(what, row.FirstDifference!.What);

        // A record that comes twice shows at its second coming.
        var at = At + (mutation == "doubled" ? 1 : 0);
        Assert.Equal(at, row.FirstDifference.ReferenceOffset ?? row.FirstDifference.DifferenceOffset);
        Assert.Equal(at, row.CommonTail);
        Assert.NotEqual(row.FirstDifference.ReferenceShown, row.FirstDifference.DifferenceShown);
    }

    [Theory]
    [InlineData(AlignMode.Position)]
    [InlineData(AlignMode.Offset)]
    [InlineData(AlignMode.OriginalOffset)]
    public async Task G5_equal_topics_are_equal_on_every_alignment_with_equal_digests(AlignMode align)
    {
        var records = Enumerable.Range(0, 5000).Select(Record).ToList();
        Put("left", records);
        Put("right", records.Select((r, i) => align == AlignMode.OriginalOffset ? WithOrigin(r, i) : r));

        var rows = await CompareAsync(Asked("left", "right") with { Align = align });

        Assert.Equal([0, null], rows.Select(r => r.Partition));
        Assert.All(
            rows,
            row =>
            {
                Assert.Equal(ComparisonVerdict.Equal, row.Verdict);
                Assert.Equal(5000, row.ComparedCount);
                Assert.Equal(5000, row.CommonTail);
            }
        );
        Assert.Equal(rows[0].ReferenceDigest, rows[0].DifferenceDigest);
        Assert.Equal(rows[0].ReferenceHeadTimeMs, rows[0].DifferenceHeadTimeMs);
    }

    [Fact]
    public async Task G2_the_strongest_alignment_that_both_sides_support_is_chosen_and_said()
    {
        var records = Enumerable.Range(0, Count).Select(Record).ToList();
        Put("left", records);
        Put("restored", records.Select(WithOrigin));
        Put("copied", records);
        await Scenario.BackUpAsync(BackupScenario.Asked("left"));

        var toRestored = (await CompareAsync(Asked("left", "restored")))[0];
        var toCopy = (await CompareAsync(Asked("left", "copied")))[0];
        var toBackup = (
            await CompareAsync(
                new CompareSettings
                {
                    Reference = Live,
                    Difference = Stored,
                    Topics = ["left"],
                }
            )
        )[0];
        var backupToRestored = (
            await CompareAsync(
                new CompareSettings
                {
                    Reference = Stored,
                    Difference = Live,
                    Topics = ["left"],
                    DifferenceTopics = ["restored"],
                }
            )
        )[0];

        Assert.Equal((AlignMode.OriginalOffset, true), (toRestored.Alignment, toRestored.Equal));
        Assert.Equal((AlignMode.Position, true), (toCopy.Alignment, toCopy.Equal));
        Assert.Equal((AlignMode.Offset, true), (toBackup.Alignment, toBackup.Equal));
        Assert.Equal((AlignMode.OriginalOffset, true), (backupToRestored.Alignment, backupToRestored.Equal));
    }

    [Fact]
    public async Task G1_what_is_left_out_does_not_count()
    {
        var records = Enumerable.Range(0, Count).Select(Record).ToList();
        Put("left", records);
        Put("right", records.Select((r, i) => WithOrigin(r, i) with { Timestamp = 1, Key = [1] }));
        var asked = Asked("left", "right") with { Align = AlignMode.Position };

        Assert.Equal("Key", (await CompareAsync(asked))[0].FirstDifference!.What);
        Assert.Equal("Headers", (await CompareAsync(asked with { IgnoreKey = true }))[0].FirstDifference!.What);
        Assert.Equal(
            "Timestamp",
            (await CompareAsync(asked with { IgnoreKey = true, IgnoreHeaders = ["x-original-*"] }))[0].FirstDifference!.What
        );
        Assert.True(
            (await CompareAsync(asked with { IgnoreKey = true, IgnoreHeaders = ["x-original-*"], IgnoreTimestamp = true }))[0].Equal
        );
    }

    [Fact]
    public async Task G4_fewer_records_than_asked_for_end_at_once_with_their_count()
    {
        Put("left", Enumerable.Range(0, 30).Select(Record));
        Put("right", Enumerable.Range(0, 50).Select(Record));

        var row = (await CompareAsync(Asked("left", "right") with { MaxRecords = 1_000 }))[0];
        var cut = (await CompareAsync(Asked("left", "right") with { MaxRecords = 20 }))[0];
        var from = (await CompareAsync(Asked("left", "right") with { FromOffset = 25 }))[0];

        Assert.Equal((ComparisonVerdict.HeadOnly, 30, 20), (row.Verdict, row.ComparedCount, row.DifferenceOnlyHead));
        Assert.Equal((ComparisonVerdict.Equal, 20, 0), (cut.Verdict, cut.ComparedCount, cut.DifferenceOnlyHead));
        Assert.Equal((ComparisonVerdict.HeadOnly, 5, 20), (from.Verdict, from.ComparedCount, from.DifferenceOnlyHead));
    }

    [Fact]
    public async Task G3_a_restored_snapshot_with_uneven_heads_has_its_biggest_common_tail_in_common_with_the_mirror()
    {
        // The mirror goes on while it is compared; the restored topic's partitions end where their volumes were caught, up to 20 s apart.
        int[] caught = [1_200, 1_000, 1_400];
        Scenario.Cluster.CreateTopic("mirror.blogs", 3);
        Scenario.Cluster.CreateTopic("blogs", 3);
        for (var partition = 0; partition < 3; partition++)
        {
            Scenario.Cluster.Append("mirror.blogs", partition, Enumerable.Range(0, 2_000).Select(Blog));
            Scenario.Cluster.Append("blogs", partition, Enumerable.Range(0, caught[partition]).Select(Blog));
        }

        using var ending = new CancellationTokenSource();
        var producing = Task.Run(async () =>
        {
            for (var i = 2_000; !ending.IsCancellationRequested; i++)
            {
                Scenario.Cluster.Append("mirror.blogs", i % 3, Blog(i));
                await Task.Delay(1);
            }
        });
        var whole = await CompareAsync(Asked("mirror.blogs", "blogs"));
        var common = await CompareAsync(Asked("mirror.blogs", "blogs") with { CommonTail = true });
        await ending.CancelAsync();
        await producing;

        var sum = Assert.Single(common, r => r.Partition is null);
        Assert.All(whole, r => Assert.Equal(ComparisonVerdict.HeadOnly, r.Verdict));
        Assert.All(common, r => Assert.Equal(ComparisonVerdict.Equal, r.Verdict));
        Assert.Equal(
            caught.Select(c => (long)c),
            common.Where(r => r.Partition is not null).OrderBy(r => r.Partition).Select(r => r.ComparedCount)
        );
        Assert.Equal(1_000, sum.CommonTail);
        Assert.Equal(TimeSpan.FromSeconds(20), sum.DifferenceHeadSkew);
        Assert.True(sum.ReferenceOnlyHead >= 2_400);

        static LocalRecord Blog(int i) => LocalRecord.Of(null, $"blog {i}", 1_700_000_000_000 + (i * 50L));
    }

    [Fact]
    public async Task G5_a_range_of_original_offsets_that_holds_nothing_is_not_called_equal()
    {
        Put("left", [Record(0)]);
        Put("right", [WithOrigin(Record(0), 0)]);

        var error = await RefusedAsync(Asked("left", "right") with { FromOffset = 99, Align = AlignMode.OriginalOffset });

        Assert.Equal(ErrorIds.NothingMatched, error.Definition);
    }

    [Fact]
    public async Task A9_sides_that_cannot_be_compared_are_refused_with_what_is_there()
    {
        Put("left", [Record(0)]);
        Scenario.Cluster.CreateTopic("wide", 3);

        Assert.Equal(ErrorIds.TopicNotFound, (await RefusedAsync(Asked("nope", "left"))).Definition);
        var error = await RefusedAsync(Asked("left", "nope"));
        Assert.Equal(ErrorIds.TopicNotFound, error.Definition);
        Assert.Contains("wide", error.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorIds.ComparisonImpossible, (await RefusedAsync(Asked("left", "wide"))).Definition);
        Assert.Equal(ErrorIds.ComparisonImpossible, (await RefusedAsync(Asked("left", "left") with { Partitions = [1] })).Definition);
        Assert.Equal(ErrorIds.NothingMatched, (await RefusedAsync(Asked("left", "left") with { FromOffset = 99 })).Definition);
        Assert.Equal(
            ErrorIds.ComparisonImpossible,
            (await RefusedAsync(Asked("left", "left") with { Align = AlignMode.OriginalOffset })).Definition
        );
        Assert.Equal(ErrorIds.MissingSettings, (await RefusedAsync(new CompareSettings { Topics = ["left"] })).Definition);
    }

    [Fact]
    public async Task B15_a_partition_that_cannot_be_read_fails_alone()
    {
        foreach (var topic in new[] { "left", "right" })
        {
            Scenario.Cluster.CreateTopic(topic, 2);
            Scenario.Cluster.Append(topic, 0, Enumerable.Range(0, Count).Select(Record));
            Scenario.Cluster.Append(topic, 1, Enumerable.Range(0, Count).Select(Record));
        }

        Scenario.Cluster.CorruptBatch("right", 0, 0);

        var rows = await CompareAsync(Asked("left", "right"));

        Assert.Equal(ComparisonVerdict.Failed, rows.Single(r => r.Partition == 0).Verdict);
        Assert.Equal(ErrorIds.PartitionRead.Id, rows.Single(r => r.Partition == 0).ErrorId);
        Assert.Equal(ComparisonVerdict.Equal, rows.Single(r => r.Partition == 1).Verdict);
        Assert.Equal(ComparisonVerdict.Failed, rows[^1].Verdict);
    }

    private static void Mutate(List<LocalRecord> records, string mutation)
    {
        var record = records[At];
        switch (mutation)
        {
            case "dropped":
                records.RemoveAt(At);
                return;
            case "doubled":
                records.Insert(At, records[At]);
                return;
            case "swapped":
                (records[At], records[At + 1]) = (records[At + 1], records[At]);
                return;
            default:
                records[At] = mutation switch
                {
                    "a bit of the value" => record with { Value = [1] },
                    "a bit of the key" => record with { Key = [(byte)(record.Key![0] ^ 1), .. record.Key[1..]] },
                    "the headers' order" => record with { Headers = [record.Headers[1], record.Headers[0], .. record.Headers.Skip(2)] },
                    "an empty header for null" => record with { Headers = [record.Headers[0], ("b", []), .. record.Headers.Skip(2)] },
                    "empty for null" => record with { Value = null },
                    _ => record with { Timestamp = record.Timestamp + 1 },
                };
                return;
        }
    }
}
