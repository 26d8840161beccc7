using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.Engine.Tests.Verify;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing.Records;

namespace KafkaBackup.Engine.Tests.Compare;

/// <summary>Backups on both sides, and backups of the other tool.</summary>
public sealed class CompareBackupTests : ComparingTests
{
    private const int Count = 300;

    [Fact]
    public async Task G1_two_backups_of_one_topic_are_aligned_by_offset_and_told_apart()
    {
        Put("orders", Enumerable.Range(0, Count).Select(Record), Enumerable.Range(0, Count).Select(Record));
        await BackUpAsync("first");
        Scenario.Cluster.DeleteRecords("orders", 0, 10);
        Scenario.Cluster.Append("orders", 1, Enumerable.Range(Count, 5).Select(Record));
        await BackUpAsync("second");

        var rows = await CompareAsync(
            new CompareSettings
            {
                Reference = StoredAs("first"),
                Difference = StoredAs("second"),
                Topics = ["orders"],
            }
        );

        Assert.All(rows, r => Assert.Equal(AlignMode.Offset, r.Alignment));
        Assert.Equal([ComparisonVerdict.TailOnly, ComparisonVerdict.HeadOnly, ComparisonVerdict.TailOnly], rows.Select(r => r.Verdict));
        Assert.Equal((10, Count - 10), (rows[0].ReferenceOnlyTail, rows[0].ComparedCount));
        Assert.Equal((5, Count), (rows[1].DifferenceOnlyHead, rows[1].ComparedCount));
    }

    [Fact]
    public async Task G1_two_topics_of_one_backup_are_compared()
    {
        Put("left", Enumerable.Range(0, Count).Select(Record));
        Put("right", Enumerable.Range(0, Count).Select(i => i == 200 ? Record(i) with { Value = [9] } : Record(i)));
        await Scenario.BackUpAsync();

        var row = (
            await CompareAsync(
                new CompareSettings
                {
                    Reference = Stored,
                    Difference = Stored,
                    Topics = ["left"],
                    DifferenceTopics = ["right"],
                }
            )
        )[0];

        Assert.Equal((ComparisonVerdict.Different, AlignMode.Position, 200), (row.Verdict, row.Alignment, row.CommonTail));
        Assert.Equal((200, "Value"), (row.FirstDifference!.ReferenceOffset, row.FirstDifference.What));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task G1_K_a_backup_of_the_other_tool_is_compared_with_a_topic(bool withOriginalOffsets)
    {
        // The broker stamped these itself, which the other tool's format cannot say.
        Scenario.Cluster.CreateTopic("orders", 1, new Dictionary<string, string> { ["message.timestamp.type"] = "LogAppendTime" });
        Scenario.Cluster.Append("orders", 0, Enumerable.Range(0, Count).Select(Record));
        var source = Scenario.Source("orders");
        var stored = source
            .Select(r =>
                withOriginalOffsets
                    ? r with
                    {
                        Headers = [.. r.Headers, Eight("x-original-offset", r.Offset), Eight("x-original-timestamp", r.Timestamp)],
                    }
                    : r
            )
            .ToArray();
        await ForeignBackup.PutAsync(Scenario.Store, "foreign", stored);
        var settings = new CompareSettings
        {
            Reference = StoredAs("foreign"),
            Difference = Live,
            Topics = ["orders"],
        };

        var equal = (await CompareAsync(settings))[0];
        stored[123] = stored[123] with { Key = null };
        await ForeignBackup.PutAsync(Scenario.Store, "changed", stored);
        var different = (await CompareAsync(settings with { Reference = StoredAs("changed") }))[0];

        Assert.All(source, r => Assert.Equal(TimestampKind.LogAppendTime, r.TimestampKind));
        Assert.Equal((ComparisonVerdict.Equal, Count), (equal.Verdict, equal.ComparedCount));
        Assert.Equal(withOriginalOffsets ? AlignMode.OriginalOffset : AlignMode.Position, equal.Alignment);
        Assert.Equal(("Key", 123), (different.FirstDifference!.What, different.FirstDifference.DifferenceOffset));
    }

    [Fact]
    public async Task G1_K_a_backup_of_the_other_tool_is_compared_with_one_of_ours()
    {
        Put("orders", Enumerable.Range(0, Count).Select(Record));
        await BackUpAsync("ours");
        await ForeignBackup.PutAsync(Scenario.Store, "foreign", [.. Scenario.Source("orders")]);

        var row = (
            await CompareAsync(
                new CompareSettings
                {
                    Reference = StoredAs("ours"),
                    Difference = StoredAs("foreign"),
                    Topics = ["orders"],
                }
            )
        )[0];

        Assert.Equal((ComparisonVerdict.Equal, Count), (row.Verdict, row.ComparedCount));
    }

    private static TestHeader Eight(string name, long number) =>
        new(System.Text.Encoding.ASCII.GetBytes(name), BitConverter.GetBytes(number));

    private Task<BackupResult> BackUpAsync(string id) => Scenario.BackUpAsync(BackupScenario.Asked("orders") with { BackupId = id });
}
