using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.Engine.Tests.Cluster;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>The progress that transactional restores keep in the target: lost, finished, and taken over.</summary>
public sealed class MarksTests
{
    private const string Group = "kafkabackup-restore-b";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task H5_a_resume_whose_progress_in_the_target_is_gone_is_refused_with_force_too(bool all)
    {
        await using var scenario = await OwnershipTests.TwoPartitionsAsync(3000);
        scenario.Target.CreateTopic("target", 2);
        var settings = OwnershipTests.Into("target", DeliveryMode.Transactional) with { CheckpointPath = scenario.CheckpointPath };
        await StopAsync(scenario, settings);
        await DeleteMarksAsync(scenario, all ? [0, 1] : [1]);

        foreach (var force in (bool[])[false, true])
        {
            var refused = await scenario.RefusedAsync(settings with { Force = force });
            Assert.Equal(ErrorIds.CheckpointMismatch, refused.Definition);
            Assert.Contains($"had 2 target partitions; the progress of only {(all ? 0 : 1)}", refused.Message, StringComparison.Ordinal);
            Assert.Contains(scenario.CheckpointPath, refused.Advice, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task E2_a_finished_restore_leaves_no_progress_and_deletes_no_offset_of_its_group()
    {
        await using var scenario = await FaultTests.FilledAsync(300);
        await scenario.RestoredAsync(RestoreScenario.Asked() with { Delivery = DeliveryMode.Transactional });

        scenario.AssertNoProgress();
        Assert.Empty(scenario.Target.Requests.Of(ApiKey.OffsetDelete, ApiKey.DeleteGroups));

        // The next restore is a new one.
        var again = await scenario.RestoredAsync(RestoreScenario.Asked() with { Delivery = DeliveryMode.Transactional, Force = true });
        Assert.Equal((false, 300L), (again.Resumed, again.RecordCount));
        Assert.Equal(600, scenario.Restored("orders", committedOnly: true).Count);
    }

    [Fact]
    public async Task E2_a_restore_that_was_taken_over_says_so_at_once()
    {
        await using var scenario = await FaultTests.FilledAsync(3000);
        var settings = RestoreScenario.Asked() with { Delivery = DeliveryMode.Transactional };
        await FaultTests.StopAtAsync(scenario, settings, 500);
        await using var late = await scenario.PlanAsync(settings);
        await scenario.RestoredAsync(settings);
        scenario.Target.Requests.Clear();

        var refused = await Assert.ThrowsAsync<KafkaBackupException>(() => late.RunAsync(scenario.Cancel));

        Assert.Equal(ErrorIds.ProducerFenced, refused.Definition);
        Assert.Contains("taken over", refused.Message, StringComparison.Ordinal);
        Assert.Single(scenario.Target.Requests.Of(ApiKey.InitProducerId));
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Theory]
    [InlineData(DeliveryMode.Idempotent, true, false)]
    [InlineData(DeliveryMode.Idempotent, true, true)]
    [InlineData(DeliveryMode.Transactional, true, true)]
    [InlineData(DeliveryMode.Transactional, false, false)]
    [InlineData(DeliveryMode.Transactional, false, true)]
    public async Task E2_a_forced_resume_goes_on_without_the_records_that_were_deleted(DeliveryMode delivery, bool checkpoint, bool all)
    {
        await using var scenario = await FaultTests.FilledAsync(5000);
        var settings = RestoreScenario.Asked() with { Delivery = delivery, CheckpointPath = checkpoint ? scenario.CheckpointPath : null };
        await FaultTests.StopAtAsync(scenario, settings, 1000);
        scenario.Target.DeleteRecords("orders", 0, all ? scenario.Target.LogEnd("orders") : 400);

        var refused = (await scenario.RestoreAsync(settings)).Partitions.Single();
        Assert.Equal(nameof(ErrorIds.TargetChanged), refused.ErrorId);
        Assert.Contains("retention", scenario.Events.Errors.Last().Advice, StringComparison.Ordinal);

        var resumed = await scenario.RestoredAsync(settings with { Force = true });
        scenario.AssertEqual("orders", only: r => r.Offset >= (all ? resumed.RecordsSkippedOnResume : 400), committedOnly: true);
        Assert.Contains(scenario.Events.Warnings, w => w.Contains("have been deleted since", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(ReadFaultKind.OutOfRange, null)]
    [InlineData(ReadFaultKind.BadMessage, nameof(ErrorIds.PartitionRead))]
    public async Task E2_a_fault_while_the_target_is_read_is_not_taken_for_a_strangers_record(ReadFaultKind fault, string? expected)
    {
        await using var scenario = await FaultTests.FilledAsync(3000);
        var settings = RestoreScenario.Asked() with { Delivery = DeliveryMode.Transactional };
        await FaultTests.StopAtAsync(scenario, settings, 500);
        scenario.WrapCluster = inner => new ClusterDouble(inner) { Reader = r => new ReaderDouble(r, refusals: 1, refusal: fault) };

        var partition = (await scenario.RestoreAsync(settings)).Partitions.Single();

        Assert.Equal(expected, partition.ErrorId);
        Assert.Equal(expected is null ? PartitionStatus.Complete : PartitionStatus.Failed, partition.Status);
    }

    [Fact]
    public async Task E2_with_force_a_strangers_open_transaction_is_a_warning()
    {
        var clock = new ShiftingClock();
        await using var scenario = await FaultTests.FilledAsync(300);
        scenario.Clock = clock;
        scenario.Target.CreateTopic("orders");
        await using var cluster = ClusterTesting.Connect(scenario.Target);
        using var stranger = cluster.OpenWriter(new WriterOptions("stranger"));
        stranger.Open(new KafkaBackup.TopicPartition("orders", 0), 0);
        await stranger.InitTransactionsAsync(scenario.Cancel);
        stranger.BeginTransaction();
        ClusterTesting.Send(stranger, 0, "open", 1);
        ClusterTesting.Drain(stranger, new CollectingReports());

        var running = scenario.RestoredAsync(RestoreScenario.Asked() with { Delivery = DeliveryMode.Transactional, Force = true });
        while (!running.IsCompleted)
        {
            clock.Shift(TimeSpan.FromSeconds(2));
            await Task.WhenAny(running, Task.Delay(200));
        }

        Assert.Equal(300, (await running).RecordCount);
        Assert.Contains(
            scenario.Events.Warnings,
            w => w.Contains("a transaction of another producer is open from offset 0", StringComparison.Ordinal)
        );
        Assert.DoesNotContain(scenario.Events.Warnings, w => w.Contains("not of this restore", StringComparison.Ordinal));
    }

    private static async Task StopAsync(RestoreScenario scenario, RestoreSettings settings)
    {
        using var stop = new CancellationTokenSource();
        var running = scenario.RestoreAsync(settings with { RecordsPerSecond = 800 }, stop.Token);
        await scenario.Source.WaitAsync(() => scenario.Target.LogEnd("target", 0) > 200, "some records");
        await stop.CancelAsync();
        Assert.Equal(RestoreStatus.Stopped, (await running).Status);
    }

    private static async Task DeleteMarksAsync(RestoreScenario scenario, int[] partitions)
    {
        await using var cluster = KafkaCluster.Connect(
            new ClusterSettings { BootstrapServers = [scenario.Target.BootstrapServers] },
            scenario.Events
        );
        await cluster.DeleteGroupOffsetsAsync(
            Group,
            partitions.Select(p => new KafkaBackup.TopicPartition("target", p)).ToArray(),
            scenario.Cancel
        );
    }
}
