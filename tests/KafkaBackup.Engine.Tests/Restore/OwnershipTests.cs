using KafkaBackup.Engine.Restore;
using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;
using KafkaBackup.Testing;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>
/// Who may write to a target partition now: two restores at once, one after another, one that wakes up late, and strangers.
/// </summary>
public sealed class OwnershipTests
{
    private const int Rounds = 50;

    public static TheoryData<DeliveryMode> Modes => new() { DeliveryMode.Idempotent, DeliveryMode.Transactional };

    [Fact]
    public async Task E3_a_checkpoint_that_another_restore_uses_is_refused()
    {
        await using var scenario = await FaultTests.FilledAsync(6000);
        var settings = RestoreScenario.Asked() with { CheckpointPath = scenario.CheckpointPath };
        var first = scenario.RestoredAsync(settings with { RecordsPerSecond = 2000 });
        await FaultTests.ReachedAsync(scenario, 500);

        var refused = await Assert.ThrowsAsync<KafkaBackupException>(() => scenario.RestoreAsync(settings));

        Assert.Equal(ErrorIds.CheckpointInUse, refused.Definition);
        Assert.Equal(6000, (await first).RecordCount);
        scenario.AssertEqual("orders");
        Assert.Empty(Directory.GetFiles(scenario.Folder, "checkpoint*"));
    }

    [Fact]
    public void E3_of_many_that_want_a_checkpoint_at_once_one_has_it()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("checkpoint.json");
        var (holders, most, taken) = (0, 0, 0);
        Parallel.For(
            0,
            2000,
            new ParallelOptions { MaxDegreeOfParallelism = 8 },
            _ =>
            {
                try
                {
                    using var held = CheckpointLock.Take(path);
                    most = Math.Max(most, Interlocked.Increment(ref holders));
                    Interlocked.Increment(ref taken);
                    Thread.Yield();
                    Interlocked.Decrement(ref holders);
                }
                catch (KafkaBackupException error)
                {
                    Assert.Equal(ErrorIds.CheckpointInUse, error.Definition);
                }
            }
        );

        Assert.Equal(1, most);
        Assert.InRange(taken, 1, 2000);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void E3_a_file_that_is_no_lock_of_ours_is_left_alone(bool link)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("checkpoint.json");
        File.WriteAllText(folder.File("victim"), "mine");
        if (link)
        {
            File.CreateSymbolicLink(path + ".lock", folder.File("victim"));
        }
        else
        {
            File.Copy(folder.File("victim"), path + ".lock");
        }

        Assert.Equal(ErrorIds.CheckpointWrite, Assert.Throws<KafkaBackupException>(() => CheckpointLock.Take(path)).Definition);

