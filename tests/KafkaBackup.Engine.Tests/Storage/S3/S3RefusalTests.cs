using System.Net;
using System.Net.Sockets;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.S3;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>What a wrong setting looks like from outside: one clear error each, with advice, soon, and without a secret in it.</summary>
public sealed class S3RefusalTests : ScriptedS3Test
{
    [Theory]
    [InlineData(200)]
    [InlineData(404)]
    [InlineData(403)]
    public async Task C5_an_endpoint_that_is_a_web_site_is_told_so(int status)
    {
        Server.On(_ => true, ScriptedAnswer.Html(status));

        var error = await FailsAsync(ErrorIds.StoreConfiguration, () => KeysAsync(Open()));

        Assert.Contains("not an S3 server", error.Message, StringComparison.Ordinal);
        Assert.Contains("endpoint", error.Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(200, "application/json", "{\"hello\":1}")]
    [InlineData(404, "application/json", "{\"message\":\"no such route\"}")]
    [InlineData(404, "text/plain", "404 page not found")]
    [InlineData(400, "text/plain", "Client sent an HTTP request to an HTTPS server.")]
    [InlineData(405, null, "")]
    public async Task C5_an_endpoint_that_is_some_other_service_is_told_so(int status, string? type, string body)
    {
        Server.On(_ => true, new ScriptedAnswer(status, Bytes(body), type is null ? [] : [("Content-Type", type)]));

        foreach (var call in (Func<S3Store, Task>[])[store => KeysAsync(store), async store => await store.FindAsync("object", default)])
        {
            var error = await FailsAsync(ErrorIds.StoreConfiguration, () => call(Open()));

            Assert.Contains("not an S3 server", error.Message, StringComparison.Ordinal);
            Assert.Empty(Retries);
        }
    }

    [Fact]
    public async Task C5_a_bucket_in_the_endpoint_is_told_so_and_is_no_missing_object()
    {
        Server.On(_ => true, ScriptedAnswer.Error(404, "NoSuchKey"));

        var error = await FailsAsync(ErrorIds.StoreConfiguration, () => KeysAsync(Open()));

        Assert.Contains("Remove the bucket from the option endpoint", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C5_a_port_that_answers_nothing_is_told_with_what_that_may_be()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var hangUp = Task.Run(async () =>
        {
            while (true)
            {
                using var client = await silent.AcceptTcpClientAsync();
                _ = await client.GetStream().ReadAsync(new byte[64 << 10]);
            }
        });

        var error = await FailsAsync(
            ErrorIds.StoreUnavailable,
            () => KeysAsync(Open(options: ("endpoint", $"http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}")))
        );

        Assert.Contains("without an answer", error.Message, StringComparison.Ordinal);
        Assert.Contains("endpoint", error.Advice, StringComparison.Ordinal);
        silent.Stop();
        await Assert.ThrowsAnyAsync<Exception>(() => hangUp);
    }

    [Fact]
    public async Task C5_well_formed_xml_that_is_no_listing_is_no_empty_store()
    {
        Server.On(_ => true, ScriptedAnswer.Xml("<html><body><p>hello</p></body></html>"));

        await FailsAsync(ErrorIds.StoreConfiguration, () => KeysAsync(Open()));
        await FailsAsync(ErrorIds.StoreConfiguration, async () => await Open().FindAsync("object", default));
    }

    [Theory]
    [InlineData(404, "NoSuchBucket", "", nameof(ErrorIds.StoreNotFound), "There is no bucket 'bucket'")]
    [InlineData(403, "InvalidAccessKeyId", "", nameof(ErrorIds.StoreAuthentication), "does not know the access key")]
    [InlineData(403, "SignatureDoesNotMatch", "", nameof(ErrorIds.StoreAuthentication), "secret key is wrong")]
    [InlineData(400, "InvalidToken", "", nameof(ErrorIds.StoreAuthentication), "refused the credentials")]
    [InlineData(400, "ExpiredToken", "", nameof(ErrorIds.StoreAuthentication), "expired")]
    [InlineData(403, "AccessDenied", "", nameof(ErrorIds.StoreAccessDenied), "s3:ListBucket")]
    [InlineData(
        301,
        "PermanentRedirect",
        "<Endpoint>bucket.s3.eu-west-1.amazonaws.com</Endpoint>",
        nameof(ErrorIds.StoreConfiguration),
        "not in region us-east-1"
    )]
    [InlineData(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>", nameof(ErrorIds.StoreConfiguration), "but in eu-west-1")]
    [InlineData(501, "NotImplemented", "", nameof(ErrorIds.StoreConfiguration), "does not support")]
    public async Task C5_each_refusal_has_its_own_error(int status, string code, string more, string id, string message)
    {
        Server.On(_ => true, r => r.Method == "HEAD" ? ScriptedAnswer.Empty(status) : ScriptedAnswer.Error(status, code, "scripted", more));

        foreach (
            var call in (Func<S3Store, Task>[])
                [
                    store => KeysAsync(store),
                    async store => await store.FindAsync("object", default),
                    async store => await store.PutAsync("object", Bytes("x"), default),
                ]
        )
        {
            var error = await Assert.ThrowsAsync<KafkaBackupException>(() => call(Open(options: ("region", "us-east-1"))));

            Assert.Equal(id, error.ErrorId);
            Assert.Contains(message, error.Message, StringComparison.Ordinal);
            Assert.False(StoreFault.IsTransient(error));
        }
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task C5_a_redirect_to_another_host_is_named_and_not_followed(int status)
    {
        Server.On(_ => true, ScriptedAnswer.Empty(status, ("Location", "http://elsewhere.invalid:9/bucket")));

        foreach (
            var call in (Func<S3Store, Task>[])
                [
                    store => KeysAsync(store),
                    async store => await store.FindAsync("object", default),
                    async store => await store.PutAsync("object", Bytes("x"), default),
                ]
        )
        {
            var error = await FailsAsync(ErrorIds.StoreConfiguration, () => call(Open()));
            Assert.Contains("redirects to 'elsewhere.invalid:9'", error.Message, StringComparison.Ordinal);
            Assert.Contains("endpoint", error.Advice, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task C5_a_denied_read_of_one_object_names_the_right_that_is_missing()
    {
        var store = Open();
        await store.PutAsync("object", Bytes("x"), default);
        Server.On(
            r => r.Key == "backups/object",
            r => r.Method == "HEAD" ? ScriptedAnswer.Empty(403) : ScriptedAnswer.Error(403, "AccessDenied", "Access Denied")
        );

        var find = await FailsAsync(ErrorIds.StoreAccessDenied, async () => await store.FindAsync("object", default));
        var read = await FailsAsync(ErrorIds.StoreAccessDenied, async () => await store.ReadAsync("object", 0, new byte[1], default));
        var delete = await FailsAsync(ErrorIds.StoreAccessDenied, async () => await store.DeleteAsync("object", default));

        Assert.Contains("s3:GetObject", find.Message, StringComparison.Ordinal);
        Assert.Contains("s3:GetObject", read.Message, StringComparison.Ordinal);
        Assert.Contains("s3:DeleteObject", delete.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C5_a_wrong_clock_is_explained_with_its_difference()
    {
        Server.Date = () => DateTimeOffset.UtcNow.AddMinutes(-42);
        Server.On(_ => true, ScriptedAnswer.Error(403, "RequestTimeTooSkewed"));

        var error = await FailsAsync(ErrorIds.StoreAuthentication, () => KeysAsync(Open()));

        Assert.Contains("42 minutes (ahead)", error.Message, StringComparison.Ordinal);
        Assert.Contains("clock", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C5_a_clock_that_is_getting_wrong_is_warned_of_before_it_is_refused()
    {
        Server.Date = () => DateTimeOffset.UtcNow.AddMinutes(7);

        await KeysAsync(Open());

        Assert.Contains("7 minutes behind", Assert.Single(Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task C3_the_clock_is_the_servers_and_its_absence_is_an_error()
    {
        Server.Date = () => DateTimeOffset.UtcNow.AddHours(-3);
        var store = Open();
        Assert.InRange(
            (await store.GetClockAsync(default)) - DateTimeOffset.UtcNow.AddHours(-3),
            TimeSpan.FromSeconds(-5),
            TimeSpan.FromSeconds(5)
        );

        Server.Date = () => null;
        await FailsAsync(ErrorIds.StoreConfiguration, async () => await Open().GetClockAsync(default));
    }

    [Fact]
    public async Task C5_where_nobody_listens_the_answer_is_soon_and_says_where()
    {
        int port;
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }

        var error = await FailsAsync(ErrorIds.StoreUnavailable, () => KeysAsync(Open(options: ("endpoint", $"http://127.0.0.1:{port}"))));

        Assert.Contains($"127.0.0.1:{port}", error.Message, StringComparison.Ordinal);
        Assert.True(StoreFault.IsTransient(error));
    }

    [Fact]
    public async Task C5_an_endpoint_without_tls_behind_https_is_told_at_once()
    {
        var error = await FailsAsync(
            ErrorIds.StoreUnavailable,
            () => KeysAsync(Open(options: ("endpoint", $"https://127.0.0.1:{Server.Port}")))
        );

        Assert.Contains("TLS", error.Advice, StringComparison.Ordinal);
        Assert.Empty(Retries);
    }

    [Fact]
    public async Task C2_a_bucket_that_is_not_there_is_never_an_empty_store()
    {
        Server.On(_ => true, r => r.Method == "HEAD" ? ScriptedAnswer.Empty(404) : ScriptedAnswer.Error(404, "NoSuchBucket"));

        await FailsAsync(ErrorIds.StoreNotFound, async () => await Open().FindAsync("a/manifest.json", default));
        await FailsAsync(ErrorIds.StoreNotFound, async () => await Open().ReadAsync("a/manifest.json", 0, new byte[1], default));
        await FailsAsync(ErrorIds.StoreNotFound, async () => await Open().GetClockAsync(default));
        await FailsAsync(ErrorIds.StoreNotFound, async () => await Open().CreateAsync("a/segment", default));
        await FailsAsync(
            ErrorIds.StoreNotFound,
            async () =>
            {
                await foreach (var folder in Open().ListFoldersAsync("", default))
                {
                    Assert.Fail(folder);
                }
            }
        );
    }
}
