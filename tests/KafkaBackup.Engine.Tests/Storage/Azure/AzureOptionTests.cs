using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.Azure;

namespace KafkaBackup.Engine.Tests.Storage.Azure;

/// <summary>What is refused, or understood, before the first request.</summary>
public sealed class AzureOptionTests
{
    private const string Hidden = "c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1zZWU=";

    [Theory]
    [InlineData("az://account/container", "az://account/container")]
    [InlineData("AZ://account/container/", "az://account/container")]
    [InlineData("az://account/container/a/b/", "az://account/container/a/b")]
    [InlineData("https://account.blob.core.windows.net/container/a", "az://account/container/a")]
    [InlineData("https://account.blob.core.chinacloudapi.cn/container/a", "https://account.blob.core.chinacloudapi.cn/container/a")]
    [InlineData("https://account.z12.blob.storage.azure.net/container", "https://account.z12.blob.storage.azure.net/container")]
    public void Q1_both_forms_of_an_address_are_understood(string path, string normal)
    {
        Assert.True(StoreBackends.Known.IsAddress(path));
        Assert.Equal(normal, StoreBackends.Known.Normalize(path, "/"));
        Assert.Equal(normal, StoreBackends.Known.Normalize(normal, "/"));
    }

    [Theory]
    [InlineData("az:/account/container")]
    [InlineData("az://account")]
    [InlineData("az://Account/container")]
    [InlineData("az://account/Container")]
    [InlineData("az://account/a--b")]
    [InlineData("az://account/container/../x")]
    [InlineData("az://user:" + Hidden + "@account/container")]
    [InlineData("http://account.blob.core.windows.net/container")]
    [InlineData("https://account.dfs.core.windows.net/container")]
    [InlineData("https://account.file.core.windows.net/container")]
    [InlineData("https://account.blob.core.windows.net/container?sv=1&sig=" + Hidden)]
    [InlineData("az://account/container?sig=" + Hidden)]
    [InlineData("az://account/container/prefix&sv=1&sig=" + Hidden)]
    [InlineData("https://elsewhere.example.com/container?sig=" + Hidden)]
    public void Q1_a_mistaken_address_is_refused_and_shows_no_secret(string path)
    {
        var error = Assert.Throws<KafkaBackupException>(() => StoreBackends.Known.Normalize(path, "/"));

        Assert.Equal(ErrorIds.InvalidPath.Id, error.ErrorId);
        Assert.NotEmpty(error.Advice);
        Assert.DoesNotContain(Hidden, error + error.Advice, StringComparison.Ordinal);
        AssertReachesTheUserWhole(error);
    }

    [Theory]
    [InlineData("az://account/container", null, "https://account.blob.core.windows.net/")]
    [InlineData("https://account.blob.core.chinacloudapi.cn/container", null, "https://account.blob.core.chinacloudapi.cn/")]
    [InlineData("az://account/container", "https://account.blob.core.usgovcloudapi.net", "https://account.blob.core.usgovcloudapi.net/")]
    [InlineData("az://account/container", "https://blob.core.usgovcloudapi.net", "https://account.blob.core.usgovcloudapi.net/")]
    [InlineData("az://account/container", "https://127.0.0.1:10000", "https://127.0.0.1:10000/account")]
    [InlineData("az://account/container", "https://azurite:10000/account", "https://azurite:10000/account")]
    [InlineData("az://account/container", "https://backups.example.com", "https://backups.example.com/")]
    public void Q1_the_endpoint_finds_the_account(string path, string? endpoint, string service)
    {
        var options = endpoint is null ? [] : new[] { ("endpoint", endpoint) };

        Assert.Equal(service, From(path, options).Service.AbsoluteUri);
    }

