using System.Text.RegularExpressions;
using Confluent.Kafka;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>What an error advises is carried out to the letter, and then the restore works.</summary>
public sealed partial class BeginAgainTests
{
    [Theory]
    [InlineData(DeliveryMode.Idempotent, false, true)]
    [InlineData(DeliveryMode.Idempotent, false, false)]
    [InlineData(DeliveryMode.Idempotent, true, true)]
    [InlineData(DeliveryMode.Idempotent, true, false)]
    [InlineData(DeliveryMode.Transactional, false, true)]
    [InlineData(DeliveryMode.Transactional, false, false)]
    [InlineData(DeliveryMode.Transactional, true, true)]
    [InlineData(DeliveryMode.Transactional, true, false)]
    public async Task E2_after_a_strangers_record_the_advice_of_the_error_works(DeliveryMode delivery, bool checkpoint, bool purge)
    {
        await using var scenario = await OwnershipTests.TwoPartitionsAsync(3000);
        scenario.Target.CreateTopic("target", 2);
        var settings = Into(scenario, delivery, checkpoint);
        var running = scenario.RestoreAsync(settings with { RecordsPerSecond = 1500 });
        await scenario.Source.WaitAsync(() => scenario.Target.LogEnd("target", 0) > 300, "some records");
        scenario.Target.Append("target", 0, LocalRecord.Of("stranger", "x"));
        var failed = await running;
        Assert.Contains(failed.Partitions, p => p.ErrorId == nameof(ErrorIds.TargetChanged));

        var advice = scenario.Events.Errors.First(e => e.Definition == ErrorIds.TargetChanged).Advice;
        await scenario.RestoredAsync(await FollowAsync(scenario, settings, advice, purge));

        OwnershipTests.AssertExact(scenario, "target");
    }

    [Theory]
    [InlineData(DeliveryMode.Idempotent, true, true)]
    [InlineData(DeliveryMode.Idempotent, true, false)]
    [InlineData(DeliveryMode.Transactional, false, true)]
    [InlineData(DeliveryMode.Transactional, false, false)]
    [InlineData(DeliveryMode.Transactional, true, true)]
    [InlineData(DeliveryMode.Transactional, true, false)]
    public async Task E2_after_a_deletion_in_the_target_the_advice_of_the_error_works(DeliveryMode delivery, bool checkpoint, bool purge)
    {
        await using var scenario = await OwnershipTests.TwoPartitionsAsync(3000);
        scenario.Target.CreateTopic("target", 2);
        var settings = Into(scenario, delivery, checkpoint);
        using var stop = new CancellationTokenSource();
        var running = scenario.RestoreAsync(settings with { RecordsPerSecond = 800 }, stop.Token);
        await scenario.Source.WaitAsync(() => scenario.Target.LogEnd("target", 0) > 300, "some records");
        await stop.CancelAsync();
        Assert.Equal(RestoreStatus.Stopped, (await running).Status);
        scenario.Target.DeleteRecords("target", 0, 200);
        var failed = await scenario.RestoreAsync(settings);
        Assert.Contains(failed.Partitions, p => p.ErrorId == nameof(ErrorIds.TargetChanged));

        var advice = scenario.Events.Errors.First(e => e.Definition == ErrorIds.TargetChanged).Advice;
        await scenario.RestoredAsync(await FollowAsync(scenario, settings, advice, purge));

        OwnershipTests.AssertExact(scenario, "target");
    }

    /// <summary>What is refused before its first record is refused by the next run too, and not taken for that run's own.</summary>
    [Fact]
    public async Task E2_a_partition_that_was_not_begun_is_no_resumes_own()
    {
        await using var scenario = await OwnershipTests.TwoPartitionsAsync(3000);
        scenario.Target.CreateTopic("target", 2);
        var settings = Into(scenario, DeliveryMode.Idempotent, checkpoint: true);
        await using (var planned = await scenario.PlanAsync(settings))
        {
            scenario.Target.Append("target", 0, LocalRecord.Of("stranger", "x"));
            var result = (await planned.RunAsync(scenario.Cancel)).Single();
            Assert.Equal([nameof(ErrorIds.TargetChanged), null], result.Partitions.Select(p => p.ErrorId));
        }

        var refused = await scenario.RefusedAsync(settings);
        Assert.Contains("partitions of topic target are not empty", refused.Message, StringComparison.Ordinal);

        // As that error advises.
        Assert.Contains("-Purge -Force", refused.Advice, StringComparison.Ordinal);
        await scenario.RestoredAsync(settings with { PurgeTopics = true, Force = true });
        OwnershipTests.AssertExact(scenario, "target");
    }

    private static RestoreSettings Into(RestoreScenario scenario, DeliveryMode delivery, bool checkpoint) =>
        OwnershipTests.Into("target", delivery) with
        {
            CheckpointPath = checkpoint ? scenario.CheckpointPath : null,
        };

    /// <param name="purge">The first of the two ways that the advice names, or the second.</param>
    private static async Task<RestoreSettings> FollowAsync(RestoreScenario scenario, RestoreSettings settings, string advice, bool purge)
    {
        var steps = advice[advice.IndexOf("To begin again, ", StringComparison.Ordinal)..];
        var checkpoint = Checkpoint().Match(steps);
        Assert.Equal(settings.CheckpointPath is not null, checkpoint.Success);
        if (checkpoint.Success)
        {
            Assert.True(File.Exists(checkpoint.Groups[1].Value));
            File.Delete(checkpoint.Groups[1].Value);
        }

        var group = Group().Match(steps);
        Assert.Equal(settings.Delivery == DeliveryMode.Transactional, group.Success);
        if (group.Success)
        {
            using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = scenario.Target.BootstrapServers }).Build();
            await admin.DeleteGroupsAsync([group.Groups[1].Value]);
        }

        if (purge)
        {
            Assert.Contains("run with -Purge -Force", steps, StringComparison.Ordinal);
            return settings with { PurgeTopics = true, Force = true };
        }

        Assert.Contains("or delete the target topics instead", steps, StringComparison.Ordinal);
        scenario.Target.DeleteTopic("target");
        return settings;
    }

    [GeneratedRegex(@"the checkpoint (\S+?)(?: and|,)")]
    private static partial Regex Checkpoint();

    [GeneratedRegex(@"the consumer group (\S+?),")]
    private static partial Regex Group();
}
