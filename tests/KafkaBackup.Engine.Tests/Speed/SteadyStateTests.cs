using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;
using Xunit;

namespace KafkaBackup.Engine.Tests.Speed;

/// <summary>The process's allocations are counted, so nothing else may run meanwhile.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "Alone";
}

/// <summary>What keeps the data paths fast, as counts that are the same on every machine: no clock is looked at.</summary>
[Trait("Run", "Long")]
[Collection(AloneCollection.Name)]
public sealed class SteadyStateTests
{
    private const int ValueBytes = 20;
    private const int Few = 200_000;
    private const int More = 600_000;

    /// <summary>
    /// Two sizes: what a run costs whatever it holds falls out. What is left is the engine's and, as it runs in this process, the broker's;
    /// others can only add to it, so the least of a few tries counts.
    /// </summary>
    [Fact]
    public async Task A_backup_allocates_less_than_eight_bytes_a_record()
    {
        await using var scenario = new BackupScenario();
        Fill(scenario, "few", Few);
        Fill(scenario, "more", Few + More);

        await AssertSteadyAsync(
            async (topic, expected) =>
            {
                var result = await scenario.BackUpAsync(BackupScenario.Asked(topic) with { BackupId = $"{topic}-{Guid.NewGuid():n}" });
                Assert.Equal(expected, result.RecordCount);
            },
            // How many buffers answers arrive in depends on timing; the smallest object for a record would be three times this.
            most: 8 * More
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_comparison_allocates_less_than_a_byte_a_record(bool withBackup)
    {
        await using var scenario = new BackupScenario();
        foreach (var suffix in new[] { "", "-copy" })
        {
            Fill(scenario, "few" + suffix, Few);
            Fill(scenario, "more" + suffix, Few + More);
        }

        await scenario.BackUpAsync(BackupScenario.Asked("few", "more"));
        var live = new CompareSide { Cluster = new ClusterSettings { BootstrapServers = [scenario.Cluster.BootstrapServers] } };
        var stored = new CompareSide
        {
            Store = new StoreSettings { Path = scenario.StorePath },
            BackupId = "b",
        };
        await AssertSteadyAsync(
            async (topic, expected) =>
            {
                var settings = new CompareSettings
                {
                    Reference = withBackup ? stored : live,
                    Difference = live,
                    Topics = [topic],
                    DifferenceTopics = [topic + "-copy"],
                };
                await foreach (var row in scenario.Engine().CompareAsync(settings, scenario.Cancel))
                {
                    Assert.True(row.Equal);
                    Assert.Equal(expected, row.ComparedCount);
                }
            }
        );
    }

    [Fact]
    public async Task A_restore_allocates_less_than_a_byte_a_record()
    {
        const int Few = 200_000;
        const int More = 600_000;
        await using var scenario = new BackupScenario();
        Fill(scenario, "few", Few);
        Fill(scenario, "more", Few + More);
        foreach (var topic in new[] { "few", "more" })
        {
            await scenario.BackUpAsync(BackupScenario.Asked(topic) with { BackupId = topic });
        }

        await RestoredAsync(scenario, "few", Few);
        var least = long.MaxValue;
        for (var attempt = 0; attempt < 4 && least >= More; attempt++)
        {
            var few = await RestoredAsync(scenario, "few", Few);
            least = Math.Min(least, await RestoredAsync(scenario, "more", Few + More) - few);
        }

        Assert.True(least < More, $"{More} records more cost {least} bytes more.");
    }

    [Fact]
    public async Task D3_a_restore_of_a_narrow_window_reads_the_blocks_that_can_match_and_little_else()
    {
        const int Records = 800_000;
        await using var scenario = new BackupScenario();
        Fill(scenario, "wide", Records);
        var settings = BackupScenario.Asked("wide") with { Compression = CompressionKind.None };
        var stored = (await scenario.BackUpAsync(settings)).StoredBytes;
        Assert.True(stored > 10 << 20, $"{stored} bytes are too few for this test.");

        CountingStore? counting = null;
        scenario.Wrap = store => counting = new CountingStore(store);
        var window = new RestoreSettings
        {
            BackupId = "b",
            Store = new StoreSettings { Path = scenario.StorePath },
            Target = new ClusterSettings { BootstrapServers = [scenario.Cluster.BootstrapServers] },
            TopicMapping = new Dictionary<string, string> { ["wide"] = "narrow" },
            CheckpointPath = scenario.StorePath + ".checkpoint",
            CreateTopics = true,
            TimeWindowStart = 1_700_000_000_000 + (Records / 2),
            TimeWindowEnd = 1_700_000_000_000 + (Records / 2) + 9,
        };
        await using var planned = await scenario.Engine().PlanRestoreAsync([window], scenario.Cancel);
        var result = (await planned.RunAsync(scenario.Cancel).WaitAsync(BackupScenario.Limit))[0];

        Assert.Equal(10, result.RecordCount);
        var read = counting!.Counts.BytesRead;

        // The plan counts the window's records, the restore sends them: each may read a block or two beside index and manifest.
        Assert.InRange(read, 1, 6 << 20);
        Assert.True(read < stored / 2, $"{read} bytes of {stored} were read for ten records.");
    }

    /// <param name="run">Handles a topic of so many records.</param>
    private static async Task AssertSteadyAsync(Func<string, int, Task> run, long most = More)
    {
        await run("few", Few);
        var least = long.MaxValue;
        for (var attempt = 0; attempt < 4 && least >= most; attempt++)
        {
            var few = await AllocatedAsync(() => run("few", Few));
            least = Math.Min(least, await AllocatedAsync(() => run("more", Few + More)) - few);
        }

        Assert.True(least < most, $"{More} records more cost {least} bytes more.");
    }

    private static async Task<long> AllocatedAsync(Func<Task> run)
    {
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await run();
        return GC.GetTotalAllocatedBytes(precise: true) - before;
    }

    private static async Task<long> RestoredAsync(BackupScenario scenario, string topic, int expected)
    {
        var target = $"{topic}-{Guid.NewGuid():n}";
        var settings = new RestoreSettings
        {
            BackupId = topic,
            Store = new StoreSettings { Path = scenario.StorePath },
            Target = new ClusterSettings { BootstrapServers = [scenario.Cluster.BootstrapServers] },
            TopicMapping = new Dictionary<string, string> { [topic] = target },
            CheckpointPath = scenario.StorePath + "." + target,
            CreateTopics = true,

            // The broker in this process allocates a kilobyte or so for each request: few of them, so that it is the records that count.
            ProduceBatchSize = 10_000,
        };
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await using var planned = await scenario.Engine().PlanRestoreAsync([settings], scenario.Cancel);
        var result = (await planned.RunAsync(scenario.Cancel).WaitAsync(BackupScenario.Limit))[0];
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.Equal(expected, result.RecordCount);
        return allocated;
    }

    private static void Fill(BackupScenario scenario, string topic, int count)
    {
        scenario.Cluster.CreateTopic(topic, 1);
        var value = new string('v', ValueBytes);
        for (var next = 0; next < count; next += 10_000)
        {
            scenario.Cluster.Append(
                topic,
                0,
                Enumerable.Range(next, 10_000).Select(i => LocalRecord.Of("k", value, 1_700_000_000_000 + i))
            );
        }
    }
}