    [Theory]
    [InlineData("endpoint", "http://127.0.0.1:10000", "allow_http")]
    [InlineData("endpoint", "https://account.dfs.core.windows.net", ".blob.")]
    [InlineData("endpoint", "https://account.blob.core.windows.net?sig=" + Hidden, "sas_token")]
    [InlineData("endpoint", "https://127.0.0.1/other", "az://account/container")]
    [InlineData("access_tier", "Archive", "Cold")]
    [InlineData("access_tier", "Lukewarm", "Cold")]
    [InlineData("manifest_access_tier", "Archive", "Cold")]
    [InlineData("client_certificate", "no-such-file.pfx", "client_id")]
    public void Q1_an_option_that_cannot_work_is_refused_at_once(string option, string value, string advice)
    {
        var error = Assert.Throws<KafkaBackupException>(() => From("az://account/container", [(option, value)]));

        Assert.Equal(ErrorIds.StoreConfiguration.Id, error.ErrorId);
        Assert.Contains(advice, error.Advice, StringComparison.Ordinal);
        Assert.DoesNotContain(Hidden, error + error.Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("account_key", "not base64!")]
    [InlineData("account_key", "")]
    [InlineData("sas_token", "sv=2021&se=" + Hidden)]
    [InlineData("connection_string", "AccountName=other;AccountKey=" + Hidden)]
    [InlineData("connection_string", "AccountName=account;Password=" + Hidden)]
    [InlineData("client_secret", Hidden)]
    public void Q1_a_secret_that_cannot_be_right_is_refused_and_not_shown(string name, string value)
    {
        var settings = new StoreSettings { Path = "az://account/container", Secrets = Secrets((name, value)) };

        var error = Assert.Throws<KafkaBackupException>(() => AzureOptions.From(settings));

        Assert.Equal(ErrorIds.StoreConfiguration.Id, error.ErrorId);
        Assert.DoesNotContain(Hidden, error + error.Advice, StringComparison.Ordinal);
        AssertReachesTheUserWhole(error);
    }

    [Fact]
    public void Q1_two_identities_are_refused()
    {
        var settings = new StoreSettings
        {
            Path = "az://account/container",
            Secrets = Secrets(("account_key", Hidden), ("sas_token", "sig=x")),
        };

        Assert.Contains(
            "account_key and sas_token",
            Assert.Throws<KafkaBackupException>(() => AzureOptions.From(settings)).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("account", Hidden, null, "the account key of -StorageCredential")]
    [InlineData("sas", "?sv=1&sig=" + Hidden, null, "the SAS token of -StorageCredential")]
    [InlineData("app", Hidden, "tenant", "the secret of application 'app'")]
    public void Q1_a_storage_credential_is_taken_for_what_it_is(string user, string password, string? tenant, string origin)
    {
        var settings = new StoreSettings
        {
            Path = "az://account/container",
            AccessKey = user,
            SecretKey = new Secret(password),
            Options = tenant is null ? null : new Dictionary<string, string> { ["tenant_id"] = tenant },
        };

        var login = AzureOptions.From(settings).Login;

        Assert.Equal(origin, login.Origin);
    }

    [Fact]
    public void Q1_a_connection_string_brings_key_and_endpoint()
    {
        var settings = new StoreSettings
        {
            Path = "az://account/container",
            Secrets = Secrets(
                (
                    "connection_string",
                    $"DefaultEndpointsProtocol=https;AccountName=account;AccountKey={Hidden};EndpointSuffix=core.chinacloudapi.cn"
                )
            ),
        };

        var options = AzureOptions.From(settings);

        Assert.Equal(("https://account.blob.core.chinacloudapi.cn/", Hidden), (options.Service.AbsoluteUri, options.Login.AccountKey));
    }

    [Fact]
    public void Q1_without_a_key_the_identity_chain_is_asked_and_never_over_plain_http()
    {
        var error = Assert.Throws<KafkaBackupException>(() =>
            From("az://account/container", [("endpoint", "http://127.0.0.1:1"), ("allow_http", "true")])
        );

        Assert.StartsWith("The Azure identity chain", error.Message, StringComparison.Ordinal);
        Assert.Contains("plain HTTP", error.Message, StringComparison.Ordinal);
        Assert.Contains("managed identity", From("az://account/container", []).Login.Origin, StringComparison.Ordinal);
        Assert.Contains("'me'", From("az://account/container", [("client_id", "me")]).Login.Origin, StringComparison.Ordinal);
    }

    /// <summary>Whatever is shown loses what looks like a secret: an example in a message must not.</summary>
    private static void AssertReachesTheUserWhole(KafkaBackupException error)
    {
        Assert.Equal(error.Message, Redaction.Clean(error.Message));
        Assert.Equal(error.Advice, Redaction.Clean(error.Advice));
    }

    private static AzureOptions From(string path, (string Name, string Value)[] options) =>
        AzureOptions.From(new StoreSettings { Path = path, Options = options.ToDictionary(o => o.Name, o => o.Value) });

    private static Dictionary<string, Secret> Secrets(params (string Name, string Value)[] secrets) =>
        secrets.ToDictionary(s => s.Name, s => new Secret(s.Value));
}
