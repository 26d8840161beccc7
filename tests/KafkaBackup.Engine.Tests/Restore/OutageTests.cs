using KafkaBackup.Engine.Restore;
using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;
using KafkaBackup.Testing;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>Whole clusters that go and come back while a restore writes to them.</summary>
public sealed class OutageTests
{
    public static TheoryData<DeliveryMode> Modes => new() { DeliveryMode.Idempotent, DeliveryMode.Transactional };

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task E6_all_brokers_may_stop_and_come_back(DeliveryMode delivery)
    {
        await using var scenario = await FaultTests.FilledAsync(12_000, targetBrokers: 2);
        var running = scenario.RestoredAsync(RestoreScenario.Asked() with { Delivery = delivery, RecordsPerSecond = 4000 });
        await FaultTests.ReachedAsync(scenario, 1000);
        await scenario.Target.StopBroker(1);
        await scenario.Target.StopBroker(2);
        await Task.Delay(1500);
        scenario.Target.StartBroker(2);
        scenario.Target.StartBroker(1);

        Assert.Equal(12_000, (await running).RecordCount);
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Run", "Long")]
    public async Task E6_brokers_that_do_not_know_the_topic_for_a_while_after_their_start_are_waited_for(DeliveryMode delivery)
    {
        await using var scenario = await FaultTests.FilledAsync(12_000);
        var running = scenario.RestoredAsync(RestoreScenario.Asked() with { Delivery = delivery, RecordsPerSecond = 3000 });
        await FaultTests.ReachedAsync(scenario, 1000);
        ApiKey[] apis = [ApiKey.Metadata, ApiKey.Produce, ApiKey.ListOffsets, ApiKey.AddPartitionsToTxn];
        var unknown = apis.Select(a => scenario.Target.Faults.On(a).Topic("orders").Fail(ErrorCode.UnknownTopicOrPartition)).ToArray();
        scenario.Target.DropConnections();
        await scenario.Source.WaitAsync(
            () => scenario.Events.Warnings.Any(w => w.StartsWith("Waiting for the target", StringComparison.Ordinal)),
            "the wait"
        );
        foreach (var fault in unknown)
        {
            fault.Remove();
        }

        Assert.Equal(12_000, (await running).RecordCount);
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Fact]
    [Trait("Run", "Long")]
    public async Task E6_a_coordinator_that_is_longer_away_than_a_request_waits_is_waited_for_twice()
    {
        await using var scenario = await FaultTests.FilledAsync(30_000, segment: 10_000);
        var running = scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                Delivery = DeliveryMode.Transactional,
                RecordsPerSecond = 2000,
            }
        );
        foreach (var committed in (bool[])[false, true])
        {
            await FaultTests.ReachedAsync(scenario, 1000);
            await scenario.Source.WaitAsync(
                () => !committed || scenario.Target.GroupOffsets("kafkabackup-restore-b").Values.Any(o => o.Offset > 0),
                "a commit"
            );
            scenario.Events.Warnings.Clear();

            // The transaction is lost, and the next writer asks for the mark.
            var moved = scenario.Target.Faults.On(ApiKey.OffsetFetch).Fail(ErrorCode.NotCoordinator);
            var lost = scenario.Target.Faults.On(ApiKey.TxnOffsetCommit).Once().Fail(ErrorCode.OffsetMetadataTooLarge);
            await lost.WaitForHits(1, TimeSpan.FromMinutes(1));
            await scenario.Source.WaitAsync(
                () => scenario.Events.Warnings.Any(w => w.StartsWith("Waiting for the target", StringComparison.Ordinal)),
                "the wait"
            );
            moved.Remove();
        }

