using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Azure.Core;
using Azure.Identity;

namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>
/// The token logins: an application's secret or certificate, or the chain of Azure.Identity. They renew tokens by themselves.
/// </summary>
internal static class AzureTokens
{
    private static readonly (string Host, Uri Authority)[] Clouds =
    [
        (".chinacloudapi.cn", AzureAuthorityHosts.AzureChina),
        (".usgovcloudapi.net", AzureAuthorityHosts.AzureGovernment),
    ];

    /// <exception cref="KafkaBackupException">StoreConfiguration: the certificate cannot be used.</exception>
    public static TokenCredential Create(AzureLogin login, Uri service)
    {
        if (login.ClientSecret is { } secret)
        {
            return new ClientSecretCredential(login.TenantId, login.ClientId, secret, At(new ClientSecretCredentialOptions(), service));
        }

        if (login.Certificate is { } certificate)
        {
            return new ClientCertificateCredential(
                login.TenantId,
                login.ClientId,
                Load(certificate, login.CertificatePassword),
                At(new ClientCertificateCredentialOptions { SendCertificateChain = true }, service)
            );
        }

        var options = At(
            new DefaultAzureCredentialOptions
            {
                // What needs a window, a developer's tool or a browser has no place in a run that nobody watches.
                ExcludeInteractiveBrowserCredential = true,
                ExcludeVisualStudioCredential = true,
                ExcludeVisualStudioCodeCredential = true,
                ExcludeAzureDeveloperCliCredential = true,
                ExcludeBrokerCredential = true,
            },
            service
        );
        if (login.TenantId is { } tenant)
        {
            options.TenantId = tenant;
        }

        if (login.ClientId is { } client)
        {
            options.ManagedIdentityClientId = client;
            options.WorkloadIdentityClientId = client;
        }

        return new DefaultAzureCredential(options);
    }

    private static T At<T>(T options, Uri service)
        where T : TokenCredentialOptions
    {
        options.Diagnostics.IsLoggingEnabled = false;
        options.Diagnostics.IsDistributedTracingEnabled = false;
        if (Clouds.FirstOrDefault(cloud => service.Host.EndsWith(cloud.Host, StringComparison.Ordinal)).Authority is { } authority)
        {
            options.AuthorityHost = authority;
        }

        return options;
    }

    private static X509Certificate2 Load(string certificate, string? password)
    {
        try
        {
            var found = IsThumbprint(certificate) ? FromStore(certificate) : FromFile(certificate, password);
            return found.HasPrivateKey
                ? found
                : throw Refuse($"The certificate '{certificate}' has no private key that this account may use.", null);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw Refuse($"The certificate '{certificate}' cannot be read: {e.Message}", e);
        }
    }

    private static X509Certificate2 FromFile(string file, string? password)
    {
        var isPem = File.ReadAllText(file).Contains("-----BEGIN ", StringComparison.Ordinal);
        return !isPem ? new X509Certificate2(file, password, X509KeyStorageFlags.EphemeralKeySet)
            : password is null ? X509Certificate2.CreateFromPemFile(file)
            : X509Certificate2.CreateFromEncryptedPemFile(file, password);
    }

    private static X509Certificate2 FromStore(string thumbprint)
    {
        foreach (var place in (StoreLocation[])[StoreLocation.CurrentUser, StoreLocation.LocalMachine])
        {
            // Other systems than Windows have no store of the machine's own certificates.
            if (place == StoreLocation.LocalMachine && !OperatingSystem.IsWindows())
            {
                continue;
            }

            using var store = new X509Store(StoreName.My, place);
            store.Open(OpenFlags.ReadOnly);
            if (store.Certificates.Find(X509FindType.FindByThumbprint, thumbprint, validOnly: false) is [var found, ..])
            {
                return found;
            }
        }

        throw Refuse($"There is no certificate with the thumbprint '{thumbprint}' in the personal store of this user or machine.", null);
    }

    private static bool IsThumbprint(string text) => text.Length == 40 && text.All(char.IsAsciiHexDigit);

    private static KafkaBackupException Refuse(string message, Exception? cause) =>
        ErrorIds.StoreConfiguration.With(
            message,
            "client_certificate",
            "Give a PFX or PEM file with its private key, or a thumbprint; the password of a file goes into -StorageCredential.",
            cause
        );
}
