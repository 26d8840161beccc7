using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KafkaBackup.LocalBroker.Security;

/// <summary>
/// An authority of the cluster's own, with a server and a client certificate, as PEM files that clients can be pointed at.
/// </summary>
public sealed class CertificateSet : IDisposable
{
    private readonly X509Certificate2 _authority;

    private CertificateSet(string directory, X509Certificate2 authority, X509Certificate2 server)
    {
        _authority = authority;
        Server = server;
        AuthorityPath = Path.Combine(directory, "ca.pem");
        ClientCertificatePath = Path.Combine(directory, "client.pem");
        ClientKeyPath = Path.Combine(directory, "client.key");
    }

    /// <summary>For <c>ssl.ca.location</c>.</summary>
    public string AuthorityPath { get; }

    /// <summary>For <c>ssl.certificate.location</c>. Its name is <c>CN=local-client</c>.</summary>
    public string ClientCertificatePath { get; }

    /// <summary>For <c>ssl.key.location</c>.</summary>
    public string ClientKeyPath { get; }

    internal X509Certificate2 Server { get; }

    /// <param name="serverName">Null for the names by which this machine is really reached.</param>
    internal static CertificateSet Create(string directory, DateTimeOffset now, string? serverName = null)
    {
        Directory.CreateDirectory(directory);
        var from = now.AddDays(-1);
        var until = now.AddDays(30);
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest("CN=local-authority", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        authorityRequest.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true)
        );
        var keyId = new X509SubjectKeyIdentifierExtension(authorityRequest.PublicKey, false);
        authorityRequest.CertificateExtensions.Add(keyId);
        var authority = authorityRequest.CreateSelfSigned(from, until);

        const string serverUse = "1.3.6.1.5.5.7.3.1";
        const string clientUse = "1.3.6.1.5.5.7.3.2";
        using var server = Issue($"CN={serverName ?? "localhost"}", serverUse);
        using var client = Issue("CN=local-client", clientUse);

        // A key that lives only in memory is refused by some TLS stacks; through PKCS #12 every one of them takes it.
        var set = new CertificateSet(directory, authority, new X509Certificate2(server.Export(X509ContentType.Pkcs12)));
        File.WriteAllText(set.AuthorityPath, authority.ExportCertificatePem());
        File.WriteAllText(set.ClientCertificatePath, client.ExportCertificatePem());
        using var clientKey = client.GetECDsaPrivateKey()!;
        File.WriteAllText(set.ClientKeyPath, clientKey.ExportPkcs8PrivateKeyPem());
        return set;

        X509Certificate2 Issue(string subject, string use)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], false));
            request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(keyId));
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(serverName ?? "localhost");
            if (serverName is null)
            {
                names.AddIpAddress(IPAddress.Loopback);
            }

            request.CertificateExtensions.Add(names.Build());
            using var issued = request.Create(authority, from, until, RandomNumberGenerator.GetBytes(8));
            return issued.CopyWithPrivateKey(key);
        }
    }

    /// <summary>Whether a client's certificate was issued by this authority.</summary>
    internal bool Accepts(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    public void Dispose()
    {
        _authority.Dispose();
        Server.Dispose();
    }
}
