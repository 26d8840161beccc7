using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.S3;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>
/// What goes over the wire: nothing that only Amazon's own servers understand unless it was asked for, and what was asked for on the right
/// objects.
/// </summary>
public sealed class S3RequestTests : ScriptedS3Test
{
    private const string Segment = "b/topics/t/partition=0/segment-00000000000000000000-0a.kbs";

    [Fact]
    public async Task C5_no_checksum_headers_unless_the_server_requires_them()
    {
        var store = Open();
        await UploadAsync(store, "large", Noise(3 * PartSize));
        await store.PutAsync("small", Bytes("x"), default);
        await store.PutIfAbsentAsync("head", Bytes("x"), default);
        await ReadAsync(store, "large", 100);

        foreach (var request in Server.Requests)
        {
            // The list of parts at an upload's end has always carried it.
            Assert.True(
                request.IsComplete || request.Header("content-md5") is null,
                $"{request.Method} {request.Path} {string.Join('&', request.Query.Keys)}"
            );
            Assert.DoesNotContain(
                request.Headers.Keys,
                h =>
                    h.StartsWith("x-amz-checksum", StringComparison.OrdinalIgnoreCase)
                    || h.StartsWith("x-amz-sdk-checksum", StringComparison.OrdinalIgnoreCase)
                    || h.Equals("x-amz-trailer", StringComparison.OrdinalIgnoreCase)
                    || h.Equals("expect", StringComparison.OrdinalIgnoreCase)
            );
            Assert.DoesNotContain("STREAMING", request.Header("x-amz-content-sha256") ?? "", StringComparison.Ordinal);
            Assert.StartsWith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/", request.Header("authorization"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task C5_a_server_that_requires_content_md5_gets_it()
    {
        bool Lacks(ScriptedRequest r) => r.Method == "PUT" && r.Header("content-md5") is null;
        Server.On(
            Lacks,
            ScriptedAnswer.Error(
                400,
                "InvalidRequest",
                "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"
            )
        );
        var content = Noise(4 * PartSize);
        var store = Open();

        await store.PutAsync("small", Bytes("x"), default);
        await UploadAsync(store, "large", content);

        Assert.Equal(content, Server.Store.Content("backups/large"));
        Assert.Equal(1, Server.Requests.Count(Lacks));
    }

    [Theory]
    [InlineData("AES256")]
    [InlineData("aws:kms")]
    [InlineData("aws:kms:dsse")]
    public async Task C5_every_encryption_that_the_settings_know_is_asked_for(string sse)
    {
        var store = Open(options: sse == "AES256" ? [("sse", sse)] : [("sse", sse), ("sse_kms_key_id", "key-1")]);
        await UploadAsync(store, Segment, Noise(3 * PartSize));
        await store.PutAsync("small", Bytes("x"), default);

        Assert.All(
            Server.Requests.Where(r => r.IsBegin || (r.IsPut && !r.Query.ContainsKey("partNumber"))),
            r =>
                Assert.Equal(
                    (sse, sse == "AES256" ? null : "key-1"),
                    (r.Header("x-amz-server-side-encryption"), r.Header("x-amz-server-side-encryption-aws-kms-key-id"))
                )
        );
        Assert.Contains(Server.Requests, r => r.IsBegin);
    }

    [Fact]
    public async Task C5_retention_and_storage_class_are_for_what_stays_never_for_locks_and_manifest_copies()
    {
        Server.On(r => r.Query.ContainsKey("retention"), ScriptedAnswer.Empty());
        var store = Open(
            options: [("object_lock_days", "30"), ("storage_class", "STANDARD_IA"), ("sse", "aws:kms"), ("sse_kms_key_id", "key-1")]
        );
        await UploadAsync(store, Segment, Noise(3 * PartSize));
        await UploadAsync(store, "b/topics/small.kbs", Bytes("x"));
        await store.PutIfAbsentAsync("b/manifest/00000001.json", Bytes("{}"), default);
        await store.PutAsync("b/manifest.json", Bytes("{}"), default);
        await store.PutIfAbsentAsync("b/lock.json", Bytes("{}"), default);

        Assert.Equal($"backups/{Segment}", Assert.Single(Server.Requests, r => r.Query.ContainsKey("retention")).Key);
        var written = Server
            .Requests.Where(r =>
                (r.IsPut || r.IsBegin) && !r.Query.ContainsKey("retention") && r.Key.StartsWith("backups/b/", StringComparison.Ordinal)
            )
            .ToArray();
        Assert.Equal(5, written.Length);
        foreach (var request in written)
        {
            var stays =
                !request.Key.EndsWith("/manifest.json", StringComparison.Ordinal)
                && !request.Key.EndsWith("/lock.json", StringComparison.Ordinal);
            Assert.Equal(stays ? "COMPLIANCE" : null, request.Header("x-amz-object-lock-mode"));
            Assert.Equal(stays ? "STANDARD_IA" : null, request.Header("x-amz-storage-class"));
            Assert.Equal("aws:kms", request.Header("x-amz-server-side-encryption"));
            Assert.Equal("key-1", request.Header("x-amz-server-side-encryption-aws-kms-key-id"));
            if (stays)
            {
                var until = DateTimeOffset.Parse(
                    request.Header("x-amz-object-lock-retain-until-date")!,
                    System.Globalization.CultureInfo.InvariantCulture
                );
                Assert.InRange(until - DateTimeOffset.UtcNow, TimeSpan.FromDays(29.9), TimeSpan.FromDays(30.1));
                Assert.True(request.IsBegin || request.Header("content-md5") is not null);
            }
        }

        Assert.All(Server.Requests.Where(r => r.IsPart), r => Assert.NotNull(r.Header("content-md5")));
        Assert.All(
            Server.Requests.Where(r => r.Key.Contains(".kbtmp-", StringComparison.Ordinal)),
            r => Assert.Null(r.Header("x-amz-object-lock-mode"))
        );
    }

    [Fact]
    public async Task C5_a_session_token_goes_with_every_request()
    {
        var store = Open(Server.Settings() with { SessionToken = new Secret("token-1") });
        await UploadAsync(store, "large", Noise(3 * PartSize));

        Assert.All(Server.Requests, r => Assert.Equal("token-1", r.Header("x-amz-security-token")));
    }

    [Fact]
    public async Task C5_region_and_addressing_are_as_configured()
    {
        await KeysAsync(Open(options: [("region", "eu-central-9")]));
        Assert.All(
            Server.Requests,
            r => Assert.Contains("/eu-central-9/s3/aws4_request", r.Header("authorization"), StringComparison.Ordinal)
        );
        Assert.All(Server.Requests, r => Assert.StartsWith("/bucket", r.Path, StringComparison.Ordinal));
    }

    [Fact]
    public async Task C5_without_path_style_the_bucket_goes_into_the_host_name()
    {
        // This name leads nowhere on most machines, which is as good: the error tells what was looked for.
        var error = await Record.ExceptionAsync(() =>
            KeysAsync(Open(options: [("endpoint", $"http://localhost:{Server.Port}"), ("path_style", "false")]))
        );

        Assert.True(error is null || error.Message.Contains("bucket.localhost", StringComparison.Ordinal), error?.Message);
        Assert.All(Server.Requests, r => Assert.Equal($"bucket.localhost:{Server.Port}", r.Header("host")));
    }

    [Fact]
    public void C5_part_sizes_grow_so_that_the_largest_objects_have_few_enough_parts()
    {
        var sent = 0L;
        var parts = 0;
        var first = S3Upload.PartSize(0, S3Limits.Default);
        for (; sent < 5L << 40; parts++)
        {
            var size = S3Upload.PartSize(sent, S3Limits.Default);
            Assert.InRange(size, 8L << 20, 5L << 30);
            sent += size;
        }

        Assert.Equal(8L << 20, first);
        Assert.InRange(parts, 1, 9_999);
        Assert.Equal(8L << 20, S3Upload.PartSize(8L << 30, S3Limits.Default));
    }

    [Fact]
    public async Task C5_the_first_contact_writes_nothing()
    {
        var store = Open();
        await KeysAsync(store);
        await store.FindAsync("object", default);
        await store.GetClockAsync(default);

        Assert.All(Server.Requests, r => Assert.True(r.Method is "GET" or "HEAD", r.Method));
    }
}
