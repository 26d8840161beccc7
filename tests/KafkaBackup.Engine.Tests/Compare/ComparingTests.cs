using System.Text;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Compare;

/// <summary>A local cluster and a store, and comparisons between what lies there.</summary>
public abstract class ComparingTests : IAsyncLifetime, IAsyncDisposable
{
    protected const long Origin = 1000;

    private protected BackupScenario Scenario { get; } = new();

    protected CompareSide Live => new() { Cluster = new ClusterSettings { BootstrapServers = [Scenario.Cluster.BootstrapServers] } };

    protected CompareSide Stored => StoredAs("b");

    Task IAsyncLifetime.InitializeAsync() => Task.CompletedTask;

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Scenario.DisposeAsync();
    }

    protected static LocalRecord Record(int i) =>
        LocalRecord.Of($"k{i}", i == 7 ? "" : $"v{i}", 1_700_000_000_000 + i) with
        {
            Headers = [("a", Encoding.UTF8.GetBytes($"{i}")), ("b", null)],
        };

    protected static LocalRecord WithOrigin(LocalRecord record, int i) =>
        record with
        {
            Headers =
            [
                .. record.Headers,
                ("x-original-offset", Encoding.UTF8.GetBytes($"{i}")),
                ("x-original-timestamp", Encoding.UTF8.GetBytes($"{Origin}")),
            ],
        };

    protected CompareSide StoredAs(string backupId) =>
        new()
        {
            Store = new StoreSettings { Path = Scenario.StorePath },
            BackupId = backupId,
        };

    protected void Put(string topic, params IEnumerable<LocalRecord>[] partitions)
    {
        Scenario.Cluster.CreateTopic(topic, partitions.Length);
        for (var partition = 0; partition < partitions.Length; partition++)
        {
            if (partitions[partition].Any())
            {
                Scenario.Cluster.Append(topic, partition, partitions[partition]);
            }
        }
    }

    protected CompareSettings Asked(string left, string right) =>
        new()
        {
            Reference = Live,
            Difference = Live,
            Topics = [left],
            DifferenceTopics = [right],
        };

    protected async Task<List<TopicComparison>> CompareAsync(CompareSettings settings)
    {
        var rows = new List<TopicComparison>();
        await foreach (var row in Scenario.Engine().CompareAsync(settings, Scenario.Cancel))
        {
            rows.Add(row);
        }

        return rows;
    }

    protected Task<KafkaBackupException> RefusedAsync(CompareSettings settings) =>
        Assert.ThrowsAsync<KafkaBackupException>(() => CompareAsync(settings));
}
