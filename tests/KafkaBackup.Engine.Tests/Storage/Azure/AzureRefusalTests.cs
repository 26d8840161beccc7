using System.Net;
using System.Net.Sockets;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.Azure;
using KafkaBackup.Testing.Azure;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.Azure;

/// <summary>What a wrong setting looks like from outside: one clear error each, with advice, soon, and without a secret in it.</summary>
public sealed class AzureRefusalTests : ScriptedBlobTest
{
    [Theory]
    [InlineData(404, "ContainerNotFound", "", nameof(ErrorIds.StoreNotFound), "There is no container 'container'")]
    [InlineData(409, "ContainerBeingDeleted", "", nameof(ErrorIds.StoreNotFound), "being deleted")]
    [InlineData(403, "AuthenticationFailed", "The MAC signature is not the same", nameof(ErrorIds.StoreAuthentication), "the key is wrong")]
    [InlineData(403, "AuthenticationFailed", "Request date header too old", nameof(ErrorIds.StoreAuthentication), "clock")]
    [InlineData(403, "AuthorizationPermissionMismatch", "", nameof(ErrorIds.StoreAccessDenied), "has no role")]
    [InlineData(403, "AuthorizationFailure", "", nameof(ErrorIds.StoreAccessDenied), "network rules")]
    [InlineData(403, "KeyBasedAuthenticationNotPermitted", "", nameof(ErrorIds.StoreAuthentication), "does not allow access by key")]
    [InlineData(403, "AccountIsDisabled", "", nameof(ErrorIds.StoreAccessDenied), "disabled")]
    [InlineData(401, "InvalidAuthenticationInfo", "", nameof(ErrorIds.StoreAuthentication), "tenant")]
    public async Task Q1_each_refusal_has_its_own_error(int status, string code, string detail, string id, string message)
    {
        Server.On(_ => true, TinyBlobs.Error(status, code, "scripted", detail));

        foreach (
            var call in (Func<AzureStore, Task>[])
                [
                    store => KeysAsync(store),
                    async store => await store.FindAsync("object", default),
                    async store => await store.PutAsync("object", Bytes("x"), default),
                ]
        )
        {
            var error = await FailsAsync(Definition(id), () => call(Open()));

            Assert.Contains(message, error.Message, StringComparison.Ordinal);
            Assert.False(StoreFault.IsTransient(error));
            Assert.Empty(Retries);
        }
    }

    [Theory]
    [InlineData("object", false, "Storage Blob Data Reader")]
    [InlineData("object", true, "Storage Blob Data Contributor")]
    public async Task Q1_a_missing_role_is_named_for_what_was_tried(string key, bool writes, string role)
    {
        var store = Open();
        await store.PutAsync(key, Bytes("x"), default);
        Server.On(r => r.Path.EndsWith(key, StringComparison.Ordinal), TinyBlobs.Error(403, "AuthorizationPermissionMismatch"));

        var error = await FailsAsync(
            ErrorIds.StoreAccessDenied,
            async () => await (writes ? store.PutAsync(key, Bytes("x"), default) : Find(store, key))
        );

        Assert.Contains(role, error.Advice, StringComparison.Ordinal);

        static async ValueTask Find(AzureStore store, string key) => await store.FindAsync(key, default);
    }

    [Fact]
    public async Task Q1_an_expired_sas_says_when_it_expired_and_never_shows_itself()
    {
        Server.On(_ => true, TinyBlobs.Error(403, "AuthenticationFailed", "scripted", "Signature not valid in the specified time frame"));

        var error = await FailsAsync(
            ErrorIds.StoreAuthentication,
            () => KeysAsync(Open(Server.SasSettings(new DateTimeOffset(2024, 5, 6, 7, 8, 9, TimeSpan.Zero))))
        );

        Assert.Contains("expired at 2024-05-06 07:08:09Z", error.Message, StringComparison.Ordinal);
        Assert.All(Server.Requests, r => Assert.Equal(Uri.UnescapeDataString(ScriptedBlobServer.SasSignature), r.Query["sig"]));
    }

