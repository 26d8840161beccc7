using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KafkaBackup.Engine.Wire.Security;

/// <summary>
/// Certificates and keys, read from their files: the authorities to trust, and what this client shows. Used by all connections of a
/// cluster.
/// </summary>
internal sealed class TlsMaterial : IDisposable
{
    private readonly TlsOptions _options;
    private readonly X509Certificate2Collection _authorities = [];
    private readonly X509Certificate2Collection _own = [];
    private readonly SslStreamCertificateContext? _shown;

    public TlsMaterial(TlsOptions options)
    {
        _options = options;
        try
        {
            ReadAuthorities();
            _shown = ReadOwn();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public bool ShowsCertificate => _shown is not null;

    /// <param name="judgement">Keeps what is wrong with the broker's certificate, for the error message.</param>
    public SslClientAuthenticationOptions ForHost(string host, TlsJudgement judgement)
    {
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = host,
            ClientCertificateContext = _shown,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) => judgement.Accept(_options, certificate, chain, errors),
        };
        if (_authorities.Count > 0)
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            policy.CustomTrustStore.AddRange(_authorities);
            options.CertificateChainPolicy = policy;
        }

        return options;
    }

    public void Dispose()
    {
        foreach (var certificate in _authorities.Concat(_own))
        {
            certificate.Dispose();
        }
    }

    private void ReadAuthorities()
    {
        if (_options.CaPem is not null)
        {
            Import(_options.CaPem, "the CA certificate that was given as text");
        }

        if (_options.CaFile is not null)
        {
            Import(ReadText(_options.CaFile, "CA certificate"), $"the CA certificate '{_options.CaFile}'");
        }

        void Import(string pem, string what)
        {
            try
            {
                var before = _authorities.Count;
                _authorities.ImportFromPem(pem);
                if (_authorities.Count == before)
                {
                    throw Unreadable($"There is no certificate in {what}; it must be PEM text.", null);
                }
            }
            catch (CryptographicException unreadable)
            {
                throw Unreadable($"A certificate in {what} cannot be read ({unreadable.Message.TrimEnd('.')}).", unreadable);
            }
        }
    }

    private SslStreamCertificateContext? ReadOwn()
    {
        if (_options.KeyStoreFile is { } store)
        {
            ReadKeyStore(store);
        }
        else if (_options.CertificatePem is not null || _options.CertificateFile is not null)
        {
            ReadPem();
        }
        else
        {
            return null;
        }

        var leaf = _own.First(certificate => certificate.HasPrivateKey);
        return SslStreamCertificateContext.Create(leaf, _own, offline: true);
    }

    private void ReadKeyStore(string path)
    {
        var bytes = ReadFile(path, "keystore");
        try
        {
            _own.Import(bytes, _options.KeyStorePassword?.Reveal(), X509KeyStorageFlags.DefaultKeySet);
        }
        catch (CryptographicException unreadable)
        {
            throw Unreadable(
                $"The keystore '{path}' cannot be opened: its password is wrong or missing, or it is not PKCS#12.",
                unreadable
            );
        }

        if (!_own.Any(certificate => certificate.HasPrivateKey))
        {
            throw Unreadable($"The keystore '{path}' holds no private key.", null);
        }
    }

    private void ReadPem()
    {
        var what = _options.CertificateFile is null
            ? "the client certificate that was given as text"
            : $"the client certificate '{_options.CertificateFile}'";
        var pem = _options.CertificatePem ?? ReadText(_options.CertificateFile!, "client certificate");
        var key = _options.KeyPem?.Reveal() ?? (_options.KeyFile is null ? pem : ReadText(_options.KeyFile, "client key"));
        var keyName =
            _options.KeyPem is not null ? "the client key that was given as text"
            : _options.KeyFile is null ? what
            : $"the client key '{_options.KeyFile}'";
        try
        {
            var encrypted = key.Contains("BEGIN ENCRYPTED PRIVATE KEY", StringComparison.Ordinal);
            if (encrypted && _options.KeyPassword is null)
            {
                throw Unreadable($"The key in {keyName} is encrypted, and no password for it is given.", null);
            }

            using var loaded = encrypted
                ? X509Certificate2.CreateFromEncryptedPem(pem, key, _options.KeyPassword!.Reveal())
                : X509Certificate2.CreateFromPem(pem, key);

            // A key that exists in memory only is refused by Windows; through PKCS#12 every system takes it.
            _own.Add(new X509Certificate2(loaded.Export(X509ContentType.Pkcs12)));
            var all = new X509Certificate2Collection();
            all.ImportFromPem(pem);
            foreach (var certificate in all)
            {
                if (certificate.RawDataMemory.Span.SequenceEqual(loaded.RawDataMemory.Span))
                {
                    certificate.Dispose();
                }
                else
                {
                    _own.Add(certificate);
                }
            }
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or ArgumentException)
        {
            throw Unreadable(
                $"Certificate and key cannot be loaded from {what} and {keyName}: one of them is not PEM, they do not belong together, "
                    + $"or the key's password is wrong ({unreadable.Message.TrimEnd('.')}).",
                unreadable
            );
        }
    }

    private static string ReadText(string path, string what) => System.Text.Encoding.UTF8.GetString(ReadFile(path, what));

    private static byte[] ReadFile(string path, string what)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw Unreadable($"The {what} '{path}' cannot be read: {unreadable.Message.TrimEnd('.')}.", unreadable);
        }
    }

    private static WireException Unreadable(string message, Exception? cause) => new(WireFailure.TlsFile, message, cause);
}
