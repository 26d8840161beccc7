using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.Azure;
using KafkaBackup.Testing.Azure;

namespace KafkaBackup.Engine.Tests.Storage.Azure;

/// <summary>The contract of all stores, on a blob service; blocks are small, so that more than one is sent.</summary>
[NeedsAzureServer]
public sealed class AzureContractTests : StoreContract
{
    private static readonly AzureLimits SmallBlocks = new() { BlockSize = 256 << 10 };

    protected override IReadOnlyList<int> InterestingSizes =>
        [SmallBlocks.BlockSize - 1, SmallBlocks.BlockSize, SmallBlocks.BlockSize + 1, (3 * SmallBlocks.BlockSize) + 17];

    protected override int BytesOfAnUnfinishedUpload => SmallBlocks.BlockSize + 1;

    protected override async Task<IStore> OpenAsync() =>
        new AzureStore((await AzureTestServer.GetAsync()).Settings(), TimeProvider.System, limits: SmallBlocks);
}
