using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace KafkaBackup.LocalBroker.Security;

/// <summary>Turns an accepted socket into the stream that requests come over: plain, or TLS with or without client certificates.</summary>
internal sealed class TlsGate(CertificateSet? certificates, bool requireClientCertificate)
{
    private const string Anonymous = "ANONYMOUS";

    /// <summary>Null when the handshake failed; the socket is closed then.</summary>
    public async Task<(Stream Stream, string User)?> Open(Socket socket, CancellationToken cancel)
    {
        var plain = new NetworkStream(socket, ownsSocket: true);
        if (certificates is null)
            return (plain, Anonymous);
        var secured = new SslStream(plain, leaveInnerStreamOpen: false);
        try
        {
            await secured
                .AuthenticateAsServerAsync(
                    new SslServerAuthenticationOptions
                    {
                        ServerCertificate = certificates.Server,
                        ClientCertificateRequired = requireClientCertificate,
                        RemoteCertificateValidationCallback = Validate,
                    },
                    cancel
                )
                .ConfigureAwait(false);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or SocketException or OperationCanceledException)
        {
            await secured.DisposeAsync().ConfigureAwait(false);
            return null;
        }

        return (secured, secured.RemoteCertificate?.Subject ?? Anonymous);
    }

    private bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null)
            return !requireClientCertificate;
        using var copy = new X509Certificate2(certificate);
        return certificates!.Accepts(copy);
    }
}
