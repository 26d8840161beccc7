using System.ComponentModel;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using KafkaBackup.Engine.Wire.Security;

namespace KafkaBackup.Engine.Wire.Connections;

/// <summary>How far a connection had come when it broke: a broker that closes without a word says something by when it does.</summary>
internal enum ConnectionPhase
{
    /// <summary>ApiVersions is under way; nothing was answered yet.</summary>
    Greeting,

    /// <summary>The SASL exchange is under way.</summary>
    Login,

    /// <summary>Ready for requests, but none was answered yet.</summary>
    Untried,

    /// <summary>Requests were answered.</summary>
    Working,
}

/// <summary>Turns what the system says of a connection into a kind and a sentence.</summary>
internal static class ConnectionFaults
{
    public static WireException UnknownHost(WireAddress address, Exception? cause) =>
        Fault(
            WireFailure.HostUnknown,
            address,
            $"The broker at {address} cannot be reached: the host name '{address.Host}' is not known",
            cause
        );

    public static WireException Connect(WireAddress address, SocketException failed) =>
        failed.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => Fault(
                WireFailure.Refused,
                address,
                $"The broker at {address} cannot be reached: nothing listens there",
                failed
            ),
            SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData => UnknownHost(address, failed),
            _ => Fault(WireFailure.Unreachable, address, $"The broker at {address} cannot be reached: {Words(failed)}", failed),
        };

    /// <summary>The time for connecting is over.</summary>
    public static WireException TooSlow(WireAddress address, string phase, TimeSpan allowed) =>
        Fault(WireFailure.Unreachable, address, $"The broker at {address} {phase} within {allowed.TotalSeconds:0.#} s", null);

    public static WireException Handshake(WireAddress address, Exception failed, TlsJudgement judgement)
    {
        if (judgement.Kind is { } kind)
        {
            var what = kind switch
            {
                WireFailure.TlsHostName => $"The certificate of the broker at {address} is for another host: {judgement.Reason}",
                WireFailure.TlsExpired => $"The certificate of the broker at {address} is out of date: {judgement.Reason}",
                _ => $"The certificate of the broker at {address} is not trusted: {judgement.Reason}",
            };
            return Fault(kind, address, what, failed);
        }

        var text = AllWords(failed);
        if (SpeaksOfClientCertificate(text))
        {
            return Fault(
                WireFailure.TlsClientCertificate,
                address,
                $"The broker at {address} did not accept this client's certificate: {Words(failed)}",
                failed
            );
        }

        // A listener without TLS takes the handshake for a request of an absurd size and hangs up, or answers with something that is no
        // TLS.
        var hungUp =
            failed is IOException
            || Has(text, "unexpected EOF")
            || Has(text, "Cannot determine the frame size")
            || Has(text, "wrong version number");
        return hungUp
            ? Fault(
                WireFailure.TlsNotSpoken,
                address,
                $"The listener at {address} does not speak TLS, but this client was told to use it",
                failed
            )
            : Fault(WireFailure.TlsFailed, address, $"The TLS handshake with the broker at {address} failed: {Words(failed)}", failed);
    }

    /// <summary>The other side closed the connection, or it broke.</summary>
    /// <param name="failed">Null when it was closed in an orderly way.</param>
    public static WireException Lost(WireAddress address, ConnectionPhase phase, WireTransport transport, bool loggedIn, Exception? failed)
    {
        if (failed is not null && transport.IsTls && phase is ConnectionPhase.Greeting && SpeaksOfClientCertificate(AllWords(failed)))
        {
            return ClientCertificate(address, transport, failed);
        }

        return phase switch
        {
            ConnectionPhase.Greeting when transport.IsTls => ClientCertificate(address, transport, failed),
            ConnectionPhase.Greeting => Fault(
                WireFailure.TlsExpected,
                address,
                $"The broker at {address} closed the connection at once; "
                    + "its listener seems to speak TLS, which this client was not told to use",
                failed
            ),
            ConnectionPhase.Login => Fault(
                WireFailure.LoginRefused,
                address,
                $"The broker at {address} closed the connection during the login, without saying why",
                failed
            ),
            ConnectionPhase.Untried when !loggedIn => Fault(
                WireFailure.LoginExpected,
                address,
                $"The broker at {address} closed the connection as soon as it was asked something; "
                    + "its listener seems to demand a login",
                failed
            ),
            _ => Fault(
                WireFailure.ConnectionLost,
                address,
                failed is null
                    ? $"The broker at {address} closed the connection"
                    : $"The connection to the broker at {address} broke: {Words(failed)}",
                failed
            ),
        };
    }

    /// <summary>What was received is no frame of Kafka's.</summary>
    public static WireException NoFrame(
        WireAddress address,
        ConnectionPhase phase,
        bool tls,
        ReadOnlySpan<byte> start,
        int length,
        int most
    )
    {
        const byte tlsAlert = 0x15;
        const byte tlsMajor = 0x03;
        if (!tls && phase == ConnectionPhase.Greeting && start is [tlsAlert, tlsMajor, ..])
        {
            return Fault(
                WireFailure.TlsExpected,
                address,
                $"The listener at {address} speaks TLS, which this client was not told to use",
                null
            );
        }

        if (phase == ConnectionPhase.Greeting && start.StartsWith("HTTP"u8))
        {
            return Fault(WireFailure.NotKafka, address, $"What answers at {address} is a web server, not a Kafka broker", null);
        }

        return phase == ConnectionPhase.Greeting
            ? Fault(
                WireFailure.NotKafka,
                address,
                $"What answers at {address} does not speak Kafka's protocol (its answer begins with {Printable(start)})",
                null
            )
            : Fault(
                WireFailure.Malformed,
                address,
                $"The broker at {address} sends an answer of {length:N0} bytes; {most:N0} is the most that is accepted",
                null
            );
    }

    public static WireException Closed(WireAddress address) =>
        Fault(WireFailure.Closed, address, $"The connection to the broker at {address} was closed by this client", null);

    public static WireException Fault(WireFailure kind, WireAddress address, string what, Exception? cause) =>
        new(kind, what.TrimEnd('.') + ".", cause) { Address = address.ToString() };

    private static WireException ClientCertificate(WireAddress address, WireTransport transport, Exception? failed) =>
        Fault(
            WireFailure.TlsClientCertificate,
            address,
            transport.ShowedCertificate
                ? $"The broker at {address} closed the connection right after the TLS handshake; "
                    + "it does not seem to accept this client's certificate"
                : $"The broker at {address} closed the connection right after the TLS handshake; it seems to demand a client certificate",
            failed
        );

    private static bool SpeaksOfClientCertificate(string text) =>
        Has(text, "certificate required")
        || Has(text, "bad certificate")
        || Has(text, "unknown ca")
        || Has(text, "certificate unknown")
        || Has(text, "certificate expired");

    private static bool Has(string text, string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);

    /// <summary>The innermost words say the most; the outer ones send the reader there.</summary>
    private static string Words(Exception failed)
    {
        var inner = failed;
        while (inner.InnerException is AuthenticationException or IOException or SocketException or Win32Exception)
        {
            inner = inner.InnerException;
        }

        return inner.Message.Trim().TrimEnd('.');
    }

    private static string AllWords(Exception? failed)
    {
        var text = new StringBuilder();
        for (; failed is not null; failed = failed.InnerException)
        {
            text.Append(failed.Message).Append('\n');
        }

        return text.ToString();
    }

    private static string Printable(ReadOnlySpan<byte> start) =>
        $"the bytes {Convert.ToHexString(start[..Math.Min(start.Length, 8)]).ToLowerInvariant()}";
}
