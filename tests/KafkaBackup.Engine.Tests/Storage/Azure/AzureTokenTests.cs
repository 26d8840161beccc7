using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Azure.Identity;
using KafkaBackup.Engine.Storage.Azure;

namespace KafkaBackup.Engine.Tests.Storage.Azure;

/// <summary>Token logins: what Entra ID answers becomes one sentence, and certificates are read as they come.</summary>
public sealed class AzureTokenTests : IDisposable
{
    private const string Hidden = "secret-that-nobody-may-see";

    private readonly Testing.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("AADSTS90002: Tenant 'x' not found.", "no tenant 'tenant'")]
    [InlineData("AADSTS700016: Application was not found in the directory.", "has no application 'client'")]
    [InlineData("AADSTS7000215: Invalid client secret provided.", "it is wrong")]
    [InlineData("AADSTS7000222: The provided client secret keys are expired.", "it has expired")]
    [InlineData("AADSTS700027: The certificate is not registered.", "not one of the application's")]
    [InlineData("AADSTS50034: Something else.\nTrace ID: 1", "AADSTS50034")]
    public void Q1_what_entra_id_refuses_is_one_sentence(string answer, string message)
    {
        var error = Explain(new AuthenticationFailedException("ClientSecretCredential authentication failed: " + answer));

        Assert.Equal(ErrorIds.StoreAuthentication.Id, error.ErrorId);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.NotEmpty(error.Advice);
        Assert.DoesNotContain(Hidden, error + error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Q1_no_identity_at_all_says_what_can_be_given()
    {
        var error = Explain(new CredentialUnavailableException("DefaultAzureCredential failed to retrieve a token.\n- a page"));

        Assert.Equal(ErrorIds.StoreAuthentication.Id, error.ErrorId);
        Assert.Contains("-StorageCredential", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Q1_an_identity_service_that_cannot_be_reached_is_no_refusal()
    {
        var error = Explain(new AuthenticationFailedException("failed", new HttpRequestException("no route")));

        Assert.Equal(ErrorIds.StoreUnavailable.Id, error.ErrorId);
        Assert.True(Engine.Storage.StoreFault.IsTransient(error));
    }

    [Theory]
    [InlineData("own.pfx", null)]
    [InlineData("locked.pfx", Hidden)]
    [InlineData("own.pem", null)]
    public void Q1_a_certificate_is_read_from_pfx_and_pem(string file, string? password)
    {
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest(
            "CN=backup",
            key,
            HashAlgorithmName.SHA256,
            RSASignaturePadding.Pkcs1
        ).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var path = _folder.File(file);
        if (file.EndsWith(".pem", StringComparison.Ordinal))
        {
            File.WriteAllText(path, certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());
        }
        else
        {
            File.WriteAllBytes(path, certificate.Export(X509ContentType.Pkcs12, password));
        }

        Assert.IsType<ClientCertificateCredential>(
            AzureTokens.Create(Options(path, password).Login, new Uri("https://account.blob.core.windows.net"))
        );
        File.WriteAllText(path, "nothing of the kind");
        var error = Assert.Throws<KafkaBackupException>(() =>
            AzureTokens.Create(Options(path, password).Login, new Uri("https://account.blob.core.windows.net"))
        );
        Assert.Equal(ErrorIds.StoreConfiguration.Id, error.ErrorId);
        Assert.DoesNotContain(Hidden, error + error.Advice, StringComparison.Ordinal);
    }

    private static AzureOptions Options(string certificate, string? password) =>
        AzureOptions.From(
            new StoreSettings
            {
                Path = "az://account/container",
                AccessKey = password is null ? null : "any",
                SecretKey = password is null ? null : new Secret(password),
                Options = new Dictionary<string, string>
                {
                    ["tenant_id"] = "tenant",
                    ["client_id"] = "client",
                    ["client_certificate"] = certificate,
                },
            }
        );

    private static KafkaBackupException Explain(Exception thrown)
    {
        var options = AzureOptions.From(
            new StoreSettings
            {
                Path = "az://account/container",
                Secrets = new Dictionary<string, Secret> { ["client_secret"] = new(Hidden) },
                Options = new Dictionary<string, string> { ["tenant_id"] = "tenant", ["client_id"] = "client" },
            }
        );
        using var connection = new AzureConnection(options, AzureLimits.Default, TimeProvider.System, null);
        return new AzureFaults(options, connection).Explain(thrown, AzureCall.Read("object")).Error;
    }
}
