using KafkaBackup.Engine.Tests.Backup;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>Several backups in one call: what they share, and what is left of their results when one of them does not end well.</summary>
public sealed class SeveralBackupsTests
{
    [Fact]
    public async Task E9_several_backups_with_one_checkpoint_or_report_are_refused()
    {
        await using var scenario = await TwoAsync(10);
        RestoreSettings[] shared = [new() { CheckpointPath = scenario.CheckpointPath }, new() { OffsetReportPath = scenario.ReportPath }];
        foreach (var one in shared)
        {
            var refused = await Assert.ThrowsAsync<KafkaBackupException>(() =>
                scenario.PlanAsync(one with { BackupId = "b" }, one with { BackupId = "c" })
            );
            Assert.Equal(ErrorIds.RestoreInvalid, refused.Definition);
            Assert.Contains((one.CheckpointPath ?? one.OffsetReportPath)!, refused.Message, StringComparison.Ordinal);
        }

        Assert.Empty(scenario.Target.TopicNames);
    }

    [Fact]
    public async Task F4_a_group_that_one_of_several_backups_has_is_enough()
    {
        await using var scenario = await TwoAsync(10);
        var asked = RestoreScenario.Asked() with
        {
            OffsetStrategy = OffsetStrategy.HeaderBased,
            ResetConsumerOffsets = true,
            ConsumerGroups = ["of-b", "of-c"],
        };

        await using (var planned = await scenario.PlanAsync(asked with { BackupId = "b" }, asked with { BackupId = "c" }))
        {
            Assert.DoesNotContain(planned.Plan.SelectMany(r => r.Findings), f => f.Severity == FindingSeverity.Error);
            Assert.Equal(2, (await planned.RunAsync(scenario.Cancel)).Sum(r => r.GroupsReset.Count));
        }

        asked = asked with { ConsumerGroups = ["of-b", "of-nobody"] };
        await using var missing = await scenario.PlanAsync(asked with { BackupId = "b" }, asked with { BackupId = "c" });
        Assert.All(
            missing.Plan,
            r =>
                Assert.Equal(
                    "of-nobody",
                    Assert.Single(r.Findings, f => f is { Severity: FindingSeverity.Error, Kind: FindingKind.ConsumerGroup }).Place
                )
        );
    }

    [Fact]
    public async Task E3_a_stop_during_the_first_backup_still_gives_its_result()
    {
        await using var scenario = await TwoAsync(3000);
        using var stop = new CancellationTokenSource();
        var asked = RestoreScenario.Asked() with { RecordsPerSecond = 300 };
        await using var planned = await scenario.PlanAsync(asked with { BackupId = "b" }, asked with { BackupId = "c" });
        var running = planned.RunAsync(stop.Token);
        await FaultTests.ReachedAsync(scenario, 100);
        await stop.CancelAsync();

        var stopped = Assert.Single(await running);

        Assert.Equal(("b", RestoreStatus.Stopped), (stopped.BackupId, stopped.Status));
        Assert.Contains(scenario.Events.Warnings, w => w.Contains("Backup 'c' was not restored", StringComparison.Ordinal));
    }

    [Fact]
    public async Task E3_a_later_backup_that_fails_does_not_take_the_results_before_it_along()
    {
        await using var scenario = await TwoAsync(10);
        var asked = RestoreScenario.Asked();
        await using var planned = await scenario.PlanAsync(asked with { BackupId = "b" }, asked with { BackupId = "c" });
        scenario.Target.CreateTopic("payments");

        var result = Assert.Single(await planned.RunAsync(scenario.Cancel));

        Assert.Equal(("b", RestoreStatus.Complete), (result.BackupId, result.Status));
        Assert.Equal(ErrorIds.TopicCreation, Assert.Single(scenario.Events.Errors).Definition);
    }

    /// <summary>Backup b has orders and the group of-b, backup c has payments and the group of-c.</summary>
    private static async Task<RestoreScenario> TwoAsync(int records)
    {
        var scenario = new RestoreScenario();
        foreach (var (id, topic) in ((string, string)[])[("b", "orders"), ("c", "payments")])
        {
            scenario.Source.Cluster.CreateTopic(topic);
            scenario.Source.Fill(topic, records);
            scenario.Source.Cluster.CommitOffset($"of-{id}", topic, 0, records / 2);
        }

        await scenario.Source.BackUpAsync(BackupScenario.Asked("orders"));
        await scenario.Source.BackUpAsync(BackupScenario.Asked("payments") with { BackupId = "c" });
        return scenario;
    }
}
