using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using KafkaBackup.Engine.Storage.S3;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>
/// Whole runs into a bucket with object lock, with encryption and a storage class: what has to stay stays, and what is in the way goes.
/// </summary>
[Trait("Run", "Long")]
public sealed class S3ProtectedRunTests
{
    [S3Fact]
    public async Task C5_runs_with_retention_encryption_and_class_go_on_and_all_but_locks_is_protected()
    {
        var server = await S3TestServer.GetAsync();
        if (!server.IsOwn)
        {
            return;
        }

        using var client = new AmazonS3Client(
            new BasicAWSCredentials(server.AccessKey, server.SecretKey),
            new AmazonS3Config
            {
                ServiceURL = server.Endpoint,
                ForcePathStyle = true,
                AuthenticationRegion = "us-east-1",
            }
        );
        var bucket = $"protected-{Guid.NewGuid():n}";
        await client.PutBucketAsync(new PutBucketRequest { BucketName = bucket, ObjectLockEnabledForBucket = true });
        var settings = server.Settings("p", bucket, ("object_lock_days", "1"), ("sse", "AES256"), ("storage_class", "STANDARD"));
        await using var scenario = new BackupScenario(
            store: new S3Store(settings, TimeProvider.System, limits: new S3Limits { PartSize = 5 << 20 })
        );
        scenario.Cluster.CreateTopic("orders");
        for (var run = 0; run < 2; run++)
        {
            scenario.Fill("orders", 500, run * 500);
            Assert.Equal((BackupStatus.Complete, 500L), await OutcomeAsync(scenario));
        }

        await scenario.AssertStoredIsSourceAsync("orders");
        var report = await scenario
            .Engine()
            .CheckBackupAsync(
                new CheckSettings
                {
                    Store = settings,
                    BackupId = "b",
                    Deep = true,
                },
                scenario.Cancel
            );
        Assert.Empty(report.Findings);
        var versions = (await client.ListVersionsAsync(bucket)).Versions.Where(v => v.IsDeleteMarker is not true).ToArray();
        Assert.Contains(versions, v => v.Key.EndsWith("/lock.json", StringComparison.Ordinal));
        foreach (var version in versions)
        {
            var head = await client.GetObjectMetadataAsync(
                new GetObjectMetadataRequest
                {
                    BucketName = bucket,
                    Key = version.Key,
                    VersionId = version.VersionId,
                }
            );
            var replaced =
                version.Key.EndsWith("/lock.json", StringComparison.Ordinal)
                || version.Key.EndsWith("/manifest.json", StringComparison.Ordinal)
                || version.Key.Contains(".kbtmp-", StringComparison.Ordinal);
            Assert.True(replaced == (head.ObjectLockMode is null), $"{version.Key}: {head.ObjectLockMode}");
            Assert.Equal("AES256", head.ServerSideEncryptionMethod.Value);
        }
    }

    private static async Task<(BackupStatus Status, long Records)> OutcomeAsync(BackupScenario scenario)
    {
        var result = await scenario.BackUpAsync();
        return (result.Status, result.RecordCount);
    }
}
