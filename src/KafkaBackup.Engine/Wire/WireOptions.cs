using KafkaBackup.Engine.Wire.Primitives;
using KafkaBackup.Engine.Wire.Security;

namespace KafkaBackup.Engine.Wire;

/// <summary>How a cluster is reached. Each property says which of librdkafka's settings it stands for.</summary>
internal sealed record WireOptions
{
    /// <summary><c>bootstrap.servers</c>: any one of them is enough.</summary>
    public required IReadOnlyList<WireAddress> Bootstrap { get; init; }

    /// <summary><c>client.id</c>: in the broker's logs, quotas and metrics.</summary>
    public string ClientId { get; init; } = "kafkabackup";

    /// <summary>The name that brokers count clients by (KIP-511); letters, digits, dots and dashes.</summary>
    public string SoftwareName { get; init; } = "kafkabackup";

    public string SoftwareVersion { get; init; } = "0";

    /// <summary><c>client.rack</c>: where this client is; empty for nowhere.</summary>
    public string Rack { get; init; } = "";

    /// <summary><c>socket.connection.setup.timeout.ms</c>: for TCP, TLS and the login together.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary><c>socket.timeout.ms</c>: until a request is answered, on top of what the broker was asked to wait.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long requests that any broker can answer are tried again when connections fail.</summary>
    public TimeSpan RetryTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long one broker may take for what another one can answer too.</summary>
    public TimeSpan PatienceWithOne { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// <c>reconnect.backoff.ms</c> and <c>reconnect.backoff.max.ms</c>: doubled from the one to the other, with a fifth of jitter.
    /// </summary>
    public TimeSpan ReconnectBackoff { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan ReconnectBackoffMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary><c>retry.backoff.ms</c>: between two requests for metadata.</summary>
    public TimeSpan RetryBackoff { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary><c>metadata.max.age.ms</c>: metadata that is older is asked for again when it is next needed.</summary>
    public TimeSpan MetadataMaxAge { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary><c>receive.message.max.bytes</c>: a larger answer is refused before room is made for it.</summary>
    public int MaxAnswerBytes { get; init; } = 512 << 20;

    /// <summary><c>socket.send.buffer.bytes</c>, <c>socket.receive.buffer.bytes</c>: 0 leaves them to the system.</summary>
    public int SendBufferBytes { get; init; }

    public int ReceiveBufferBytes { get; init; }

    /// <summary><c>socket.keepalive.enable</c>.</summary>
    public bool KeepAlive { get; init; } = true;

    /// <summary><c>socket.nagle.disable</c>.</summary>
    public bool NoDelay { get; init; } = true;

    /// <summary><c>broker.address.family</c>.</summary>
    public WireAddressFamily AddressFamily { get; init; } = WireAddressFamily.Any;

    /// <summary>Connections for data to each broker, apart from the one for everything else.</summary>
    public int DataConnections { get; init; } = 2;

    /// <summary><c>security.protocol</c> SSL or SASL_SSL; null for a connection without TLS.</summary>
    public TlsOptions? Tls { get; init; }

    /// <summary><c>security.protocol</c> SASL_PLAINTEXT or SASL_SSL; null for no login.</summary>
    public SaslLogin? Sasl { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Shared by several clusters of one job; null for one of its own.</summary>
    public WireBufferPool? Buffers { get; init; }

    /// <summary>Called when a quota holds a request back, from whichever thread received the answer.</summary>
    public Action<WireThrottle>? Throttled { get; init; }
}

internal enum WireAddressFamily
{
    Any,
    V4,
    V6,
}

/// <param name="Broker">-1 while the broker's id is not known yet.</param>
/// <param name="ClientWaits">True when this client now waits for that time; false when the broker has waited already.</param>
internal readonly record struct WireThrottle(int Broker, string Address, ApiKey Api, TimeSpan Time, bool ClientWaits);

/// <summary>A host with its port.</summary>
internal readonly record struct WireAddress(string Host, int Port)
{
    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    /// <summary>
    /// Reads <c>host:port</c>, <c>[v6]:port</c>, a host alone (port 9092) and the same behind <c>PROTOCOL://</c>, as librdkafka does.
    /// </summary>
    public static bool TryParse(string text, out WireAddress address)
    {
        address = default;
        var rest = text.Trim();
        var scheme = rest.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0)
        {
            rest = rest[(scheme + 3)..];
        }

        var port = 9092;
        string host;
        if (rest.StartsWith('['))
        {
            var close = rest.IndexOf(']', StringComparison.Ordinal);
            if (close < 0 || (close + 1 < rest.Length && rest[close + 1] != ':'))
            {
                return false;
            }

            host = rest[1..close];
            if (close + 1 < rest.Length && !TryPort(rest[(close + 2)..], out port))
            {
                return false;
            }
        }
        else
        {
            var colon = rest.LastIndexOf(':');
            var several = colon >= 0 && rest.IndexOf(':', StringComparison.Ordinal) != colon;
            host = colon < 0 || several ? rest : rest[..colon];
            if (colon >= 0 && !several && !TryPort(rest[(colon + 1)..], out port))
            {
                return false;
            }
        }

        if (host.Length == 0 || host.Any(char.IsWhiteSpace))
        {
            return false;
        }

        address = new WireAddress(host, port);
        return true;
    }

    private static bool TryPort(string text, out int port) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out port)
        && port is > 0 and <= 65535;
}
