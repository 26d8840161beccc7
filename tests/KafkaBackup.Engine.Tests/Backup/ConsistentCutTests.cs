using KafkaBackup.LocalBroker;
using KafkaBackup.Testing;

namespace KafkaBackup.Engine.Tests.Backup;

public sealed class ConsistentCutTests
{
    private const long T = 1_700_000_000_000;

    [Fact]
    public async Task B9_all_partitions_are_cut_at_one_instant_and_late_records_are_counted_and_join_the_next_run()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("a");
        scenario.Cluster.CreateTopic("b");
        Put(scenario, "a", T - 10, T, T + 5, T - 3, T + 9);
        Put(scenario, "b", T - 100, T - 50);

        var result = await scenario.BackUpAsync(BackupScenario.Asked() with { ConsistentAt = new TimePoint(T) });

        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Equal([0L, 1L], (await scenario.StoredAsync("a")).Select(r => r.Offset));
        Assert.Equal([0L, 1L], (await scenario.StoredAsync("b")).Select(r => r.Offset));
        Assert.Equal(1, result.Topics.Single(t => t.Topic == "a").Partitions.Single().LateRecords);
        Assert.Equal(T, result.ConsistentAtMs);
        Assert.Equal(TimeSpan.FromMilliseconds(50), result.HeadSkew);
        Assert.Equal(3, (await scenario.BackUpAsync()).RecordCount);
        await scenario.AssertStoredIsSourceAsync("a");
    }

    [Fact]
    public async Task B9_a_transaction_open_across_the_cut_is_waited_for()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("a");
        var open = await scenario.TransactAsync("a", null, "x", "y");
        scenario.Fill("a", 3, 10);
        var ending = Task.Run(async () =>
        {
            await Task.Delay(700);
            await ((Engine.Cluster.IRecordWriter)open).CommitTransactionAsync(scenario.Cancel);
        });

        var result = await scenario.BackUpAsync(BackupScenario.Asked() with { ConsistentAt = new TimePoint(T + 11) });
        await ending;
        open.Dispose();

        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Equal([0L, 1L, 2L, 3L], (await scenario.StoredAsync("a")).Select(r => r.Offset));
        Assert.False(result.Topics.Single().Partitions.Single().HeldByTransaction);
        var said = Assert.Single(result.Findings);
        Assert.Equal((FindingSeverity.Information, "a"), (said.Severity, said.Place));
        Assert.Contains("had a transaction open across the cut, the first is a/0", said.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task B9_a_transaction_that_stays_open_is_waited_for_only_as_long_as_asked()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("a");
        using var open = await scenario.TransactAsync("a", null, "x", "y");
        scenario.Fill("a", 3, 10);

        var result = await scenario.BackUpAsync(
            BackupScenario.Asked() with
            {
                ConsistentAt = new TimePoint(T + 11),
                TransactionWait = TimeSpan.Zero,
            }
        );

        Assert.True(result.Topics.Single().Partitions.Single().HeldByTransaction);
        Assert.Empty(await scenario.StoredAsync("a"));
    }

    [Fact]
    [Trait("Run", "Long")]
    public async Task B9_a_transaction_that_ends_during_the_wait_is_in_all_its_partitions_or_in_none()
    {
        await using var scenario = new BackupScenario(store: new KafkaBackup.Testing.Storage.MemoryStore());
        var whole = 0;
        await Parallel.ForAsync(
            0,
            60,
            new ParallelOptions { MaxDegreeOfParallelism = 6 },
            async (round, cancel) =>
            {
                var topic = $"t{round}";
                scenario.Cluster.CreateTopic(topic, 3);
                var transaction = scenario.Cluster.BeginTransaction();
                for (var partition = 0; partition < 3; partition++)
                {
                    transaction.Append(topic, partition, LocalRecord.Of("tx", "tx", T));
                }

                scenario.Cluster.Append(topic, 0, LocalRecord.Of("later", "later", T + 100));
                scenario.Cluster.Append(topic, 1, LocalRecord.Of("earlier", "earlier", T + 1));
                var running = scenario.BackUpAsync(
                    BackupScenario.Asked(topic) with
                    {
                        BackupId = topic,
                        ConsistentAt = new TimePoint(T + 50),
                    }
                );
                await Task.Delay(round * 9, cancel);
                transaction.Commit();
                Assert.Equal(BackupStatus.Complete, (await running).Status);

                var held = new List<bool>();
                for (var partition = 0; partition < 3; partition++)
                {
                    held.Add((await scenario.StoredAsync(topic, partition, topic)).Any(r => r.Offset == 0));
                }

                Assert.Single(held.Distinct());
                Interlocked.Add(ref whole, held[0] ? 1 : 0);
            }
        );
        Assert.True(whole > 0);
    }

    [Fact]
    public async Task B9_a_partition_whose_transaction_stays_open_is_named_with_its_two_offsets()
    {
        var clock = new ShiftingClock();
        await using var scenario = new BackupScenario { Clock = clock };
        scenario.Cluster.CreateTopic("a", 2);
        scenario.Fill("a", 3, partition: 0);
        var stays = scenario.Cluster.BeginTransaction();
        stays.Append("a", 0, LocalRecord.Of("stays", "open", T));

        // Committed, but in one of its partitions behind the open one's beginning. Its marker is later than the cut.
        var other = scenario.Cluster.BeginTransaction();
        other.Append("a", 0, LocalRecord.Of("other", "0", T + 1));
        other.Append("a", 1, LocalRecord.Of("other", "1", T + 1));
        other.Commit();

        var running = scenario.BackUpAsync(BackupScenario.Asked() with { ConsistentAt = new TimePoint(T + 50) });
        while (!running.IsCompleted)
        {
            clock.Shift(TimeSpan.FromSeconds(5));
            await Task.WhenAny(running, Task.Delay(50));
        }

        var result = await running;
        var warning = Assert.Single(result.Findings, f => f.Severity == FindingSeverity.Warning);
        Assert.Equal("a/0", warning.Place);
        Assert.Contains("is backed up to offset 3", warning.Message, StringComparison.Ordinal);
        Assert.Contains("not to its cut at offset 5", warning.Message, StringComparison.Ordinal);
        Assert.Contains("--topic a --partition 0", warning.Advice, StringComparison.Ordinal);
        Assert.Equal([true, false], result.Topics.Single().Partitions.Select(p => p.HeldByTransaction));
        Assert.Equal(3, (await scenario.StoredAsync("a")).Count);
        Assert.Single(await scenario.StoredAsync("a", 1));
        stays.Commit();

        // The next run has the rest.
        Assert.Equal(2, (await scenario.BackUpAsync()).RecordCount);
        await scenario.AssertStoredIsSourceAsync("a");
    }

    [Fact]
    public async Task B9_now_is_the_instant_at_which_the_plan_is_made()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("a");
        Put(scenario, "a", T, DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeMilliseconds());

        var result = await scenario.BackUpAsync(BackupScenario.Asked() with { ConsistentAt = TimePoint.Now });

        Assert.Equal(1, result.RecordCount);
    }

    [Fact]
    public async Task B9_the_future_continuous_mode_and_a_time_before_stored_data_are_refused()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("a");
        Put(scenario, "a", T, T + 10, T + 20);
        var future = new TimePoint(DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeMilliseconds());

        Assert.Equal(
            ErrorIds.ConsistentCutImpossible,
            (await scenario.RefusedAsync(BackupScenario.Asked() with { ConsistentAt = future })).Definition
        );
        Assert.NotNull(await scenario.RefusedAsync(BackupScenario.Asked() with { ConsistentAt = new TimePoint(T), Continuous = true }));
        await scenario.BackUpAsync();
        Assert.Equal(
            ErrorIds.ConsistentCutImpossible,
            (await scenario.RefusedAsync(BackupScenario.Asked() with { ConsistentAt = new TimePoint(T + 5) })).Definition
        );
    }

    private static void Put(BackupScenario scenario, string topic, params long[] times)
    {
        foreach (var time in times)
        {
            scenario.Cluster.Append(topic, 0, LocalRecord.Of("k", "v", time));
        }
    }
}
