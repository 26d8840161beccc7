using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.S3;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>The contract of all stores, on a real S3 server; parts are as small as S3 allows, so that more than one is sent.</summary>
[NeedsS3Server]
public sealed class S3ContractTests : StoreContract
{
    private static readonly S3Limits SmallParts = new() { PartSize = 5 << 20 };

    protected override IReadOnlyList<int> InterestingSizes =>
        [SmallParts.PartSize - 1, SmallParts.PartSize, SmallParts.PartSize + 1, (3 * SmallParts.PartSize) + 17];

    protected override int BytesOfAnUnfinishedUpload => SmallParts.PartSize + 1;

    protected override async Task<IStore> OpenAsync()
    {
        var server = await S3TestServer.GetAsync();
        var store = new S3Store(server.Settings(), TimeProvider.System, limits: SmallParts);
        await store.DetectCapabilitiesAsync(default);
        return store;
    }
}
