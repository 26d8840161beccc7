using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Compare;

/// <summary>By what records are paired when nobody says it, and in what order the rows come.</summary>
public sealed class CompareAlignmentTests : ComparingTests
{
    private const int Count = 50;

    [Fact]
    public async Task G2_a_topic_purged_and_filled_again_shares_no_offset_with_its_backup_and_is_aligned_by_position()
    {
        await PurgeAndFillAsync(Record);

        var row = (
            await CompareAsync(
                new CompareSettings
                {
                    Reference = Stored,
                    Difference = Live,
                    Topics = ["orders"],
                }
            )
        )[0];

        Assert.Equal((AlignMode.Position, ComparisonVerdict.Equal, Count), (row.Alignment, row.Verdict, row.ComparedCount));
        Assert.Contains("0..49 and 50..99", row.AlignmentReason, StringComparison.Ordinal);
        Assert.Contains(Scenario.Events.VerboseLines, m => m.Contains(row.AlignmentReason, StringComparison.Ordinal));
    }

    [Fact]
    public async Task G2_a_topic_purged_and_filled_again_with_original_offsets_is_aligned_by_them()
    {
        await PurgeAndFillAsync(i => WithOrigin(Record(i), i));

        var row = (
            await CompareAsync(
                new CompareSettings
                {
                    Reference = Stored,
                    Difference = Live,
                    Topics = ["orders"],
                }
            )
        )[0];

        Assert.Equal((AlignMode.OriginalOffset, ComparisonVerdict.Equal, Count), (row.Alignment, row.Verdict, row.ComparedCount));
        Assert.Contains("the difference side", row.AlignmentReason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task G2_each_partition_is_aligned_by_what_it_supports_and_the_topic_tells_the_weakest()
    {
        Put("orders", Enumerable.Range(0, Count).Select(Record), Enumerable.Range(0, Count).Select(Record));
        await Scenario.BackUpAsync(BackupScenario.Asked("orders"));
        Scenario.Cluster.DeleteRecords("orders", 1, Count);
        Scenario.Cluster.Append("orders", 1, Enumerable.Range(0, Count).Select(Record));

        var rows = await CompareAsync(
            new CompareSettings
            {
                Reference = Stored,
                Difference = Live,
                Topics = ["orders"],
            }
        );

        Assert.Equal([AlignMode.Offset, AlignMode.Position, AlignMode.Position], rows.Select(r => r.Alignment));
        Assert.Equal(rows[1].AlignmentReason, rows[2].AlignmentReason);
        Assert.All(rows, r => Assert.True(r.Equal));
    }

    [Fact]
    public async Task G3_rows_come_in_the_order_of_topics_and_partitions_each_topic_with_its_own_row_last()
    {
        // The first partitions have by far the most to read, so others are done long before them.
        var topics = new[] { "a", "b", "c" };
        foreach (var topic in topics)
        {
            Put(topic, Enumerable.Range(0, 20_000).Select(Record), [Record(1)], [Record(2)], [], [Record(3)]);
        }

        var rows = await CompareAsync(
            new CompareSettings
            {
                Reference = Live,
                Difference = Live,
                Topics = topics,
                DifferenceTopics = ["c", "a", "b"],
            }
        );

        int?[] each = [0, 1, 2, 3, 4, null];
        Assert.Equal(topics.SelectMany(t => each.Select(p => (t, p))), rows.Select(r => (r.Topic, r.Partition)));
        Assert.All(rows, r => Assert.True(r.Equal));
    }

    [Fact]
    public async Task G3_a_sides_digest_is_of_its_own_records_whatever_the_other_side_holds()
    {
        // Large enough for several pages; the sides part in the middle of one.
        var records = Enumerable.Range(0, 9_000).Select(Record).ToArray();
        var changed = records.Select((r, i) => i == 5_000 ? r with { Value = [1] } : r).ToArray();
        Put("left", records);
        Put("right", changed);
        var asked = Asked("left", "right") with { Align = AlignMode.Position };

        var different = (await CompareAsync(asked))[0];
        var left = (await CompareAsync(asked with { DifferenceTopics = ["left"] }))[0];
        var right = (await CompareAsync(asked with { Topics = ["right"] }))[0];

        Assert.Equal((left.ReferenceDigest, right.ReferenceDigest), (different.ReferenceDigest, different.DifferenceDigest));
        Assert.Equal((left.ReferenceDigest, right.ReferenceDigest), (left.DifferenceDigest, right.DifferenceDigest));
        Assert.NotEqual(different.ReferenceDigest, different.DifferenceDigest);
    }

    private async Task PurgeAndFillAsync(Func<int, LocalRecord> record)
    {
        Put("orders", Enumerable.Range(0, Count).Select(Record));
        await Scenario.BackUpAsync(BackupScenario.Asked("orders"));
        Scenario.Cluster.DeleteRecords("orders", 0, Count);
        Scenario.Cluster.Append("orders", 0, Enumerable.Range(0, Count).Select(record));
    }
}
