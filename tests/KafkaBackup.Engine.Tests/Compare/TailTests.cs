using System.Globalization;
using System.Text;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Compare;

/// <summary>The biggest common tail, and records that were restored more than once.</summary>
public sealed class TailTests : ComparingTests
{
    private const int Count = 60;

    [Theory]
    [InlineData(1, true, Count)]
    [InlineData(1, false, Count)]
    [InlineData(25, true, Count)]
    [InlineData(55, true, Count)]
    [InlineData(1, true, 5)]
    public async Task G3_the_common_tail_begins_with_the_first_record_that_both_sides_have(int missing, bool inReference, int count)
    {
        var all = Enumerable.Range(0, count).Select(Record).ToArray();
        Put("left", inReference ? all.Skip(missing) : all);
        Put("right", inReference ? all : all.Skip(missing));
        var common = Asked("left", "right") with { CommonTail = true, Align = AlignMode.Position };

        var row = (await CompareAsync(common))[0];

        Assert.Equal((ComparisonVerdict.Equal, count - missing, (long)count - missing), (row.Verdict, row.ComparedCount, row.CommonTail));
        Assert.Equal(inReference ? (0, missing) : (missing, 0), (row.ReferenceOnlyTail, row.DifferenceOnlyTail));
        Assert.Equal(row.ReferenceDigest, row.DifferenceDigest);

        var few = (await CompareAsync(common with { MaxRecords = 3 }))[0];
        Assert.Equal((ComparisonVerdict.Equal, 3), (few.Verdict, few.ComparedCount));
        Assert.Equal(ComparisonVerdict.Different, (await CompareAsync(common with { CommonTail = false }))[0].Verdict);
    }

    [Fact]
    public async Task G3_a_difference_behind_the_first_common_record_is_still_found()
    {
        var all = Enumerable.Range(0, Count).Select(Record).ToArray();
        Put("left", all);
        Put("right", all.Skip(2).Select((r, i) => i == 4 ? r with { Value = [1] } : r));

        var row = (await CompareAsync(Asked("left", "right") with { CommonTail = true }))[0];

        Assert.Equal((ComparisonVerdict.Different, 4L, 6L), (row.Verdict, row.CommonTail, row.FirstDifference!.ReferenceOffset));
    }

    [Fact]
    public async Task G3_sides_that_have_nothing_in_common_are_different()
    {
        Put("left", Enumerable.Range(0, Count).Select(Record));
        Put("right", Enumerable.Range(Count, Count).Select(Record));

        var row = (await CompareAsync(Asked("left", "right") with { CommonTail = true }))[0];

        Assert.Equal((ComparisonVerdict.Different, 0L), (row.Verdict, row.CommonTail));
    }

    [Theory]
    [InlineData(AlignMode.Offset)]
    [InlineData(AlignMode.OriginalOffset)]
    public async Task G3_older_records_of_one_side_do_not_count_where_numbers_align(AlignMode align)
    {
        Put("left", Enumerable.Range(0, Count).Select(i => WithOrigin(Record(i), i)));
        Put("right", Enumerable.Range(0, Count).Select(i => WithOrigin(Record(i), i)));
        Scenario.Cluster.DeleteRecords("right", 0, 1);
        var asked = Asked("left", "right") with { Align = align };

        Assert.Equal(ComparisonVerdict.TailOnly, (await CompareAsync(asked))[0].Verdict);
        var row = (await CompareAsync(asked with { CommonTail = true }))[0];

        Assert.Equal((ComparisonVerdict.Equal, Count - 1L, 1), (row.Verdict, row.CommonTail, row.ReferenceOnlyTail));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task G2_a_topic_restored_twice_equals_its_grandparent(bool reversed)
    {
        // Restored first to offsets that begin at 10, then to some that begin at 0 again.
        var first = Enumerable.Range(0, Count).Select(Record).ToArray();
        Put("first", first);
        Scenario.Cluster.DeleteRecords("first", 0, 5);
        var second = first.Skip(5).Select((r, i) => WithOrigin(r, i + 5)).ToArray();
        Put("second", [.. Enumerable.Repeat(Record(1), 10), .. second]);
        Scenario.Cluster.DeleteRecords("second", 0, 10);
        Put("third", second.Select((r, i) => WithOrigin(r, i + 10)));

        (string, string)[] pairs = [("first", "second"), ("second", "third"), ("first", "third")];
        foreach (var (left, right) in pairs)
        {
            var row = (await CompareAsync(reversed ? Asked(right, left) : Asked(left, right)))[0];
            Assert.Equal((ComparisonVerdict.Equal, AlignMode.OriginalOffset, Count - 5), (row.Verdict, row.Alignment, row.ComparedCount));
        }

        Scenario.Cluster.Append("third", 0, LocalRecord.Of("more", "x") with { Headers = [.. Number(Count), .. Number(Count + 5)] });
        Assert.Equal(ComparisonVerdict.HeadOnly, (await CompareAsync(Asked("first", "third")))[0].Verdict);
    }

    private static IEnumerable<(string, byte[]?)> Number(int offset) =>
        [
            ("x-original-offset", Encoding.UTF8.GetBytes(offset.ToString(CultureInfo.InvariantCulture))),
            ("x-original-timestamp", Encoding.UTF8.GetBytes($"{Origin}")),
        ];
}
