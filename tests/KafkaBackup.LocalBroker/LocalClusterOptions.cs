namespace KafkaBackup.LocalBroker;

/// <summary>How a local cluster is started. Every option has a default; <c>new()</c> is one plaintext broker.</summary>
public sealed record LocalClusterOptions
{
    /// <summary>Brokers, numbered from 1.</summary>
    public int Brokers { get; init; } = 1;

    /// <summary>The first broker's port, the others follow; 0 takes free ones.</summary>
    public int Port { get; init; }

    /// <summary>Starts the control port: -1 for none, 0 for a free one.</summary>
    public int ControlPort { get; init; } = -1;

    /// <summary>Where logs are kept while the cluster runs; null takes a temporary folder. Emptied at the end in both cases.</summary>
    public string? DataDirectory { get; init; }

    public string ClusterId { get; init; } = "local-" + Guid.NewGuid().ToString("N")[..16];

    /// <summary>Creates topics when a producer or a consumer that allows it asks for their metadata.</summary>
    public bool AutoCreateTopics { get; init; }

    public int AutoCreatePartitions { get; init; } = 1;

    /// <summary>
    /// Racks by broker id. With racks, a client that says where it is gets sent to a replica of its own rack, and followers serve readers.
    /// </summary>
    public IReadOnlyDictionary<int, string> Racks { get; init; } = new Dictionary<int, string>();

    /// <summary>How many fetch sessions each broker keeps; 0 for none. The oldest one goes when there are more.</summary>
    public int FetchSessions { get; init; } = 1000;

    /// <summary>
    /// SASL mechanisms to offer (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, GSSAPI); empty means no authentication.
    /// </summary>
    public IReadOnlyList<string> SaslMechanisms { get; init; } = [];

    /// <summary>After this time a connection has to log in again, or is closed at its next request; null for never.</summary>
    public TimeSpan? SessionLifetime { get; init; }

    /// <summary>The tokens that OAUTHBEARER accepts, with their users.</summary>
    public IReadOnlyDictionary<string, string> Tokens { get; init; } = new Dictionary<string, string>();

    /// <summary>Names and passwords for SASL.</summary>
    public IReadOnlyDictionary<string, string> Users { get; init; } = new Dictionary<string, string>();

    /// <summary>Listens with TLS; certificates are made at the start, see <see cref="LocalCluster.Certificates"/>.</summary>
    public bool Tls { get; init; }

    /// <summary>With <see cref="Tls"/>: refuses clients without a certificate of the cluster's own authority.</summary>
    public bool RequireClientCertificate { get; init; }

    /// <summary>The host name in the brokers' certificate; null for the one by which they are reached.</summary>
    public string? CertificateName { get; init; }

    /// <summary>How long a new group waits for more members before its first rebalance ends.</summary>
    public TimeSpan GroupInitialRebalanceDelay { get; init; } = TimeSpan.Zero;

    /// <summary>The longest transaction timeout a producer may ask for.</summary>
    public TimeSpan MaxTransactionTimeout { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How often transaction and session timeouts are looked at.</summary>
    public TimeSpan HousekeepingInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The newest version served of an API, to pass for an older Kafka; what is not named is served as this broker knows it.
    /// </summary>
    public IReadOnlyDictionary<ApiKey, short> NewestVersions { get; init; } = new Dictionary<ApiKey, short>();

    /// <summary>
    /// As Kafka before 2.5: a producer that a partition does not know, or has forgotten, must begin its sequence at 0. Later ones take any.
    /// </summary>
    public bool RefusesUnknownProducers { get; init; }

    /// <summary>Passes for Kafka 2.4, as far as reading and producers go: topics have no ids.</summary>
    public static LocalClusterOptions Kafka24 { get; } =
        new()
        {
            RefusesUnknownProducers = true,
            NewestVersions = new Dictionary<ApiKey, short>
            {
                [ApiKey.InitProducerId] = 2,
                [ApiKey.Produce] = 8,
                [ApiKey.Fetch] = 11,
                [ApiKey.ListOffsets] = 5,
                [ApiKey.Metadata] = 9,
                [ApiKey.OffsetForLeaderEpoch] = 3,
                [ApiKey.ApiVersions] = 3,
            },
        };

    /// <summary>The broker's clock, for LogAppendTime and timeouts.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
