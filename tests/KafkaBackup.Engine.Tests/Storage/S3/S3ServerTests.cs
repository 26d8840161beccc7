using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.S3;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>What only a real server can show: signatures, encryption, retention, uploads that a dead process left.</summary>
[Trait("Run", "Long")]
public sealed class S3ServerTests
{
    private const int PartSize = 5 << 20;
    private const string Segment = "b/topics/t/partition=0/segment-00000000000000000000-0a.kbs";

    private static readonly S3Limits SmallParts = new() { PartSize = PartSize };

    [S3Fact]
    public async Task C5_wrong_keys_are_told_apart()
    {
        var settings = (await S3TestServer.GetAsync()).Settings();

        var key = await FailsAsync(ErrorIds.StoreAuthentication, settings with { AccessKey = "nobody" });
        var secret = await FailsAsync(ErrorIds.StoreAuthentication, settings with { SecretKey = new Secret("not-the-secret") });

        Assert.Contains("does not know the access key", key.Message, StringComparison.Ordinal);
        Assert.Contains("secret key is wrong", secret.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("not-the-secret", secret.ToString(), StringComparison.Ordinal);
    }

    [S3Fact]
    public async Task C5_a_missing_bucket_is_told_by_its_name()
    {
        var error = await FailsAsync(ErrorIds.StoreNotFound, (await S3TestServer.GetAsync()).Settings(bucket: "no-such-bucket-here"));

        Assert.Contains("no-such-bucket-here", error.Message, StringComparison.Ordinal);
    }

    [S3Fact]
    public async Task C5_what_a_killed_process_left_is_found_and_removed_by_another()
    {
        var settings = (await S3TestServer.GetAsync()).Settings();
        await using var dead = new S3Store(settings, TimeProvider.System, limits: SmallParts);
        var left = await dead.CreateAsync(Segment, default);
        await left.WriteAsync(new byte[(2 * PartSize) + 1], default);
        await using var store = new S3Store(settings, TimeProvider.System);
        StoreUpload? found = null;
        while (found is not { Size: >= PartSize })
        {
            await foreach (var upload in store.ListUploadsAsync("b/", default))
            {
                found = upload;
            }
        }

        Assert.Equal(Segment, found.Key);
        Assert.InRange((await store.GetClockAsync(default)) - found.LastModified, TimeSpan.FromSeconds(-2), TimeSpan.FromMinutes(1));
        await foreach (var upload in store.ListUploadsAsync("other/", default))
        {
            Assert.Fail(upload.Key);
        }

        await left.DisposeAsync();
        await store.DropUploadAsync(found, default);
        await foreach (var upload in store.ListUploadsAsync("", default))
        {
            Assert.Fail(upload.Key);
        }
    }

    [S3Fact]
    public async Task C3_ranges_are_right_across_the_seams_of_parts()
    {
        await using var store = new S3Store((await S3TestServer.GetAsync()).Settings(), TimeProvider.System, limits: SmallParts);
        var content = new byte[(3 * PartSize) + 1000];
        new Random(1).NextBytes(content);
        await UploadAsync(store, Segment, content);

        foreach (
            var (offset, length) in (ReadOnlySpan<(int, int)>)
                [(0, 10), (PartSize - 5, 10), (PartSize, 1), ((2 * PartSize) - 1, PartSize + 2), (content.Length - 7, 100)]
        )
        {
            Assert.True(
                ReadAt(store, offset, length).AsSpan().SequenceEqual(content.AsSpan(offset, Math.Min(length, content.Length - offset))),
                $"{length} bytes at {offset}"
            );
        }
    }

    [S3Theory]
    [InlineData("AES256", null)]
    [InlineData("aws:kms", "testkey-1")]
    public async Task C5_objects_are_encrypted_as_asked(string sse, string? key)
    {
        var server = await S3TestServer.GetAsync();
        if (!server.IsOwn)
        {
            return;
        }

        (string, string)[] options = key is null ? [("sse", sse)] : [("sse", sse), ("sse_kms_key_id", key)];
        var settings = server.Settings(prefix: "encrypted-" + sse.Replace(':', '-'), options: options);
        await using var store = new S3Store(settings, TimeProvider.System, limits: SmallParts);
        var content = new byte[PartSize + 100];
        new Random(2).NextBytes(content);
        await UploadAsync(store, Segment, content);
        Assert.True(await store.PutIfAbsentAsync("b/lock.json", new byte[] { 1, 2, 3 }, default));

        Assert.True(ReadAt(store, 0, content.Length).AsSpan().SequenceEqual(content));
        using var client = Client(server);
        foreach (var name in (string[])[Segment, "b/lock.json"])
        {
            var head = await client.GetObjectMetadataAsync(server.Bucket, $"encrypted-{sse.Replace(':', '-')}/{name}");
            Assert.Equal(sse, head.ServerSideEncryptionMethod.Value);
        }
    }

    [S3Fact]
    public async Task C5_with_object_lock_segments_cannot_be_removed_and_locks_can()
    {
        var server = await S3TestServer.GetAsync();
        if (!server.IsOwn)
        {
            return;
        }

        using var client = Client(server);
        var bucket = $"locked-{Guid.NewGuid():n}";
        await client.PutBucketAsync(new PutBucketRequest { BucketName = bucket, ObjectLockEnabledForBucket = true });
        await using var store = new S3Store(
            server.Settings("p", bucket, ("object_lock_days", "1")),
            TimeProvider.System,
            limits: SmallParts
        );
        await UploadAsync(store, Segment, new byte[PartSize + 1]);
        await store.PutIfAbsentAsync("b/manifest/1.json", new byte[] { 1 }, default);
        await store.PutIfAbsentAsync("b/lock.json", new byte[] { 1 }, default);

        await store.DeleteAsync("b/lock.json", default);
        Assert.Null(await store.FindAsync("b/lock.json", default));
        Assert.True(await store.PutIfAbsentAsync("b/lock.json", new byte[] { 2 }, default));
        var versions = (await client.ListVersionsAsync(bucket)).Versions;
        foreach (var version in versions.Where(v => v.IsDeleteMarker is not true))
        {
            var removal = client.DeleteObjectAsync(
                new DeleteObjectRequest
                {
                    BucketName = bucket,
                    Key = version.Key,
                    VersionId = version.VersionId,
                }
            );
            if (version.Key.EndsWith("lock.json", StringComparison.Ordinal) || version.Key.Contains(".kbtmp-", StringComparison.Ordinal))
            {
                await removal;
            }
            else
            {
                var denial = await Record.ExceptionAsync(() => removal);
                Assert.True(
                    denial is AmazonS3Exception { ErrorCode: "AccessDenied" },
                    $"{version.Key} {version.VersionId} of {version.Size}: {denial}"
                );
            }
        }

        Assert.True(versions.Count >= 4);
    }

    [S3Fact]
    public async Task C5_retention_in_a_bucket_without_object_lock_is_refused_with_advice()
    {
        var server = await S3TestServer.GetAsync();
        await using var store = new S3Store(server.Settings(options: ("object_lock_days", "1")), TimeProvider.System, limits: SmallParts);

        foreach (var size in (int[])[10, PartSize + 1])
        {
            var error = await Assert.ThrowsAsync<KafkaBackupException>(() => UploadAsync(store, Segment, new byte[size]));
            Assert.True(error.ErrorId == ErrorIds.StoreConfiguration.Id, $"{error.ErrorId}: {error.Message}");
            Assert.Contains("object_lock_days", error.Advice, StringComparison.Ordinal);
        }
    }

    [S3Fact]
    public async Task C5_a_storage_class_that_the_server_does_not_have_is_refused_with_advice()
    {
        var server = await S3TestServer.GetAsync();
        await using var store = new S3Store(server.Settings(options: ("storage_class", "NO_SUCH_CLASS")), TimeProvider.System);

        var error = await Assert.ThrowsAsync<KafkaBackupException>(async () => await store.PutAsync("object", new byte[1], default));

        Assert.True(error.ErrorId == ErrorIds.StoreConfiguration.Id, $"{error.ErrorId}: {error.Message}");
        Assert.Contains("storage_class", error.Advice, StringComparison.Ordinal);
    }

    [S3Fact]
    public async Task C5_every_writer_of_many_large_uploads_at_once_gets_its_own_bytes_back()
    {
        await using var store = new S3Store(
            (await S3TestServer.GetAsync()).Settings(),
            TimeProvider.System,
            limits: SmallParts with
            {
                UploadBytes = 2 * PartSize,
            }
        );
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 12),
            new ParallelOptions { MaxDegreeOfParallelism = 12 },
            async (i, cancel) =>
            {
                var content = new byte[(2 * PartSize) + i];
                Array.Fill(content, (byte)i);
                await using var upload = await store.CreateAsync($"many/{i}", cancel);
                for (var at = 0; at < content.Length; at += 777_777)
                {
                    await upload.WriteAsync(content.AsMemory(at, Math.Min(777_777, content.Length - at)), cancel);
                }

                await upload.CommitAsync(cancel);
                var back = new byte[content.Length + 1];
                Assert.Equal(content.Length, await store.ReadAsync($"many/{i}", 0, back, cancel));
                Assert.True(back.AsSpan(0, content.Length).SequenceEqual(content));
            }
        );
    }

    private static byte[] ReadAt(S3Store store, int offset, int length)
    {
        var buffer = new byte[length];
        return buffer[..store.ReadAsync(Segment, offset, buffer, default).AsTask().GetAwaiter().GetResult()];
    }

    private static async Task UploadAsync(S3Store store, string key, byte[] content)
    {
        await using var upload = await store.CreateAsync(key, default);
        await upload.WriteAsync(content, default);
        await upload.CommitAsync(default);
    }

    private static async Task<KafkaBackupException> FailsAsync(ErrorDefinition expected, StoreSettings settings)
    {
        await using var store = new S3Store(settings, TimeProvider.System);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(async () => await store.FindAsync("object", default));
        Assert.True(error.ErrorId == expected.Id, $"{error.ErrorId}: {error.Message}");
        return error;
    }

    private static AmazonS3Client Client(S3TestServer server) =>
        new(
            new BasicAWSCredentials(server.AccessKey, server.SecretKey),
            new AmazonS3Config
            {
                ServiceURL = server.Endpoint,
                ForcePathStyle = true,
                AuthenticationRegion = "us-east-1",
            }
        );
}
