using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Scenarios;

/// <summary>
/// The cluster that a scenario runs against: the one that KAFKABACKUP_TEST_BOOTSTRAP=host:port names, with -p:UseTestcontainers=true one in
/// Docker, else a local broker of the test class's own. A scenario that runs on all three takes names from <see cref="NewName"/> and uses
/// clients only.
/// </summary>
public sealed class ClusterFixture : IAsyncLifetime
{
    public const string Variable = "KAFKABACKUP_TEST_BOOTSTRAP";

    private LocalCluster? _local;

    public string BootstrapServers { get; private set; } = "";

    /// <summary>The local broker, for scenarios that need it to misbehave; the tests of such scenarios start one themselves.</summary>
    public bool IsLocal => _local is not null;

    /// <summary>Null on a real cluster. For what a real one does by itself in its own time, like compaction.</summary>
    public LocalCluster? Local => _local;

    /// <summary>A name for a topic, a group or a backup that nothing else uses, on a cluster that may serve others.</summary>
    public static string NewName(string word) => $"kafkabackup-test-{word}-{Guid.NewGuid():N}";

    public async Task InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } real)
        {
            BootstrapServers = real;
            return;
        }

#if TESTCONTAINERS
        BootstrapServers = await ContainerCluster.BootstrapServers.Value;
#else
        _local = LocalCluster.Start();
        BootstrapServers = _local.BootstrapServers;
        await Task.CompletedTask;
#endif
    }

    public async Task DisposeAsync()
    {
        if (_local is not null)
            await _local.DisposeAsync();
    }
}
