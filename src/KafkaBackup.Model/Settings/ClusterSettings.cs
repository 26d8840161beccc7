namespace KafkaBackup;

/// <summary>How to reach one cluster. Null means "not given". A side is replaced as a whole when its address is (rule H4).</summary>
public sealed record ClusterSettings
{
    public IReadOnlyList<string>? BootstrapServers { get; init; }
    public SecurityProtocol? SecurityProtocol { get; init; }
    public SaslMechanism? SaslMechanism { get; init; }
    public string? SaslUsername { get; init; }
    public Secret? SaslPassword { get; init; }
    public string? CaCertificate { get; init; }
    public string? ClientCertificate { get; init; }
    public string? ClientKey { get; init; }
    public Secret? ClientKeyPassword { get; init; }

    /// <summary>Any other property of the client library, passed through. Values may be secrets: never shown.</summary>
    public IReadOnlyDictionary<string, Secret>? KafkaOptions { get; init; }

    public string Address => BootstrapServers is null ? "" : string.Join(',', BootstrapServers);

    public override string ToString() => Address;
}
