namespace KafkaBackup.Engine.Wire.Security;

/// <summary>TLS to the brokers. The files are read once, when the first connection is made.</summary>
internal sealed record TlsOptions
{
    /// <summary><c>ssl.ca.location</c>: one file of PEM certificates; null trusts what the system trusts.</summary>
    public string? CaFile { get; init; }

    /// <summary><c>ssl.ca.pem</c>.</summary>
    public string? CaPem { get; init; }

    /// <summary><c>ssl.certificate.location</c>: the client's certificate and those between it and its authority, as PEM.</summary>
    public string? CertificateFile { get; init; }

    /// <summary><c>ssl.certificate.pem</c>.</summary>
    public string? CertificatePem { get; init; }

    /// <summary><c>ssl.key.location</c>; null takes the key from the certificate's file.</summary>
    public string? KeyFile { get; init; }

    /// <summary><c>ssl.key.pem</c>.</summary>
    public Secret? KeyPem { get; init; }

    /// <summary><c>ssl.key.password</c>.</summary>
    public Secret? KeyPassword { get; init; }

    /// <summary><c>ssl.keystore.location</c>: PKCS#12, instead of certificate and key.</summary>
    public string? KeyStoreFile { get; init; }

    /// <summary><c>ssl.keystore.password</c>.</summary>
    public Secret? KeyStorePassword { get; init; }

    /// <summary><c>ssl.endpoint.identification.algorithm</c>: https, or none.</summary>
    public bool CheckHostName { get; init; } = true;

    /// <summary><c>enable.ssl.certificate.verification</c>.</summary>
    public bool CheckCertificate { get; init; } = true;
}