        Assert.Equal(30_000, (await running).RecordCount);
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Fact]
    public async Task E6_unknown_counts_from_when_brokers_say_so_not_from_when_they_went_away()
    {
        var clock = new ShiftingClock();
        var patience = new TargetPatience(clock, new RecordingEvents());
        var away = ErrorIds.ClusterUnreachable.With("away", "t");
        var unknown = ErrorIds.TopicNotFound.With("unknown", "t");
        await patience.PauseAsync(away, default);
        clock.Shift(TimeSpan.FromMinutes(2));
        await patience.PauseAsync(unknown, default);
        clock.Shift(TimeSpan.FromSeconds(50));
        await patience.PauseAsync(unknown, default);
        clock.Shift(TimeSpan.FromSeconds(20));

        Assert.Same(unknown, await Assert.ThrowsAsync<KafkaBackupException>(() => patience.PauseAsync(unknown, default)));
        await patience.PauseAsync(away, default);
        clock.Shift(TimeSpan.FromMinutes(3));
        Assert.Same(away, await Assert.ThrowsAsync<KafkaBackupException>(() => patience.PauseAsync(away, default)));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Run", "Long")]
    public async Task E6_a_target_topic_that_is_deleted_is_named_when_it_stays_away(DeliveryMode delivery)
    {
        var clock = new ShiftingClock();
        await using var scenario = await FaultTests.FilledAsync(12_000);
        scenario.Clock = clock;
        var running = scenario.RestoreAsync(RestoreScenario.Asked() with { Delivery = delivery, RecordsPerSecond = 3000 });
        await FaultTests.ReachedAsync(scenario, 1000);
        scenario.Target.DeleteTopic("orders");
        await scenario.Source.WaitAsync(
            () => scenario.Events.Warnings.Any(w => w.StartsWith("Waiting for the target", StringComparison.Ordinal)),
            "the wait"
        );
        clock.Shift(TimeSpan.FromMinutes(2));

        var partition = (await running).Partitions.Single();
        Assert.True(partition.ErrorId == nameof(ErrorIds.TopicNotFound), $"{partition.ErrorId}: {partition.ErrorMessage}");
        Assert.Equal("Target partition orders/0 does not exist any more.", partition.ErrorMessage);
    }

    /// <summary>As after a restart of all brokers, when the client library asks for an end that never comes.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task E6_a_transaction_that_does_not_come_to_its_end_is_left_to_another_producer(bool carriedOut)
    {
        var clock = new ShiftingClock();
        await using var scenario = await FaultTests.FilledAsync(9000);
        scenario.Clock = clock;
        var running = scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                Delivery = DeliveryMode.Transactional,
                RecordsPerSecond = 3000,
            }
        );
        await FaultTests.ReachedAsync(scenario, 1);
        var ends = scenario.Target.Faults.On(ApiKey.EndTxn);
        var stuck = carriedOut ? ends.FailAfterHandling(ErrorCode.CoordinatorNotAvailable) : ends.Fail(ErrorCode.CoordinatorNotAvailable);
        await stuck.WaitForHits(2, TimeSpan.FromMinutes(1));
        clock.Shift(TimeSpan.FromSeconds(95));
        await scenario.Source.WaitAsync(
            () => scenario.Events.VerboseLines.Any(l => l.Contains("its producer is given up", StringComparison.Ordinal)),
            "the end of the writer"
        );
        stuck.Remove();

        Assert.Equal(9000, (await running).RecordCount);
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Theory]
    [InlineData(ApiKey.EndTxn, ErrorCode.CoordinatorNotAvailable)]
    [InlineData(ApiKey.AddOffsetsToTxn, ErrorCode.CoordinatorNotAvailable)]
    [InlineData(ApiKey.TxnOffsetCommit, ErrorCode.CoordinatorLoadInProgress)]
    [InlineData(ApiKey.InitProducerId, ErrorCode.CoordinatorNotAvailable)]
    [InlineData(ApiKey.Produce, ErrorCode.NotEnoughReplicas)]
    [Trait("Run", "Long")]
    public async Task E6_a_stop_ends_a_transactional_restore_whatever_its_brokers_do(ApiKey api, ErrorCode error)
    {
        var clock = new ShiftingClock();
        await using var scenario = await FaultTests.FilledAsync(9000);
        scenario.Clock = clock;
        var settings = RestoreScenario.Asked() with { Delivery = DeliveryMode.Transactional, RecordsPerSecond = 3000 };
        scenario.Target.CreateTopic("orders");
        await using var planned = await scenario.PlanAsync(settings);
        using var stop = new CancellationTokenSource();
        var stuck = scenario.Target.Faults.On(api).Skip(1).Fail(error);
        var running = planned.RunAsync(stop.Token);
        await stuck.WaitForHits(2);
        await stop.CancelAsync();
        while (!running.IsCompleted)
        {
            clock.Shift(TimeSpan.FromSeconds(2));
            await Task.WhenAny(running, Task.Delay(200));
        }

        Assert.Equal(RestoreStatus.Stopped, (await running).Single().Status);
        stuck.Remove();
        await scenario.RestoredAsync(settings);
        scenario.AssertEqual("orders", committedOnly: true);
    }
}
