using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;
using static KafkaBackup.Engine.Tests.Backup.FollowingTests;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>Backups that run until they are stopped.</summary>
public sealed class ContinuousTests
{
    [Fact]
    public async Task B10_nothing_is_committed_while_nothing_changes()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        using var stop = new CancellationTokenSource();
        var running = scenario.BackUpAsync(Following(), stop.Token);
        await scenario.WaitAsync(async () => await HasHeadAsync(scenario) && (await scenario.ManifestAsync()).Complete, "the first pass");
        await Task.Delay(300);
        var generation = (await scenario.ManifestAsync()).Generation;
        await Task.Delay(1200);

        Assert.Equal(generation, (await scenario.ManifestAsync()).Generation);
        await stop.CancelAsync();
        await running;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task B8_B10_a_pass_that_could_not_be_proven_is_not_committed_as_complete(bool heals)
    {
        await using var scenario = new BackupScenario { Clock = new FastClock(20) };
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        var away = false;
        scenario.WrapCluster = c => new ClusterDouble(c)
        {
            BatchReader = r =>
            {
                away = true;
                return r;
            },
            Description = d => away ? throw ErrorIds.ClusterUnreachable.With("The cluster is away.", "cluster") : d,
        };
        using var stop = new CancellationTokenSource();
        var running = scenario.BackUpAsync(Following(), stop.Token);
        await scenario.WaitAsync(
            () => scenario.Events.Warnings.Any(w => w.Contains("goes on when the cluster is back", StringComparison.Ordinal)),
            "the pass after the first"
        );

        var manifest = await scenario.ManifestAsync();
        Assert.Equal((false, 0), (manifest.Complete, manifest.Topics["orders"].Partitions[0].Segments.Count));
        if (heals)
        {
            away = false;
            await CountAsync(scenario, "orders", 0, 10);
        }

        await stop.CancelAsync();
        var result = await running;

        Assert.Equal(heals ? BackupStatus.Stopped : BackupStatus.Failed, result.Status);
        Assert.Equal(heals, (await scenario.ManifestAsync()).Complete);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task B13_a_first_pass_that_is_cut_short_is_committed_and_continued(bool byStop)
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 5000);
        using var stop = new CancellationTokenSource();
        var slowly = Following() with
        {
            RecordsPerSecond = 500,
            SegmentMaxInterval = TimeSpan.FromMinutes(10),
            Duration = byStop ? null : TimeSpan.FromSeconds(4),
        };
        var running = scenario.BackUpAsync(slowly, stop.Token);
        if (byStop)
        {
            await scenario.ReadingAsync();
            await stop.CancelAsync();
        }

