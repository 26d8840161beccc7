using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.Engine.Tests.Restore;
using KafkaBackup.Testing.Storage;

namespace KafkaBackup.Engine.Tests.Scenarios;

/// <summary>
/// Tests that run on every kind of store: on a folder or in memory as they stand, and on another where a class derived from them opens
/// that.
/// </summary>
public abstract class OnStore
{
    /// <summary>Null for the tests' own kind.</summary>
    protected virtual Task<IStore?> OpenStoreAsync() => Task.FromResult<IStore?>(null);

    /// <summary>Backups from a cluster of the test's own into a new store.</summary>
    protected async Task<BackupScenario> OpenAsync() => new(store: await OpenStoreAsync());

    protected async Task<RestoreScenario> OpenRestoreAsync() => new(store: await OpenStoreAsync());

    /// <summary>A new store whose objects the test can damage.</summary>
    protected async Task<IOpenedStore> OpenObjectsAsync() =>
        await OpenStoreAsync() is { } store ? new OpenedStore(store) : new MemoryStore();
}
