using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Cluster;

/// <summary>A quota of the cluster on reading. The local broker has it as brokers before Kafka 2.6 did: what is larger than the window's bytes is never sent.</summary>
public sealed class QuotaTests
{
    private const int Records = 400;
    private const int RecordBytes = 2_000;

    [Fact(Timeout = 180_000)]
    public async Task B4_a_user_whose_reads_are_held_back_by_a_quota_is_backed_up_all_the_same()
    {
        await using var scenario = HeldBack();

        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Complete, (long)Records), (result.Status, result.RecordCount));
        Assert.Contains(scenario.Events.VerboseLines, l => l.Contains("its quota", StringComparison.Ordinal));
        await scenario.AssertStoredIsSourceAsync("orders", 0);
        await scenario.AssertStoredIsSourceAsync("orders", 1);
    }

    [Fact(Timeout = 180_000)]
    public async Task F1_a_user_whose_reads_are_held_back_by_a_quota_can_read_ranges_all_the_same()
    {
        await using var scenario = HeldBack();
        await using var cluster = ClusterTesting.Connect(scenario.Cluster);
        using var reader = new RangeReader(cluster, new ReaderOptions(IsolationLevel.ReadCommitted), TimeProvider.System, scenario.Events);
        var offsets = new List<long>();

        await Task.Run(() => reader.Read(
            new("orders", 0), 0, Records / 2, DeletedRecords.Refuse,
            (in Engine.Records.RecordView record) =>
            {
                offsets.Add(record.Offset);
                return true;
            },
            scenario.Cancel));

        Assert.Equal(Enumerable.Range(0, Records / 2).Select(i => (long)i), offsets);
    }

    [Fact]
    public void B4_being_held_back_is_no_stall_and_only_what_lasts_is_answered_by_asking_for_less()
    {
        var clock = new Testing.ManualClock();
        var watch = new ThrottleWatch(clock);
        Assert.Equal(TimeSpan.FromSeconds(1), watch.Count(TimeSpan.FromSeconds(1)));

        watch.HeldBack(TimeSpan.FromSeconds(8));
        Assert.Equal(TimeSpan.Zero, watch.Count(TimeSpan.FromSeconds(8)));
        Assert.False(watch.AsksTooMuch);
        clock.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(TimeSpan.FromSeconds(1), watch.Count(TimeSpan.FromSeconds(1)));

        watch.BeginAnew();
        for (var i = 0; i < 3; i++)
        {
            Assert.False(watch.AsksTooMuch);
            watch.HeldBack(TimeSpan.FromSeconds(1));
        }

        Assert.True(watch.AsksTooMuch);
        watch.BeginAnew();
        watch.HeldBack(TimeSpan.FromMinutes(1));
        _ = watch.Count(TimeSpan.FromSeconds(21));
        Assert.True(watch.AsksTooMuch);
    }

    private static BackupScenario HeldBack()
    {
        var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders", 2);
        for (var i = 0; i < Records; i += 10)
        {
            scenario.Cluster.Append("orders", i % 20 / 10, Enumerable.Range(i, 10).Select(n => LocalRecord.Of($"k{n}", new string('v', RecordBytes), 1_700_000_000_000 + n)));
        }

        // 800 KB in all, of which the window holds 160.
        scenario.Cluster.LimitReading(bytesPerSecond: 400_000, window: TimeSpan.FromMilliseconds(400));
        return scenario;
    }
}