    [Fact]
    public async Task Q1_a_sas_without_a_permission_is_told_which_one()
    {
        var store = Open(Server.SasSettings(DateTimeOffset.UtcNow.AddDays(1)));
        await KeysAsync(store);
        Server.On(IsPut, TinyBlobs.Error(403, "AuthorizationPermissionMismatch"));

        var error = await FailsAsync(ErrorIds.StoreAccessDenied, async () => await store.PutAsync("object", Bytes("x"), default));

        Assert.Contains("permission 'w'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Q1_a_connection_that_breaks_shows_nothing_of_a_sas()
    {
        Server.On(_ => true, ScriptedAnswer.Reset());

        await FailsAsync(ErrorIds.StoreUnavailable, () => KeysAsync(Open(Server.SasSettings(DateTimeOffset.UtcNow.AddDays(1)))));

        Assert.All(
            Retries,
            r => Assert.DoesNotContain("nobody", Uri.UnescapeDataString(r.Operation + r.Error + r.Error.Message), StringComparison.Ordinal)
        );
        Assert.All(Retries, r => Assert.DoesNotContain(ScriptedBlobServer.SasSignature, r.Operation + r.Error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Q1_a_wrong_tenant_names_the_right_one()
    {
        const string tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
        Server.On(
            _ => true,
            TinyBlobs.Error(401, "InvalidAuthenticationInfo") with
            {
                Headers =
                [
                    ("Content-Type", "application/xml"),
                    ("x-ms-error-code", "InvalidAuthenticationInfo"),
                    (
                        "WWW-Authenticate",
                        $"Bearer authorization_uri=https://login.microsoftonline.com/{tenant}/oauth2/authorize resource_id=https://storage.azure.com"
                    ),
                ],
            }
        );

        var error = await FailsAsync(ErrorIds.StoreAuthentication, () => KeysAsync(Open()));

        Assert.Contains(tenant, error.Message, StringComparison.Ordinal);
        Assert.Contains($"tenant_id: {tenant}", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Q1_a_wrong_clock_is_explained_with_its_difference()
    {
        Server.Date = () => DateTimeOffset.UtcNow.AddMinutes(-42);
        Server.On(_ => true, TinyBlobs.Error(403, "AuthenticationFailed"));

        var error = await FailsAsync(ErrorIds.StoreAuthentication, () => KeysAsync(Open()));

        Assert.Contains("42 minutes (ahead)", error.Message, StringComparison.Ordinal);
        Assert.Contains("clock", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Q1_a_clock_that_is_getting_wrong_is_warned_of_before_it_is_refused()
    {
        Server.Date = () => DateTimeOffset.UtcNow.AddMinutes(7);

        await KeysAsync(Open());

        Assert.Contains("7 minutes behind", Assert.Single(Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(200)]
    [InlineData(404)]
    [InlineData(403)]
    public async Task Q1_an_endpoint_that_is_no_blob_service_is_told_so(int status)
    {
        Server.On(_ => true, ScriptedAnswer.Html(status));

        foreach (var call in (Func<AzureStore, Task>[])[store => KeysAsync(store), async store => await store.FindAsync("object", default)])
        {
            var error = await FailsAsync(ErrorIds.StoreConfiguration, () => call(Open()));

            Assert.Contains("not a blob service", error.Message, StringComparison.Ordinal);
            Assert.Contains("endpoint", error.Advice, StringComparison.Ordinal);
            Assert.Empty(Retries);
        }
    }

    [Fact]
    public async Task Q1_a_redirect_is_named_and_not_followed()
    {
        Server.On(_ => true, ScriptedAnswer.Empty(302, ("Location", "http://elsewhere.invalid:9/container")));

        var error = await FailsAsync(ErrorIds.StoreConfiguration, () => KeysAsync(Open()));

        Assert.Contains("redirects to 'elsewhere.invalid:9'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Q1_where_nobody_listens_the_answer_is_soon_and_says_where()
    {
        int port;
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }

        var error = await FailsAsync(ErrorIds.StoreUnavailable, () => KeysAsync(Open(("endpoint", $"http://127.0.0.1:{port}"))));

        Assert.Contains($"127.0.0.1:{port}", error.Message, StringComparison.Ordinal);
        Assert.True(StoreFault.IsTransient(error));
    }

    [Fact]
    public async Task C2_a_container_that_is_not_there_is_never_an_empty_store_and_reading_creates_none()
    {
        Server.Store.ContainerExists = false;

        foreach (var store in (AzureStore[])[Open(), Open(("create_container", "true"))])
        {
            await FailsAsync(ErrorIds.StoreNotFound, () => KeysAsync(store));
            await FailsAsync(ErrorIds.StoreNotFound, async () => await store.FindAsync("a/manifest.json", default));
            await FailsAsync(ErrorIds.StoreNotFound, async () => await store.ReadAsync("a", 0, new byte[1], default));
        }

        await FailsAsync(ErrorIds.StoreNotFound, async () => await Open().PutAsync("a", Bytes("x"), default));
        await Open(("create_container", "true")).PutAsync("a", Bytes("x"), default);
        Assert.Equal(Bytes("x"), Server.Store.Content("backups/a"));
    }

    [Theory]
    [InlineData("BlobImmutableDueToPolicy", nameof(ErrorIds.StoreAccessDenied), "immutability policy")]
    [InlineData("LeaseIdMissing", nameof(ErrorIds.StoreAccessDenied), "leased")]
    public async Task Q1_what_others_protect_is_refused_with_the_reason(string code, string id, string message)
    {
        var store = Open();
        await store.PutAsync("object", Bytes("x"), default);
        Server.On(r => r.Method == "DELETE", TinyBlobs.Error(409, code));

        var error = await FailsAsync(Definition(id), async () => await store.DeleteAsync("object", default));

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    private static ErrorDefinition Definition(string id) => (ErrorDefinition)typeof(ErrorIds).GetField(id)!.GetValue(null)!;
}
