using KafkaBackup.Binding;

namespace KafkaBackup.Pipeline;

/// <summary>A cmdlet that works on a cluster.</summary>
public abstract partial class ClusterCmdlet : EngineCmdlet
{
    /// <summary>Null when none of the cluster's parameters was given, so that the file's side stays whole.</summary>
    private protected ClusterSettings? Cluster
    {
        get
        {
            var settings = new ClusterSettings
            {
                BootstrapServers = Servers(BootstrapServer),
                SecurityProtocol = SecurityProtocol,
                SaslMechanism = SaslMechanism,
                SaslUsername = Credential?.UserName,
                SaslPassword = Credential is null ? null : new Secret(Maps.Reveal(Credential.Password)),
                CaCertificate = SessionPath.File(SessionState, CaCertificate),
                ClientCertificate = SessionPath.File(SessionState, ClientCertificate),
                ClientKey = SessionPath.File(SessionState, ClientKey),
                ClientKeyPassword = ClientKeyPassword is null ? null : new Secret(Maps.Reveal(ClientKeyPassword)),
                KafkaOptions = Maps.OfSecrets(KafkaOption, nameof(KafkaOption)),
            };
            return settings == new ClusterSettings() ? null : settings;
        }
    }

    /// <summary>Servers may be given one by one or, as in Kafka's own tools, in one text with commas.</summary>
    private protected static string[]? Servers(string[]? given) =>
        given?.SelectMany(text => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).ToArray();
}