        Assert.Equal("mine", File.ReadAllText(path + ".lock"));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task E2_what_was_planned_before_another_restore_ended_is_refused(DeliveryMode delivery)
    {
        await using var scenario = await TwoPartitionsAsync(300);
        foreach (var create in (bool[])[false, true])
        {
            var settings = Into(create ? "created" : "present", delivery);
            if (!create)
            {
                scenario.Target.CreateTopic("present", 2);
            }

            await using var late = await scenario.PlanAsync(settings);
            await scenario.RestoredAsync(settings);

            var refused =
                create ? nameof(ErrorIds.TopicCreation)
                : delivery == DeliveryMode.Transactional
                    ? (await Assert.ThrowsAsync<KafkaBackupException>(() => late.RunAsync(scenario.Cancel))).ErrorId
                : (await late.RunAsync(scenario.Cancel)).Single().Partitions.Select(p => p.ErrorId).Distinct().Single();
            if (create)
            {
                refused = (await Assert.ThrowsAsync<KafkaBackupException>(() => late.RunAsync(scenario.Cancel))).ErrorId;
            }

            Assert.Equal(create ? nameof(ErrorIds.TopicCreation) : nameof(ErrorIds.TargetChanged), refused);
            AssertExact(scenario, create ? "created" : "present");
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task E8_what_another_restore_brought_since_the_plan_is_not_emptied(DeliveryMode delivery)
    {
        await using var scenario = await TwoPartitionsAsync(300);
        scenario.Target.CreateTopic("target", 2);
        scenario.Target.Append("target", 0, LocalRecord.Of("old", "old"));
        var settings = Into("target", delivery) with { PurgeTopics = true, Force = true };
        await using var late = await scenario.PlanAsync(settings);
        await scenario.RestoredAsync(settings);

        var refused = await Assert.ThrowsAsync<KafkaBackupException>(() => late.RunAsync(scenario.Cancel));

        Assert.Equal(ErrorIds.TargetChanged, refused.Definition);
        AssertExact(scenario, "target");
    }

    [Fact]
    [Trait("Run", "Long")]
    public async Task E2_two_transactional_restores_begun_together_double_nothing()
    {
        await using var scenario = await TwoPartitionsAsync(400);
        var random = new Random(13);
        var (complete, exact) = (0, 0);
        await RoundsAsync(
            scenario,
            DeliveryMode.Transactional,
            random,
            async (topic, one, two) =>
            {
                complete += new[] { one, two }.Count(IsComplete);
                if (!IsComplete(one) && !IsComplete(two))
                {
                    // They shut each other out; what is there is a part of the whole, and goes on.
                    await scenario.RestoredAsync(Into(topic, DeliveryMode.Transactional));
                }

                AssertExact(scenario, topic);
                exact++;
            }
        );

        Assert.Equal(Rounds, exact);
        Assert.InRange(complete, 1, 2 * Rounds);
        scenario.AssertNoProgress();
    }

    [Fact]
    [Trait("Run", "Long")]
    public async Task E2_of_two_idempotent_restores_begun_together_one_at_least_says_that_it_met_the_other()
    {
        await using var scenario = await TwoPartitionsAsync(2);
        var random = new Random(3);
        var met = 0;
        await RoundsAsync(
            scenario,
            DeliveryMode.Idempotent,
            random,
            (topic, one, two) =>
            {
                Assert.False(IsComplete(one) && IsComplete(two), topic);
                var failed = new[] { one, two }.Where(r => !IsComplete(r)).ToArray();
                Assert.All(failed, f => Assert.Contains(f?.ErrorId, (string?[])[nameof(ErrorIds.TargetChanged)]));
                met += failed.Length;
                if (Enumerable.Range(0, 2).Any(p => scenario.Restored(topic, p).Count > 2))
                {
                    Assert.NotEmpty(failed);
                }

                return Task.CompletedTask;
            }
        );

        Assert.InRange(met, Rounds, 2 * Rounds);
    }

    [Fact]
    public async Task E2_a_restore_that_was_overtaken_does_not_take_another_partition_back()
    {
        await using var scenario = await TwoPartitionsAsync(4000);
        scenario.Target.CreateTopic("target", 2);
        var settings = Into("target", DeliveryMode.Transactional) with { MaxConcurrentPartitions = 1 };
        var older = scenario.RestoreAsync(settings with { RecordsPerSecond = 1500 });
        await scenario.Source.WaitAsync(() => scenario.Target.LogEnd("target", 0) > 500, "some records");

        await scenario.RestoredAsync(settings);
        var overtaken = await older;

        Assert.NotEqual(RestoreStatus.Complete, overtaken.Status);
        Assert.Contains(overtaken.Partitions, p => p.ErrorId == nameof(ErrorIds.ProducerFenced));
        AssertExact(scenario, "target");
        scenario.AssertNoProgress();
    }

    [Fact]
    public async Task E2_marks_of_a_part_of_the_partitions_are_not_taken_for_the_plan()
    {
        await using var scenario = await TwoPartitionsAsync(3000);
        scenario.Target.CreateTopic("target", 2);
        var settings = Into("target", DeliveryMode.Transactional);
        using var stop = new CancellationTokenSource();
        var running = scenario.RestoreAsync(settings with { RecordsPerSecond = 800 }, stop.Token);
        await scenario.Source.WaitAsync(() => scenario.Target.LogEnd("target", 0) > 200, "some records");
        await stop.CancelAsync();
        await running;
        await using (
            var cluster = Engine.Cluster.KafkaCluster.Connect(
                new ClusterSettings { BootstrapServers = [scenario.Target.BootstrapServers] },
                scenario.Events
            )
        )
        {
            await cluster.DeleteGroupOffsetsAsync("kafkabackup-restore-b", [new TopicPartition("target", 1)], scenario.Cancel);
        }

        var refused = await scenario.RefusedAsync(settings);

        Assert.Equal(ErrorIds.CheckpointMismatch, refused.Definition);
        Assert.Contains("had 2 target partitions; the progress of only 1", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task E2_a_strangers_record_during_a_transactional_run_is_noticed()
    {
        await using var scenario = await FaultTests.FilledAsync(12_000);
        var settings = RestoreScenario.Asked() with { Delivery = DeliveryMode.Transactional };
        var running = scenario.RestoreAsync(settings with { RecordsPerSecond = 3000 });
        await FaultTests.ReachedAsync(scenario, 1000);
        scenario.Target.Append("orders", 0, LocalRecord.Of("stranger", "x"));

        var result = await running;
        var resumed = await scenario.RestoreAsync(settings);

        Assert.All(
            [result, resumed],
            r => Assert.Equal((RestoreStatus.Failed, nameof(ErrorIds.TargetChanged)), (r.Status, r.Partitions.Single().ErrorId))
        );

        // Told that it may stay, the restore goes on beside it, and counts only what is its own.
        var forced = await scenario.RestoredAsync(settings with { Force = true });
        AssertMapped(scenario, forced, 12_000);
        Assert.Contains(scenario.Events.Warnings, w => w.Contains("not of this restore", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task E2_a_transactional_resume_counts_only_its_own_records(bool checkpoint)
    {
        await using var scenario = await FaultTests.FilledAsync(8000);
        var settings = RestoreScenario.Asked() with
        {
            Delivery = DeliveryMode.Transactional,
            Force = true,
            CheckpointPath = checkpoint ? scenario.CheckpointPath : null,
        };
        using var stop = new CancellationTokenSource();
        var running = scenario.RestoreAsync(settings with { RecordsPerSecond = 1000 }, stop.Token);
        for (var n = 1; n <= 3; n++)
        {
            await FaultTests.ReachedAsync(scenario, n * 500);
            scenario.Target.Append("orders", 0, LocalRecord.Of($"stranger {n}", "x"));
        }

        await stop.CancelAsync();
        Assert.Equal(RestoreStatus.Stopped, (await running).Status);
        scenario.Target.Append("orders", 0, LocalRecord.Of("stranger at the end", "x"));

        AssertMapped(scenario, await scenario.RestoredAsync(settings), 8000);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task E2_restored_records_that_were_deleted_since_are_noticed_by_a_resume(DeliveryMode delivery)
    {
        await using var scenario = await FaultTests.FilledAsync(5000);
        var settings = RestoreScenario.Asked() with { Delivery = delivery, CheckpointPath = scenario.CheckpointPath };
        await FaultTests.StopAtAsync(scenario, settings, 1000);
        scenario.Target.DeleteRecords("orders", 0, 400);

        var result = await scenario.RestoreAsync(settings);

        Assert.Equal((RestoreStatus.Failed, nameof(ErrorIds.TargetChanged)), (result.Status, result.Partitions.Single().ErrorId));
        Assert.Contains("begins at offset 400", result.Partitions.Single().ErrorMessage, StringComparison.Ordinal);
        await scenario.RestoredAsync(settings with { Force = true });
        scenario.AssertEqual("orders", only: r => r.Offset >= 400, committedOnly: true);
    }

    [Fact]
    public void E2_no_two_backups_share_a_transactional_id()
    {
        var ids = new[] { ("a", "b-c"), ("a-b", "c"), ("a-b-c", "c"), ("a", "b-c-0") }.Select(x => Id(x.Item1, x.Item2));

        Assert.Equal(4, ids.Distinct().Count());
        Assert.StartsWith("kafkabackup-restore-a-", Id("a", "b-c"), StringComparison.Ordinal);

        static string Id(string backup, string topic) => TransactionalMarks.TransactionalId(backup, new TopicPartition(topic, 0));
    }

    internal static bool IsComplete(Ending? ending) => ending?.Result?.Status == RestoreStatus.Complete;

    internal static RestoreSettings Into(string topic, DeliveryMode delivery) =>
        RestoreScenario.Asked() with
        {
            Delivery = delivery,
            TopicMapping = new Dictionary<string, string> { ["orders"] = topic },
        };

    internal static async Task<RestoreScenario> TwoPartitionsAsync(int each)
    {
        var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders", partitions: 2);
        scenario.Source.Fill("orders", each, partition: 0);
        scenario.Source.Fill("orders", each, 10_000, partition: 1);
        await scenario.Source.BackUpAsync();
        return scenario;
    }

    internal static void AssertExact(RestoreScenario scenario, string topic)
    {
        scenario.AssertEqual("orders", 0, topic, committedOnly: true);
        scenario.AssertEqual("orders", 1, topic, committedOnly: true);
    }

    /// <summary>All pairs are planned while their targets are empty; then each pair runs, the second a moment later.</summary>
    private static async Task RoundsAsync(
        RestoreScenario scenario,
        DeliveryMode delivery,
        Random random,
        Func<string, Ending, Ending, Task> look
    )
    {
        var topics = Enumerable.Range(0, Rounds).Select(i => $"t{i}").ToArray();
        foreach (var topic in topics)
        {
            scenario.Target.CreateTopic(topic, 2);
        }

        var plans = new List<PlannedOperation<IReadOnlyList<RestoreReport>, IReadOnlyList<RestoreResult>>>();
        foreach (var some in topics.SelectMany(t => (string[])[t, t]).Chunk(10))
        {
            plans.AddRange(await Task.WhenAll(some.Select(t => scenario.PlanAsync(Into(t, delivery)))));
        }

        for (var i = 0; i < Rounds; i++)
        {
            var one = EndAsync(plans[2 * i], scenario.Cancel);
            await Task.Delay(random.Next(i < Rounds / 2 ? 40 : 900));
            var two = EndAsync(plans[(2 * i) + 1], scenario.Cancel);
            await look(topics[i], await one, await two);
        }
    }

    private static async Task<Ending> EndAsync(
        PlannedOperation<IReadOnlyList<RestoreReport>, IReadOnlyList<RestoreResult>> plan,
        CancellationToken cancel
    )
    {
        await using (plan)
        {
            try
            {
                return new Ending((await plan.RunAsync(cancel)).Single(), null);
            }
            catch (KafkaBackupException error)
            {
                return new Ending(null, error.ErrorId);
            }
        }
    }

    /// <summary>Every record of the backup is where the mapping says.</summary>
    private static void AssertMapped(RestoreScenario scenario, RestoreResult result, int records)
    {
        var places = scenario
            .Target.Read("orders")
            .Where(r => !r.IsControl && !r.IsAborted)
            .ToDictionary(r => r.Offset, r => System.Text.Encoding.UTF8.GetString(r.Value!));
        var pairs = result
            .OffsetMapping.Single()
            .Ranges.SelectMany(r => Enumerable.Range(0, (int)r.Length).Select(i => (Source: r.SourceStart + i, Target: r.TargetStart + i)))
            .ToArray();
        Assert.Equal(records, pairs.Length);
        Assert.All(pairs, p => Assert.Equal($"v{p.Source}", places[p.Target]));
    }

    internal sealed record Ending(RestoreResult? Result, string? Refused)
    {
        public string? ErrorId => Refused ?? Result?.Partitions.Select(p => p.ErrorId).FirstOrDefault(e => e is not null);
    }
}
