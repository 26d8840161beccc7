using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Cluster;

/// <summary>
/// A quota of the cluster on reading. The local broker has it as brokers before Kafka 2.6 did: what is larger than the window's bytes is
/// never sent.
/// </summary>
[Trait("Run", "Long")]
public sealed class QuotaTests
{
    private const int Records = 400;
    private const int RecordBytes = 2_000;

    [Fact]
    public async Task B4_a_user_whose_reads_are_held_back_by_a_quota_is_backed_up_all_the_same()
    {
        await using var scenario = HeldBack();
        Limit(scenario.Cluster);

        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Complete, (long)Records), (result.Status, result.RecordCount));
        Assert.Contains(scenario.Events.Warnings, l => l.StartsWith("A quota on this user", StringComparison.Ordinal));
        Assert.DoesNotContain(scenario.Events.VerboseLines, l => l.Contains("has delivered nothing", StringComparison.Ordinal));
        await scenario.AssertStoredIsSourceAsync("orders", 0);
        await scenario.AssertStoredIsSourceAsync("orders", 1);
    }

    [Fact]
    public async Task B4_a_quota_that_begins_in_the_middle_of_a_run_leaves_no_hole_and_doubles_nothing()
    {
        // More than the first fetch brings, which goes free; what is left does not fit the quota's window.
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        for (var i = 0; i < 2000; i += 10)
        {
            scenario.Cluster.Append(
                "orders",
                0,
                Enumerable.Range(i, 10).Select(n => LocalRecord.Of($"k{n}", new string('v', 10_000), 1_700_000_000_000 + n))
            );
        }

        scenario.Cluster.LimitReading(bytesPerSecond: 4_000_000, window: TimeSpan.FromMilliseconds(400), free: 1);

        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Complete, 2000L), (result.Status, result.RecordCount));
        Assert.Contains(scenario.Events.Warnings, l => l.StartsWith("A quota on this user", StringComparison.Ordinal));
        Assert.Single((await scenario.PartitionAsync("orders")).Segments);
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task F1_a_user_whose_reads_are_held_back_by_a_quota_can_read_ranges_all_the_same()
    {
        await using var scenario = HeldBack();
        Limit(scenario.Cluster);
        await using var cluster = ClusterTesting.Connect(scenario.Cluster);
        using var reader = new RangeReader(cluster, new ReaderOptions(IsolationLevel.ReadCommitted), scenario.Clock, scenario.Events);
        var offsets = new List<long>();

        await Task.Run(() =>
            reader.Read(
                new("orders", 0),
                0,
                Records / 2,
                DeletedRecords.Refuse,
                (in Engine.Records.RecordView record) =>
                {
                    offsets.Add(record.Offset);
                    return true;
                },
                scenario.Cancel
            )
        );

        Assert.Equal(Enumerable.Range(0, Records / 2).Select(i => (long)i), offsets);
    }

    [Fact]
    public void B4_being_held_back_is_no_stall_for_a_while_and_what_lasts_is_answered_by_asking_for_less()
    {
        var silence = new Silence();
        Give(silence, seconds: 19, isHeldBack: false);
        Give(silence, seconds: 19, isHeldBack: true);
        Assert.Equal((false, false), (silence.IsStall, silence.AsksTooMuch(0)));

        Give(silence, seconds: 2, isHeldBack: true);
        Assert.Equal((false, true, false), (silence.IsStall, silence.AsksTooMuch(0), silence.AsksTooMuch(1)));
        Give(silence, seconds: 2, isHeldBack: false);
        Assert.True(silence.IsStall);

        silence.End();
        Give(silence, seconds: 299, isHeldBack: true);
        Assert.False(silence.IsStall);
        Give(silence, seconds: 25, isHeldBack: true);
        Assert.True(silence.IsStall);
        silence.AskedAnew();
        Give(silence, seconds: 21, isHeldBack: true);
        Assert.True(silence.IsStall);
    }

    [Fact]
    public void B4_of_several_brokers_that_hold_back_the_longest_counts()
    {
        var clock = new Testing.ManualClock();
        var watch = new ThrottleWatch(clock);
        Assert.False(watch.IsHeldBack);
        watch.HeldBack(TimeSpan.FromSeconds(100));
        watch.HeldBack(TimeSpan.FromSeconds(1));

        clock.Advance(TimeSpan.FromSeconds(99));
        Assert.True(watch.IsHeldBack);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.False(watch.IsHeldBack);
    }

    private static void Give(Silence silence, int seconds, bool isHeldBack)
    {
        for (var i = 0; i < seconds * 10; i++)
        {
            // A poll that took longer was held up by our own side.
            silence.Add(TimeSpan.FromSeconds(1), isHeldBack);
        }
    }

    private static BackupScenario HeldBack()
    {
        var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders", 2);
        for (var i = 0; i < Records; i += 10)
        {
            scenario.Cluster.Append(
                "orders",
                i % 20 / 10,
                Enumerable.Range(i, 10).Select(n => LocalRecord.Of($"k{n}", new string('v', RecordBytes), 1_700_000_000_000 + n))
            );
        }

        return scenario;
    }

    /// <summary>800 KB there are in all, and the window holds 160.</summary>
    private static void Limit(LocalCluster cluster) =>
        cluster.LimitReading(bytesPerSecond: 400_000, window: TimeSpan.FromMilliseconds(400));
}