        var result = await running;
        var expected = byStop ? BackupStatus.Stopped : BackupStatus.Incomplete;
        Assert.Equal(expected, result.Status);
        Assert.InRange(result.RecordCount, 1, 4999);
        Assert.Equal(expected, (await scenario.ManifestAsync()).Runs[^1].State);
        Assert.Equal(5000 - result.RecordCount, (await scenario.BackUpAsync()).RecordCount);
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 100)]
    public async Task B13_a_stop_while_the_groups_are_read_is_a_stop_and_no_failure(int atListing, long stored)
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100);
        using var stop = new CancellationTokenSource();
        var listings = 0;
        scenario.WrapCluster = c => new ClusterDouble(c)
        {
            BeforeGroups = async cancel =>
            {
                if (++listings == atListing)
                {
                    await stop.CancelAsync();
                    await Task.Delay(Timeout.Infinite, cancel);
                }
            },
        };

        var result = await scenario.BackUpAsync(Following(), stop.Token);

        Assert.Equal((BackupStatus.Stopped, stored), (result.Status, result.RecordCount));
        Assert.Equal(BackupStatus.Stopped, (await scenario.ManifestAsync()).Runs[^1].State);
        Assert.Equal(100 - stored, (await scenario.BackUpAsync()).RecordCount);
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task B10_group_offsets_are_taken_again_without_any_new_record()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        scenario.Cluster.CommitOffset("readers", "orders", 0, 3);
        using var stop = new CancellationTokenSource();
        var running = scenario.BackUpAsync(Following(), stop.Token);
        await CountAsync(scenario, "orders", 0, 10);
        scenario.Cluster.CommitOffset("readers", "orders", 0, 9, "nine");

        await scenario.WaitAsync(
            async () => (await scenario.ManifestAsync()).GroupSnapshots[^1].Groups is [{ Offsets: [{ Offset: 9, Metadata: "nine" }] }],
            "the group's new offset"
        );
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task B10_a_cluster_that_goes_away_is_waited_for()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        using var stop = new CancellationTokenSource();
        var running = scenario.BackUpAsync(Following(), stop.Token);
        await CountAsync(scenario, "orders", 0, 10);

        await scenario.Cluster.StopBroker(1);
        await Task.Delay(1500);
        scenario.Cluster.StartBroker(1);
        scenario.Fill("orders", 10, 10);
        await CountAsync(scenario, "orders", 0, 20);
        await stop.CancelAsync();
        var result = await running;

        Assert.Equal(BackupStatus.Stopped, result.Status);
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task B10_a_topic_recreated_meanwhile_is_told_once_and_the_others_are_followed()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Cluster.CreateTopic("other");
        scenario.Fill("orders", 10);
        using var stop = new CancellationTokenSource();
        var running = scenario.BackUpAsync(Following(), stop.Token);
        await CountAsync(scenario, "orders", 0, 10);
        scenario.Cluster.RecreateTopic("orders");
        scenario.Fill("other", 5);
        await CountAsync(scenario, "other", 0, 5);
        await scenario.WaitAsync(() => !scenario.Events.Errors.IsEmpty, "the error");
        scenario.Fill("other", 5, 5);
        await CountAsync(scenario, "other", 0, 10);
        await stop.CancelAsync();
        var result = await running;

        Assert.Equal(BackupStatus.Incomplete, result.Status);
        Assert.Equal(nameof(ErrorIds.TopicRecreated), Assert.Single(scenario.Events.Errors).ErrorId);
    }

    [Fact]
    public async Task B4_a_broker_that_freezes_holds_up_a_continuous_backup_but_does_not_end_it()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        using var stop = new CancellationTokenSource();
        var running = scenario.BackUpAsync(Following(), stop.Token);
        await CountAsync(scenario, "orders", 0, 10);
        var frozen = scenario.Cluster.Faults.On(ApiKey.Fetch);
        frozen.Freeze();
        scenario.Fill("orders", 10, 10);
        await frozen.WaitForHits();
        await Task.Delay(500);
        Assert.Equal(10, (await scenario.StoredAsync("orders")).Count);
        frozen.Thaw();
        await CountAsync(scenario, "orders", 0, 20);
        await stop.CancelAsync();
        Assert.Equal(BackupStatus.Stopped, (await running).Status);
    }

    [Fact]
    public async Task B10_a_followed_topic_that_is_deleted_is_told_and_the_others_are_followed()
    {
        await using var scenario = new BackupScenario { Clock = new FastClock(15) };
        using var stop = new CancellationTokenSource();
        var running = await FollowTwoAsync(scenario, stop);
        scenario.Cluster.DeleteTopic("orders");

        await scenario.WaitAsync(
            () => scenario.Events.Warnings.Any(w => w.Contains("Topic orders is no longer in the cluster", StringComparison.Ordinal)),
            "the warning"
        );
        scenario.Fill("other", 5);
        await CountAsync(scenario, "other", 0, 5);
        await stop.CancelAsync();
        var result = await running;

        var finding = Assert.Single(result.Findings, f => f.Place == "orders");
        Assert.Equal((FindingSeverity.Warning, FindingKind.PartitionTrouble), (finding.Severity, finding.Kind));
        Assert.Single(scenario.Events.Warnings, w => w.Contains("Topic orders is no longer in the cluster", StringComparison.Ordinal));
        Assert.Empty(scenario.Events.Errors);
        Assert.Equal(10, (await scenario.StoredAsync("orders")).Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task B8_B10_a_followed_topic_that_is_deleted_and_created_again_is_not_continued_with_or_without_ids(bool withIds)
    {
        await using var scenario = new BackupScenario { Clock = new FastClock(15) };
        if (!withIds)
        {
            scenario.WrapCluster = c => new ClusterDouble(c) { Description = ClusterDouble.WithoutIds };
        }

        using var stop = new CancellationTokenSource();
        var running = await FollowTwoAsync(scenario, stop);
        scenario.Cluster.DeleteTopic("orders");
        await scenario.WaitAsync(() => !scenario.Events.Warnings.IsEmpty, "the warning");
        scenario.Cluster.CreateTopic("orders", 3);
        scenario.Fill("orders", 40, 1000);
        scenario.Fill("orders", 40, 1000, partition: 2);
        await scenario.WaitAsync(() => !scenario.Events.Errors.IsEmpty, "the error");
        scenario.Fill("other", 5);
        await CountAsync(scenario, "other", 0, 5);
        await stop.CancelAsync();
        var result = await running;

        Assert.Equal(BackupStatus.Incomplete, result.Status);
        Assert.Equal(nameof(ErrorIds.TopicRecreated), Assert.Single(scenario.Events.Errors).ErrorId);
        Assert.Equal(10, (await scenario.StoredAsync("orders")).Count);
        Assert.False((await scenario.ManifestAsync()).Topics["orders"].Partitions.ContainsKey(2));
    }

    [Fact]
    public async Task B10_a_topic_deleted_during_a_pass_is_not_asked_about_once_it_is_gone()
    {
        await using var scenario = new BackupScenario { Clock = new FastClock(15) };
        var isGone = false;
        scenario.WrapCluster = c => new ClusterDouble(c)
        {
            BatchReader = r =>
            {
                isGone = true;
                return r;
            },
            Description = d => isGone ? d with { Topics = d.Topics.Where(t => t.Key != "orders").ToDictionary() } : d,
        };
        using var stop = new CancellationTokenSource();
        var running = await FollowTwoAsync(scenario, stop);
        await scenario.WaitAsync(
            () => scenario.Events.Warnings.Any(w => w.Contains("Topic orders is no longer in the cluster", StringComparison.Ordinal)),
            "the warning"
        );
        scenario.Fill("other", 5);
        await CountAsync(scenario, "other", 0, 5);
        var asked = Asked();
        for (var total = 10; total <= 20; total += 5)
        {
            scenario.Fill("other", 5, total);
            await CountAsync(scenario, "other", 0, total);
        }

        Assert.Equal(asked, Asked());
        Assert.Equal(10, (await scenario.StoredAsync("orders")).Count);
        await stop.CancelAsync();
        var result = await running;

        Assert.Equal(BackupStatus.Incomplete, result.Status);
        Assert.Equal(nameof(ErrorIds.TopicNotFound), result.Topics.Single(t => t.Topic == "orders").Partitions.Single().ErrorId);

        int Asked() => scenario.Events.VerboseLines.Count(line => line.Contains("Asking again", StringComparison.Ordinal));
    }

    private static async Task<Task<BackupResult>> FollowTwoAsync(BackupScenario scenario, CancellationTokenSource stop)
    {
        scenario.Cluster.CreateTopic("orders");
        scenario.Cluster.CreateTopic("other");
        scenario.Fill("orders", 10);
        var running = scenario.BackUpAsync(Following(), stop.Token);
        await CountAsync(scenario, "orders", 0, 10);
        return running;
    }
}
