using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>
/// Consumer groups' offsets when not everything can be seen: what can be is stored, what cannot is told, what was stored stays.
/// </summary>
public sealed class GroupSnapshotTests
{
    private static readonly string[] Names = [.. Enumerable.Range(10, 30).Select(i => $"group-{i}")];

    [Fact]
    public async Task B11_a_broker_that_does_not_list_its_groups_does_not_cost_those_of_the_others()
    {
        await using var scenario = WithGroups(brokers: 3);
        scenario.Cluster.Faults.On(ApiKey.ListGroups).Broker(2).Fail(ErrorCode.ClusterAuthorizationFailed);

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.InRange((await NewestAsync(scenario)).Groups.Count, 5, 29);
        var told = Assert.Single(result.Findings, f => f.Kind == FindingKind.ConsumerGroup);
        Assert.Equal("consumer groups", told.Place);
        Assert.Contains(scenario.Events.Warnings, w => w.Contains("Not all consumer groups could be listed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task B11_a_group_that_no_broker_lists_any_more_is_asked_for_by_its_name()
    {
        await using var scenario = WithGroups(brokers: 3);
        await scenario.BackUpAsync();
        Commit(scenario, 7);
        scenario.Cluster.Faults.On(ApiKey.ListGroups).Broker(2).Fail(ErrorCode.ClusterAuthorizationFailed);

        await scenario.BackUpAsync();

        var newest = await NewestAsync(scenario);
        Assert.Equal(Names, newest.Groups.Select(g => g.Group));
        Assert.All(newest.Groups, g => Assert.Equal((7L, null), (g.Offsets.Single().Offset, g.Offsets.Single().TakenAt)));
    }

    [Fact]
    public async Task B11_offsets_that_cannot_be_read_stay_as_the_earlier_run_stored_them_and_are_told_by_name()
    {
        await using var scenario = WithGroups();
        await scenario.BackUpAsync();
        var before = await NewestAsync(scenario);
        Commit(scenario, 7);
        scenario.Cluster.Deny(ApiKey.OffsetFetch, "group-11");
        scenario.Cluster.Deny(ApiKey.FindCoordinator, "group-11");

        var result = await scenario.BackUpAsync();

        var newest = await NewestAsync(scenario);
        Assert.Equal(Names, newest.Groups.Select(g => g.Group));
        Assert.Equal(("group-11", 3L), (Old(newest).Group, Old(newest).Offsets.Single().Offset));
        Assert.Equal(before.TakenAt, Old(newest).Offsets.Single().TakenAt);
        var told = Assert.Single(result.Findings, f => f.Kind == FindingKind.ConsumerGroup);
        Assert.Equal("group-11", told.Place);
        Assert.Contains("that an earlier run stored are kept", told.Message, StringComparison.Ordinal);

        // Still unreadable in a third run: the time it is from does not move.
        await scenario.BackUpAsync();
        Assert.Equal(before.TakenAt, Old(await NewestAsync(scenario)).Offsets.Single().TakenAt);

        scenario.Cluster.AllowAll();
        await scenario.BackUpAsync();
        Assert.All(
            (await NewestAsync(scenario)).Groups,
            g => Assert.Equal((7L, null), (g.Offsets.Single().Offset, g.Offsets.Single().TakenAt))
        );
    }

    [Fact]
    public async Task B11_a_group_deleted_at_the_source_leaves_and_one_whose_topic_was_deleted_stays()
    {
        await using var scenario = WithGroups();
        scenario.Cluster.CreateTopic("lost");
        scenario.Fill("lost", 10);
        scenario.Cluster.CommitOffset("group-10", "lost", 0, 4, "note");
        scenario.Cluster.CommitOffset("only-lost", "lost", 0, 9);
        await scenario.BackUpAsync();
        scenario.Cluster.DeleteTopic("lost");
        await using (var client = scenario.Client())
        {
            await client.DeleteGroupOffsetsAsync("group-12", [new TopicPartition("orders", 0)], scenario.Cancel);
        }

        await scenario.BackUpAsync();

        var newest = await NewestAsync(scenario);
        Assert.Equal(Names.Where(n => n != "group-12").Append("only-lost"), newest.Groups.Select(g => g.Group));
        Assert.Equal([("lost", 4L, "note"), ("orders", 3L, "")], newest.Groups[0].Offsets.Select(o => (o.Topic, o.Offset, o.Metadata)));
        Assert.True(newest.Groups[0].Offsets[0].TakenAt < newest.TakenAt);
        Assert.Null(newest.Groups[0].Offsets[1].TakenAt);
        await foreach (
            var shown in scenario.Engine().GetBackupsAsync(new StoreSettings { Path = scenario.StorePath }, null, null, scenario.Cancel)
        )
        {
            Assert.Equal(newest.Groups[0].Offsets[0].TakenAt, shown.ConsumerGroups[0].Offsets[0].TakenAt);
        }
    }

    [Fact]
    public async Task B11_a_recreated_topic_does_not_replace_the_positions_in_the_old_one()
    {
        await using var scenario = WithGroups();
        scenario.Cluster.CreateTopic("other");
        await scenario.BackUpAsync();
        scenario.Cluster.RecreateTopic("orders");
        Commit(scenario, 1);

        await scenario.BackUpAsync();

        Assert.All((await NewestAsync(scenario)).Groups, g => Assert.Equal(3, g.Offsets.Single().Offset));
    }

    [Fact]
    public async Task B11_a_broker_lost_before_the_groups_are_taken_costs_none_whose_coordinator_moved()
    {
        await using var scenario = WithGroups(brokers: 3);
        await using var planned = await scenario.PlanAsync(BackupScenario.Asked());
        await scenario.Cluster.StopBroker(scenario.Cluster.AliveBrokers.First(b => b != scenario.Cluster.LeaderOf("orders", 0)));

        var result = await planned.RunAsync(scenario.Cancel).WaitAsync(BackupScenario.Limit);

        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Equal(Names, (await NewestAsync(scenario)).Groups.Select(g => g.Group));
    }

    [Fact]
    public async Task B11_coordinators_without_any_broker_are_told_although_no_broker_says_so()
    {
        await using var scenario = WithGroups(brokers: 2);
        scenario.Cluster.CreateTopic("__consumer_offsets", 4);
        await scenario.Cluster.StopBroker(scenario.Cluster.AliveBrokers.First(b => b != scenario.Cluster.LeaderOf("orders", 0)));

        var result = await scenario.BackUpAsync();

        Assert.Contains(
            result.Findings,
            f => f.Message.Contains("2 of 4 partitions of __consumer_offsets have no leader", StringComparison.Ordinal)
        );
        Assert.Equal(Names, (await NewestAsync(scenario)).Groups.Select(g => g.Group));
    }

    private static BackupScenario WithGroups(int brokers = 1)
    {
        var scenario = new BackupScenario(brokers);
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        Commit(scenario, 3);
        return scenario;
    }

    private static void Commit(BackupScenario scenario, long offset)
    {
        foreach (var name in Names)
        {
            scenario.Cluster.CommitOffset(name, "orders", 0, offset);
        }
    }

    private static async Task<GroupSnapshot> NewestAsync(BackupScenario scenario) => (await scenario.ManifestAsync()).GroupSnapshots[^1];

    private static GroupEntry Old(GroupSnapshot snapshot) => Assert.Single(snapshot.Groups, g => g.Offsets.Any(o => o.TakenAt is not null));
}
