using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace KafkaBackup.Engine.Wire.Security;

/// <summary>What one handshake found wrong with a broker's certificate.</summary>
internal sealed class TlsJudgement(TimeProvider clock)
{
    public WireFailure? Kind { get; private set; }

    /// <summary>For a sentence that ends with it.</summary>
    public string Reason { get; private set; } = "";

    public bool Accept(TlsOptions options, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (!options.CheckCertificate)
        {
            return true;
        }

        if (certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
        {
            return Refuse(WireFailure.TlsUntrusted, "the broker shows no certificate");
        }

        using var shown = new X509Certificate2(certificate);
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
        {
            return RefuseChain(shown, chain);
        }

        return !errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)
            || !options.CheckHostName
            || Refuse(WireFailure.TlsHostName, $"it is for {Names(shown)}");
    }

    private bool RefuseChain(X509Certificate2 shown, X509Chain? chain)
    {
        var statuses = chain?.ChainStatus ?? [];
        if (statuses.Any(status => status.Status == X509ChainStatusFlags.NotTimeValid))
        {
            var now = clock.GetUtcNow();
            var late = (chain?.ChainElements.Select(element => element.Certificate) ?? [shown]).FirstOrDefault(certificate =>
                certificate.NotAfter.ToUniversalTime() < now
            );
            return late is not null
                ? Refuse(WireFailure.TlsExpired, $"'{late.Subject}' expired on {Day(late.NotAfter)}")
                : Refuse(WireFailure.TlsExpired, $"'{shown.Subject}' is valid from {Day(shown.NotBefore)} only");
        }

        if (
            statuses.Any(status =>
                status.Status
                    is X509ChainStatusFlags.PartialChain
                        or X509ChainStatusFlags.UntrustedRoot
                        or X509ChainStatusFlags.NotSignatureValid
            )
        )
        {
            return Refuse(
                WireFailure.TlsUntrusted,
                shown.Subject == shown.Issuer
                    ? $"'{shown.Subject}' is self-signed"
                    : $"no trusted authority signed it (issuer '{shown.Issuer}')"
            );
        }

        return Refuse(
            WireFailure.TlsUntrusted,
            statuses.Length == 0 ? "it cannot be verified" : statuses[0].StatusInformation.Trim().TrimEnd('.')
        );
    }

    private bool Refuse(WireFailure kind, string reason)
    {
        Kind = kind;
        Reason = reason;
        return false;
    }

    private static string Day(DateTime when) => when.ToUniversalTime().ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);

    private static string Names(X509Certificate2 certificate)
    {
        var alternative = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        var names = alternative is null
            ? []
            : alternative.EnumerateDnsNames().Concat(alternative.EnumerateIPAddresses().Select(ip => ip.ToString())).Take(5).ToList();
        return names.Count == 0 ? $"'{certificate.Subject}'" : string.Join(", ", names.Select(name => $"'{name}'"));
    }
}
