using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.Azure;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.Engine.Tests.Browse;
using KafkaBackup.Engine.Tests.Compare;
using KafkaBackup.Engine.Tests.Restore;
using KafkaBackup.Engine.Tests.Verify;
using KafkaBackup.Testing.Azure;

namespace KafkaBackup.Engine.Tests.Storage.Azure;

/// <summary>What works on a folder works in a container: the same tests, each with a prefix of its own on a blob service.</summary>
internal static class AzureScenario
{
    public static async Task<IStore?> OpenAsync() =>
        new AzureStore(
            (await AzureTestServer.GetAsync()).Settings(),
            TimeProvider.System,
            limits: new AzureLimits { BlockSize = 256 << 10 }
        );
}

[Trait("Run", "Long")]
[NeedsAzureServer]
public sealed class AzureBackupTests : BackupTests
{
    protected override Task<IStore?> OpenStoreAsync() => AzureScenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsAzureServer]
public sealed class AzureIncrementalTests : IncrementalTests
{
    protected override Task<IStore?> OpenStoreAsync() => AzureScenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsAzureServer]
public sealed class AzureFollowingTests : FollowingTests
{
    protected override Task<IStore?> OpenStoreAsync() => AzureScenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsAzureServer]
public sealed class AzureRoundTripTests : RoundTripTests
{
    protected override Task<IStore?> OpenStoreAsync() => AzureScenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsAzureServer]
public sealed class AzureStoredRecordTests : StoredRecordTests
{
    protected override Task<IStore?> OpenStoreAsync() => AzureScenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsAzureServer]
public sealed class AzureStoredSideTests : StoredSideTests
{
    protected override Task<IStore?> OpenStoreAsync() => AzureScenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsAzureServer]
public sealed class AzureDescribingTests : DescribingTests
{
    protected override Task<IStore?> OpenStoreAsync() => AzureScenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsAzureServer]
public sealed class AzureCheckTests : CheckTests
{
    protected override Task<IStore?> OpenStoreAsync() => AzureScenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsAzureServer]
public sealed class AzureRepairTests : RepairTests
{
    protected override Task<IStore?> OpenStoreAsync() => AzureScenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsAzureServer]
public sealed class AzureRemovalTests : RemovalTests
{
    protected override Task<IStore?> OpenStoreAsync() => AzureScenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsAzureServer]
public sealed class AzureLifeAfterCareTests : LifeAfterCareTests
{
    protected override Task<IStore?> OpenStoreAsync() => AzureScenario.OpenAsync();
}

/// <summary>Each crash is two runs over HTTP, so only some calls are tried. KAFKABACKUP_TEST_AZURE_CRASHES=all tries every one.</summary>
[Trait("Run", "Long")]
[NeedsAzureServer]
public sealed class AzureCrashTests : CrashTests
{
    private static readonly bool All = Environment.GetEnvironmentVariable("KAFKABACKUP_TEST_AZURE_CRASHES") == "all";

    protected override int Step => All ? 1 : 37;

    protected override TimeSpan Limit => TimeSpan.FromMinutes(All ? 20 : 3);

    protected override Task<IStore?> OpenStoreAsync() => AzureScenario.OpenAsync();
}
