using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Restore;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>What goes wrong after the last record: the records are there, and the result says so.</summary>
public sealed class LateFaultTests
{
    [Fact]
    public async Task E3_a_report_that_cannot_be_written_is_an_error_beside_the_result()
    {
        await using var scenario = await FaultTests.FilledAsync(3000);
        var settings = RestoreScenario.Asked() with { CheckpointPath = scenario.CheckpointPath, OffsetReportPath = scenario.ReportPath };
        var running = scenario.RestoreAsync(settings with { RecordsPerSecond = 1500 });
        await FaultTests.ReachedAsync(scenario, 100);
        Directory.CreateDirectory(scenario.ReportPath);

        var result = await running;

        Assert.Equal((RestoreStatus.Incomplete, 3000L, null), (result.Status, result.RecordCount, result.OffsetReportPath));
        Assert.Equal(ErrorIds.StoreWrite, Assert.Single(scenario.Events.Errors).Definition);

        // Run again, the restore has nothing left to bring, and writes the report.
        Directory.Delete(scenario.ReportPath);
        Assert.Equal(0, (await scenario.RestoredAsync(settings)).RecordCount);
        Assert.True(File.Exists(scenario.ReportPath));
        Assert.False(File.Exists(scenario.CheckpointPath));
    }

    [Fact]
    public async Task E3_a_stop_during_the_group_reset_gives_the_result_and_the_next_run_sets_the_groups()
    {
        await using var scenario = await WithGroupAsync();
        var settings = RestoreScenario.Asked() with
        {
            CheckpointPath = scenario.CheckpointPath,
            OffsetStrategy = OffsetStrategy.HeaderBased,
            ResetConsumerOffsets = true,
            AllConsumerGroups = true,
        };
        using var stop = new CancellationTokenSource();
        var held = scenario.Target.Faults.On(ApiKey.OffsetCommit).Freeze();
        var running = scenario.RestoreAsync(settings, stop.Token);
        await held.WaitForHits(1, TimeSpan.FromMinutes(1));
        await stop.CancelAsync();

        var result = await running;
        held.Thaw();

        Assert.Equal((RestoreStatus.Stopped, 100L), (result.Status, result.RecordCount));
        Assert.Single((await scenario.RestoredAsync(settings)).GroupsReset);
    }

    [Fact]
    public void E3_a_checkpoint_that_cannot_be_deleted_is_an_error_with_its_path()
    {
        using var folder = new TemporaryFolder();

        var error = Assert.Throws<KafkaBackupException>(() => new CheckpointFile(folder.Path).Remove());

        Assert.Equal(ErrorIds.CheckpointWrite, error.Definition);
        Assert.Contains("is complete", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task E3_a_checkpoint_that_was_written_again_since_the_plan_is_refused()
    {
        await using var scenario = await FaultTests.FilledAsync(3000, batch: 100);
        var settings = RestoreScenario.Asked() with { CheckpointPath = scenario.CheckpointPath };
        await FaultTests.StopAtAsync(scenario, settings, 500);
        await using var late = await scenario.PlanAsync(settings);
        await FaultTests.StopAtAsync(scenario, settings, 1000);

        var refused = await Assert.ThrowsAsync<KafkaBackupException>(() => late.RunAsync(scenario.Cancel));

        Assert.Equal(ErrorIds.CheckpointMismatch, refused.Definition);
        Assert.Contains("was written again", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task F1_by_time_no_group_is_set_in_a_topic_that_stamps_records_itself(bool isThere)
    {
        await using var scenario = await WithGroupAsync();
        var brokers = new TopicConfig(
            TargetConfigRisks.TimestampType,
            TargetConfigRisks.LogAppendTime,
            IsDefault: true,
            IsSensitive: false,
            IsReadOnly: false
        );
        scenario.WrapCluster = inner => new ClusterDouble(inner) { Config = brokers };
        var settings = RestoreScenario.Asked() with
        {
            OffsetStrategy = OffsetStrategy.TimestampBased,
            ResetConsumerOffsets = true,
            AllConsumerGroups = true,
        };
        if (isThere)
        {
            scenario.Target.CreateTopic("orders");
            Assert.Contains("LogAppendTime", (await scenario.RefusedAsync(settings)).Message, StringComparison.Ordinal);
        }
        else
        {
            var result = await scenario.RestoreAsync(settings);
            Assert.Equal((RestoreStatus.Incomplete, 100L), (result.Status, result.RecordCount));
            Assert.Contains(
                "LogAppendTime",
                Assert.Single(scenario.Events.Errors, e => e.Definition == ErrorIds.GroupOffsets).Message,
                StringComparison.Ordinal
            );
        }

        Assert.Empty(scenario.Target.GroupNames);
    }

    private static async Task<RestoreScenario> WithGroupAsync()
    {
        var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        scenario.Source.Fill("orders", 100);
        scenario.Source.Cluster.CommitOffset("billing", "orders", 0, 70);
        await scenario.Source.BackUpAsync();
        return scenario;
    }
}
