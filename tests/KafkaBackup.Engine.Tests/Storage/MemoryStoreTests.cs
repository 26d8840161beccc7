using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing.Storage;

namespace KafkaBackup.Engine.Tests.Storage;

/// <summary>The double must keep the contract, or tests on it prove nothing.</summary>
public sealed class MemoryStoreTests : StoreContract
{
    protected override Task<IStore> OpenAsync() => Task.FromResult<IStore>(new MemoryStore());
}
