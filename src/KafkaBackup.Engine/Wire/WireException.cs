namespace KafkaBackup.Engine.Wire;

/// <summary>What kind of thing went wrong between this process and a broker; each kind has one remedy.</summary>
internal enum WireFailure
{
    /// <summary>The host name does not resolve.</summary>
    HostUnknown,

    /// <summary>The host is there, but nothing listens on the port.</summary>
    Refused,

    /// <summary>No answer to the connection attempt: host down, firewall, wrong network.</summary>
    Unreachable,

    /// <summary>A connection that worked was closed or broke.</summary>
    ConnectionLost,

    /// <summary>A request got no answer in the time allowed.</summary>
    RequestTimedOut,

    /// <summary>The TLS handshake failed for a reason that has no kind of its own.</summary>
    TlsFailed,

    TlsUntrusted,
    TlsHostName,
    TlsExpired,

    /// <summary>The broker wants a client certificate, or does not accept the one given.</summary>
    TlsClientCertificate,

    /// <summary>The listener speaks TLS, this client does not.</summary>
    TlsExpected,

    /// <summary>The listener does not speak TLS, this client does.</summary>
    TlsNotSpoken,

    /// <summary>A certificate or key file cannot be read, or its password is wrong.</summary>
    TlsFile,

    /// <summary>User name, password, token or ticket were refused.</summary>
    LoginRefused,

    /// <summary>The listener does not offer the SASL mechanism.</summary>
    MechanismNotEnabled,

    /// <summary>The listener wants a login, this client has none.</summary>
    LoginExpected,

    /// <summary>The listener wants no login, this client has one.</summary>
    LoginNotAsked,

    /// <summary>The token or ticket for the login could not be obtained.</summary>
    LoginSource,

    /// <summary>What answers is no Kafka broker.</summary>
    NotKafka,

    /// <summary>An answer does not follow the protocol.</summary>
    Malformed,

    /// <summary>The broker does not know a request, or not in a version that says what is needed.</summary>
    VersionUnsupported,

    /// <summary>The broker answered with one of Kafka's error codes.</summary>
    ErrorCode,

    /// <summary>This client was closed while the request was under way.</summary>
    Closed,
}

/// <summary>A fault between this process and a broker, in a sentence that names the address.</summary>
internal sealed class WireException(WireFailure kind, string message, Exception? cause = null) : Exception(message, cause)
{
    public WireFailure Kind { get; } = kind;

    /// <summary>
    /// The broker's own code, when <see cref="Kind"/> is <see cref="WireFailure.ErrorCode"/> or the broker gave one for a login.
    /// </summary>
    public WireErrorCode Code { get; init; }

    /// <summary>Host and port that were talked to.</summary>
    public string? Address { get; init; }

    /// <summary>Whether the same thing may succeed later without anybody changing anything.</summary>
    public bool IsTransient =>
        Kind
            is WireFailure.Refused
                or WireFailure.Unreachable
                or WireFailure.ConnectionLost
                or WireFailure.RequestTimedOut
                or WireFailure.LoginSource
        || (Kind == WireFailure.ErrorCode && Code.IsRetriable());

    /// <summary>A fresh exception with the same content, for each of several callers that wait for one and the same thing.</summary>
    public WireException Again() => new(Kind, Message, this) { Code = Code, Address = Address };

    public static WireException Refused(WireErrorCode code, string what, string? brokersText = null, string? address = null) =>
        new(
            WireFailure.ErrorCode,
            brokersText is null ? $"{what}: {code.KafkaName()}." : $"{what}: {code.KafkaName()} ({brokersText.Trim().TrimEnd('.')})."
        )
        {
            Code = code,
            Address = address,
        };
}
