using Confluent.Kafka;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Tests.Cluster;

namespace KafkaBackup.Engine.Tests.Scenarios;

/// <summary>Topic, backup, restore: whatever was in the topic, the comparer says Equal, having compared every record.</summary>
[Trait("Run", "Long")]
public sealed class RoundTripTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private readonly KafkaBackup.Testing.RecordingEvents _events = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task E1_G5_generated_topics_come_back_equal_in_both_delivery_modes(int seed)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var folder = new KafkaBackup.Testing.TemporaryFolder();
        var mixed = ClusterFixture.NewName($"mixed-{seed}");
        var compacted = ClusterFixture.NewName($"compacted-{seed}");
        await using var client = KafkaCluster.Connect(Settings(), SilentEvents.Instance);
        var generated = new GeneratedTopics(client, seed, limit.Token);
        var seen = await generated.MixedAsync(mixed);
        await generated.CompactedAsync(compacted);
        cluster.Local?.Compact(compacted);
        await HolesAsync(client, compacted, limit.Token);

        var engine = new KafkaEngine(_events, folder.Path);
        var store = new StoreSettings { Path = folder.File("store") };
        await using (
            var backup = await engine.PlanBackupAsync(
                new BackupSettings
                {
                    BackupId = "b",
                    Source = Settings(),
                    Store = store,
                    Topics = [mixed, compacted],
                },
                limit.Token
            )
        )
        {
            Assert.Equal(BackupStatus.Complete, (await backup.RunAsync(limit.Token)).Status);
        }

        foreach (var delivery in Enum.GetValues<DeliveryMode>())
        {
            var names = new Dictionary<string, string> { [mixed] = $"{mixed}-{delivery}", [compacted] = $"{compacted}-{delivery}" };
            await using (
                var restore = await engine.PlanRestoreAsync(
                    [Restore(delivery, names) with { Store = store, Target = Settings() }],
                    limit.Token
                )
            )
            {
                var result = (await restore.RunAsync(limit.Token)).Single();
                Assert.True(result.Status == RestoreStatus.Complete, string.Join('\n', result.Partitions.Select(p => p.ErrorMessage)));
            }

            Assert.Equal(seen, await ComparedAsync(engine, mixed, names[mixed], 4, limit.Token));
            Assert.InRange(await ComparedAsync(engine, compacted, names[compacted], 1, limit.Token), 20, 399);
            await DeleteAsync(names.Values);
        }

        await DeleteAsync([mixed, compacted]);
    }

    private ClusterSettings Settings() => new() { BootstrapServers = [cluster.BootstrapServers] };

    /// <summary>Compaction comes when it comes.</summary>
    private static async Task HolesAsync(KafkaCluster client, string topic, CancellationToken cancel)
    {
        while (ClusterTesting.ReadAll(client, new KafkaBackup.TopicPartition(topic, 0)).Records.Count >= 400)
        {
            await Task.Delay(500, cancel);
        }
    }

    /// <summary>All partitions are equal; the number of records that were compared.</summary>
    private async Task<long> ComparedAsync(KafkaEngine engine, string left, string right, int partitions, CancellationToken cancel)
    {
        var side = new CompareSide { Cluster = Settings() };
        var rows = new List<TopicComparison>();
        await foreach (
            var row in engine.CompareAsync(
                new CompareSettings
                {
                    Reference = side,
                    Difference = side,
                    Topics = [left],
                    DifferenceTopics = [right],
                },
                cancel
            )
        )
        {
            if (row.Partition >= 0)
            {
                rows.Add(row);
            }
        }

        Assert.Equal(partitions, rows.Count);
        Assert.All(rows, row => Assert.True(row.Equal, $"{row.Topic}/{row.Partition}: {row.Verdict} {row.FirstDifference}"));
        return rows.Sum(r => r.ComparedCount);
    }

    private async Task DeleteAsync(IEnumerable<string> topics)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = cluster.BootstrapServers }).Build();
        await admin.DeleteTopicsAsync(topics);
    }

    private static RestoreSettings Restore(DeliveryMode delivery, IReadOnlyDictionary<string, string> names) =>
        new()
        {
            BackupId = "b",
            Delivery = delivery,
            TopicMapping = names,
            // The copy must not be compacted before it has been compared.
            TopicConfigOverrides = new Dictionary<string, IReadOnlyDictionary<string, string>>
            {
                [""] = new Dictionary<string, string> { ["cleanup.policy"] = "delete", ["retention.ms"] = "-1" },
            },
        };
}
