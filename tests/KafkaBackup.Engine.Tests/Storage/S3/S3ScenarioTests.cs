using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.S3;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.Engine.Tests.Browse;
using KafkaBackup.Engine.Tests.Compare;
using KafkaBackup.Engine.Tests.Restore;
using KafkaBackup.Engine.Tests.Verify;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>What works on a folder works in a bucket: the same tests, each with a prefix of its own on a real S3 server.</summary>
internal static class S3Scenario
{
    public static async Task<IStore?> OpenAsync() =>
        new S3Store((await S3TestServer.GetAsync()).Settings(), TimeProvider.System, limits: new S3Limits { PartSize = 5 << 20 });
}

[Trait("Run", "Long")]
[NeedsS3Server]
public sealed class S3BackupTests : BackupTests
{
    protected override Task<IStore?> OpenStoreAsync() => S3Scenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsS3Server]
public sealed class S3IncrementalTests : IncrementalTests
{
    protected override Task<IStore?> OpenStoreAsync() => S3Scenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsS3Server]
public sealed class S3FollowingTests : FollowingTests
{
    protected override Task<IStore?> OpenStoreAsync() => S3Scenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsS3Server]
public sealed class S3RoundTripTests : RoundTripTests
{
    protected override Task<IStore?> OpenStoreAsync() => S3Scenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsS3Server]
public sealed class S3StoredRecordTests : StoredRecordTests
{
    protected override Task<IStore?> OpenStoreAsync() => S3Scenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsS3Server]
public sealed class S3StoredSideTests : StoredSideTests
{
    protected override Task<IStore?> OpenStoreAsync() => S3Scenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsS3Server]
public sealed class S3DescribingTests : DescribingTests
{
    protected override Task<IStore?> OpenStoreAsync() => S3Scenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsS3Server]
public sealed class S3CheckTests : CheckTests
{
    protected override Task<IStore?> OpenStoreAsync() => S3Scenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsS3Server]
public sealed class S3RepairTests : RepairTests
{
    protected override Task<IStore?> OpenStoreAsync() => S3Scenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsS3Server]
public sealed class S3RemovalTests : RemovalTests
{
    protected override Task<IStore?> OpenStoreAsync() => S3Scenario.OpenAsync();
}

[Trait("Run", "Long")]
[NeedsS3Server]
public sealed class S3LifeAfterCareTests : LifeAfterCareTests
{
    protected override Task<IStore?> OpenStoreAsync() => S3Scenario.OpenAsync();
}

/// <summary>Each crash is two runs over HTTP, so only some calls are tried. KAFKABACKUP_TEST_S3_CRASHES=all tries every one.</summary>
[Trait("Run", "Long")]
[NeedsS3Server]
public sealed class S3CrashTests : CrashTests
{
    private static readonly bool All = Environment.GetEnvironmentVariable("KAFKABACKUP_TEST_S3_CRASHES") == "all";

    protected override int Step => All ? 1 : 37;

    protected override TimeSpan Limit => TimeSpan.FromMinutes(All ? 20 : 3);

    protected override Task<IStore?> OpenStoreAsync() => S3Scenario.OpenAsync();
}
