using System.Collections;
using System.Management.Automation;
using System.Security;
using KafkaBackup.Binding;

namespace KafkaBackup.Pipeline;

/// <summary>A cmdlet that works on a cluster.</summary>
public abstract class ClusterCmdlet : EngineCmdlet
{
    [Parameter]
    [TextListForm]
    public string[]? BootstrapServer { get; set; }

    [Parameter]
    [EnumForm<SecurityProtocol>]
    public SecurityProtocol? SecurityProtocol { get; set; }

    [Parameter]
    [EnumForm<SaslMechanism>]
    public SaslMechanism? SaslMechanism { get; set; }

    [Parameter]
    public PSCredential? Credential { get; set; }

    [Parameter]
    public string? CaCertificate { get; set; }

    [Parameter]
    public string? ClientCertificate { get; set; }

    [Parameter]
    public string? ClientKey { get; set; }

    [Parameter]
    public SecureString? ClientKeyPassword { get; set; }

    [Parameter]
    [MapForm]
    public Hashtable? KafkaOption { get; set; }

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
