using System.Globalization;
using System.Security.Cryptography;
using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Security;

namespace KafkaBackup.Engine.Cluster;

/// <summary>How the user's fetch.* options change what is asked for; null where they say nothing.</summary>
internal sealed record FetchTuning
{
    /// <summary><c>fetch.max.bytes</c>.</summary>
    public int? MaxBytes { get; init; }

    /// <summary><c>fetch.message.max.bytes</c>, <c>max.partition.fetch.bytes</c>.</summary>
    public int? PartitionBytes { get; init; }

    /// <summary><c>fetch.wait.max.ms</c>: the longest that a broker may wait for new records.</summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary><c>fetch.min.bytes</c>.</summary>
    public int MinBytes { get; init; } = 1;

    /// <summary><c>fetch.error.backoff.ms</c>: the pause after an answer with a passing error.</summary>
    public TimeSpan ErrorBackoff { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary><c>topic.metadata.propagation.max.ms</c>: a topic that does not exist is reported after this time, in case it has only just
    /// been created.</summary>
    public TimeSpan UnknownTopicPatience { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>How the user's options change what is sent; null where they say nothing.</summary>
internal sealed record ProduceTuning
{
    /// <summary><c>compression.type</c>, <c>compression.codec</c>.</summary>
    public string? Compression { get; init; }

    /// <summary><c>compression.level</c>.</summary>
    public int? CompressionLevel { get; init; }

    /// <summary><c>linger.ms</c>, <c>queue.buffering.max.ms</c>: how long records wait for their batch to fill.</summary>
    public TimeSpan? Linger { get; init; }

    /// <summary><c>request.timeout.ms</c>: how long a leader may wait for its followers.</summary>
    public TimeSpan ReplicaWait { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// <c>socket.timeout.ms</c>: how much longer its answer is waited for. Sending again does no harm (rule L6), so the default is short.
    /// </summary>
    public TimeSpan AnswerMargin { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>A cluster's settings, which are librdkafka's properties, in Wire's words.</summary>
internal sealed class WireSettings : IDisposable
{
    /// <summary>Kafka's own clients send no larger batch than a gibibyte, and an answer may hold little beside one.</summary>
    private const int LargestAnswer = (1 << 30) + (1 << 24);

    private readonly ClientConfiguration _configuration;
    private readonly List<IDisposable> _owned = [];

    /// <exception cref="KafkaBackupException">InvalidKafkaOption, ClusterTls, MissingSettings.</exception>
    public WireSettings(ClientConfiguration configuration)
    {
        _configuration = configuration;
        try
        {
            foreach (var (name, value) in configuration.UserOptions)
            {
                DataPathOptions.Check(name, value);
            }

            var defaults = new WireOptions { Bootstrap = [] };
            var protocol = (Find("security.protocol") ?? "plaintext").ToUpperInvariant();
            Options = defaults with
            {
                Bootstrap = [.. configuration.Servers.Select(Address)],
                ClientId = Find("client.id") ?? defaults.ClientId,
                SoftwareVersion = typeof(WireSettings).Assembly.GetName().Version?.ToString(3) ?? defaults.SoftwareVersion,
                Rack = configuration.UserOptions.GetValueOrDefault("client.rack") ?? "",
                ConnectTimeout = Milliseconds("socket.connection.setup.timeout.ms") ?? defaults.ConnectTimeout,
                RequestTimeout = Milliseconds("socket.timeout.ms") ?? defaults.RequestTimeout,
                ReconnectBackoff = Milliseconds("reconnect.backoff.ms") ?? defaults.ReconnectBackoff,
                ReconnectBackoffMax = Milliseconds("reconnect.backoff.max.ms") ?? defaults.ReconnectBackoffMax,
                RetryBackoff = Milliseconds("retry.backoff.ms") ?? defaults.RetryBackoff,
                MetadataMaxAge = Milliseconds("metadata.max.age.ms") ?? defaults.MetadataMaxAge,
                MaxAnswerBytes = LargestAnswer,
                SendBufferBytes = Number("socket.send.buffer.bytes") ?? 0,
                ReceiveBufferBytes = Number("socket.receive.buffer.bytes") ?? 0,
                KeepAlive = Flag("socket.keepalive.enable") ?? defaults.KeepAlive,
                NoDelay = Flag("socket.nagle.disable") ?? defaults.NoDelay,
                AddressFamily = Find("broker.address.family")?.ToLowerInvariant() switch
                {
                    "v4" => WireAddressFamily.V4,
                    "v6" => WireAddressFamily.V6,
                    _ => WireAddressFamily.Any,
                },
                DataConnections = WireConnections.MostLanes,
                Tls = protocol is "SSL" or "SASL_SSL" ? Tls() : null,
                Sasl = protocol is "SASL_PLAINTEXT" or "SASL_SSL" ? Login(defaults.Clock) : null,
            };
            Fetch = Fetching(new FetchTuning());
            Produce = Producing(new ProduceTuning());
        }
        catch (WireException unusable)
        {
            Dispose();
            throw WireErrors.Describe(unusable, configuration);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public WireOptions Options { get; }

    public FetchTuning Fetch { get; }

    public ProduceTuning Produce { get; }

    /// <summary>Says which of the user's options have no effect on records, each with its reason.</summary>
    public void Explain(IEngineEvents events)
    {
        foreach (var name in _configuration.UserOptions.Keys.Order(StringComparer.Ordinal))
        {
            if (DataPathOptions.WhyIdle(name) is { } reason)
            {
                events.Verbose($"The option '{name}' has no effect on the reading and writing of records: {reason}.");
            }
        }
    }

    public void Dispose()
    {
        foreach (var owned in Enumerable.Reverse(_owned))
        {
            owned.Dispose();
        }

        _owned.Clear();
    }

    private static WireAddress Address(string text) =>
        WireAddress.TryParse(text, out var address)
            ? address
            : throw ErrorIds.MissingSettings.With(
                $"'{text}' in bootstrap_servers is not an address.",
                "bootstrap_servers",
                "Give each broker as host:port."
            );

    private FetchTuning Fetching(FetchTuning defaults) =>
        defaults with
        {
            MaxBytes = Number("fetch.max.bytes"),
            PartitionBytes = Number("fetch.message.max.bytes", "max.partition.fetch.bytes"),
            MaxWait = Milliseconds("fetch.wait.max.ms") ?? defaults.MaxWait,
            MinBytes = Number("fetch.min.bytes") ?? defaults.MinBytes,
            ErrorBackoff = Milliseconds("fetch.error.backoff.ms") ?? defaults.ErrorBackoff,
            UnknownTopicPatience = Milliseconds("topic.metadata.propagation.max.ms") ?? defaults.UnknownTopicPatience,
        };

    private ProduceTuning Producing(ProduceTuning defaults) =>
        defaults with
        {
            Compression = Find("compression.type", "compression.codec")?.ToLowerInvariant(),
            CompressionLevel = Number("compression.level") is { } level and >= 0 ? level : null,
            Linger = Real("linger.ms", "queue.buffering.max.ms") is { } linger ? TimeSpan.FromMilliseconds(linger) : null,
            ReplicaWait = Milliseconds("request.timeout.ms") ?? defaults.ReplicaWait,
            AnswerMargin = Milliseconds("socket.timeout.ms") ?? defaults.AnswerMargin,
        };

    private TlsOptions Tls() =>
        new()
        {
            CaFile = Authorities("ssl.ca.location"),
            CaPem = Find("ssl.ca.pem"),
            CertificateFile = Find("ssl.certificate.location"),
            CertificatePem = Find("ssl.certificate.pem"),
            KeyFile = Find("ssl.key.location"),
            KeyPem = Hidden("ssl.key.pem"),
            KeyPassword = Hidden("ssl.key.password"),
            KeyStoreFile = Find("ssl.keystore.location"),
            KeyStorePassword = Hidden("ssl.keystore.password"),
            CheckHostName = !string.Equals(Find("ssl.endpoint.identification.algorithm"), "none", StringComparison.OrdinalIgnoreCase),
            CheckCertificate = Flag("enable.ssl.certificate.verification") ?? true,
        };

    /// <summary>The library looks for the system's authorities by itself when it is told to probe; .NET always does.</summary>
    private string? Authorities(string property)
    {
        var path = Find(property);
        if (path is null or "" or "probe")
        {
            return null;
        }

        return Directory.Exists(path)
            ? throw ErrorIds.InvalidKafkaOption.With(
                $"kafka_options gives '{property}' the folder '{path}', but certificates are read from one file when records are read and written.",
                property,
                "Put the certificates into one PEM file and give that."
            )
            : path;
    }

    private SaslLogin Login(TimeProvider clock)
    {
        var mechanism = (Find("sasl.mechanisms", "sasl.mechanism") ?? "GSSAPI").ToUpperInvariant();
        return mechanism switch
        {
            "PLAIN" => new PlainLogin(Needed("sasl.username"), new Secret(Needed("sasl.password"))),
            "SCRAM-SHA-256" => new ScramLogin(HashAlgorithmName.SHA256, Needed("sasl.username"), new Secret(Needed("sasl.password"))),
            "SCRAM-SHA-512" => new ScramLogin(HashAlgorithmName.SHA512, Needed("sasl.username"), new Secret(Needed("sasl.password"))),
            "GSSAPI" => new KerberosLogin(Find("sasl.kerberos.service.name") ?? "kafka"),
            "OAUTHBEARER" => OAuth(clock),
            _ => throw ErrorIds.InvalidKafkaOption.With(
                $"The SASL mechanism '{mechanism}' cannot be used to read and write records.",
                "sasl.mechanism",
                "Use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or GSSAPI."
            ),
        };
    }

    private OAuthLogin OAuth(TimeProvider clock)
    {
        if (!string.Equals(Find("sasl.oauthbearer.method"), "oidc", StringComparison.OrdinalIgnoreCase))
        {
            throw ErrorIds.InvalidKafkaOption.With(
                "OAUTHBEARER needs a place to get tokens from, and kafka_options names none.",
                "sasl.oauthbearer.method",
                "Set sasl.oauthbearer.method to oidc, and sasl.oauthbearer.token.endpoint.url, client.id and client.secret."
            );
        }

        var endpoint = Needed("sasl.oauthbearer.token.endpoint.url");
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw ErrorIds.InvalidKafkaOption.With(
                "kafka_options gives 'sasl.oauthbearer.token.endpoint.url' a value that is not an http or https address.",
                "sasl.oauthbearer.token.endpoint.url"
            );
        }

        var source = new OidcTokenSource(
            new OidcOptions
            {
                TokenEndpoint = uri,
                ClientId = Needed("sasl.oauthbearer.client.credentials.client.id", "sasl.oauthbearer.client.id"),
                ClientSecret = new Secret(Needed("sasl.oauthbearer.client.credentials.client.secret", "sasl.oauthbearer.client.secret")),
                Scope = Find("sasl.oauthbearer.scope"),
                Extensions = Extensions(Find("sasl.oauthbearer.extensions")),
                Tls =
                    Find("https.ca.location") is not null || Find("https.ca.pem") is not null
                        ? new TlsOptions { CaFile = Authorities("https.ca.location"), CaPem = Find("https.ca.pem") }
                        : null,
            },
            clock
        );
        _owned.Add(source);
        var login = new OAuthLogin(source.AskAsync, clock);
        _owned.Add(login);
        return login;
    }

    /// <summary>A list like "logicalCluster=lkc-1,identityPoolId=pool-2".</summary>
    private static Dictionary<string, string> Extensions(string? text)
    {
        var extensions = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw ErrorIds.InvalidKafkaOption.With(
                    "kafka_options gives 'sasl.oauthbearer.extensions' a value that is not a list of name=value.",
                    "sasl.oauthbearer.extensions"
                );
            }

            extensions[part[..equals]] = part[(equals + 1)..];
        }

        return extensions;
    }

    private string? Find(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (_configuration.Find(name) is { } value)
            {
                return value;
            }
        }

        return null;
    }

    private Secret? Hidden(string name) => Find(name) is { } value ? new Secret(value) : null;

    private string Needed(params ReadOnlySpan<string> names) =>
        Find(names) is { Length: > 0 } value
            ? value
            : throw ErrorIds.MissingSettings.With($"This SASL mechanism needs '{names[0]}', which is not given.", names[0], "Give it.");

    private TimeSpan? Milliseconds(string name) => Number(name) is { } number ? TimeSpan.FromMilliseconds(number) : null;

    private int? Number(params ReadOnlySpan<string> names)
    {
        var text = Find(names);
        if (text is null)
        {
            return null;
        }

        // The library reads them as C does.
        var isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return int.TryParse(
            isHex ? text[2..] : text.Trim(),
            isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture,
            out var number
        )
            ? number
            : throw ErrorIds.InvalidKafkaOption.With($"kafka_options gives '{names[0]}' a value that is not a number.", names[0]);
    }

    private double? Real(params ReadOnlySpan<string> names) =>
        Find(names) is not { } text ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= 0 ? number
        : throw ErrorIds.InvalidKafkaOption.With($"kafka_options gives '{names[0]}' a value that is not a number.", names[0]);

    private bool? Flag(string name) => Find(name) is { } text ? text.ToLowerInvariant() is "true" or "t" or "1" or "yes" or "y" : null;
}
