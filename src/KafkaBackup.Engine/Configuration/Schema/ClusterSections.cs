using KafkaBackup.Engine.Configuration.Yaml;

namespace KafkaBackup.Engine.Configuration.Schema;

/// <summary>What stands under <c>source</c> or <c>target</c>: how to reach the cluster, and which topics.</summary>
internal sealed record ClusterBranch(ClusterSettings Cluster, IReadOnlyList<string>? Include = null, IReadOnlyList<string>? Exclude = null);

internal static class ClusterSections
{
    // Names of client properties whose values are secrets.
    private static readonly string[] SecretMarks = ["password", "secret", "jaas", "key.pem", "oauthbearer.config", "token", "private"];

    public static Section<ClusterBranch> Topics { get; } =
        new Section<ClusterBranch>()
            .With(
                "include",
                Forms.PatternsOf(Forms.TopicPattern, mayBeEmpty: false),
                (b, v) => b with { Include = v },
                "Topics to take: names, globs (* and ?), or regular expressions after a ~. Default: all."
            )
            .With(
                "exclude",
                Forms.PatternsOf(Forms.TopicPattern),
                (b, v) => b with { Exclude = v },
                "Topics to leave out; wins over include."
            );

    public static Section<ClusterSettings> Security { get; } =
        new Section<ClusterSettings>()
            .With(
                "security_protocol",
                Forms.Choice<SecurityProtocol>(),
                (c, v) => c with { SecurityProtocol = v },
                "How the connection is secured. Default: PLAINTEXT."
            )
            .With(
                "sasl_mechanism",
                Forms.Choice<SaslMechanism>(),
                (c, v) => c with { SaslMechanism = v },
                "How the client proves who it is."
            )
            .With("sasl_username", Forms.Text, (c, v) => c with { SaslUsername = v }, "User name for PLAIN and SCRAM.")
            .With("sasl_password", Forms.Secret, (c, v) => c with { SaslPassword = v }, "Password for PLAIN and SCRAM.")
            .With("ssl_ca_location", Forms.Path, (c, v) => c with { CaCertificate = v }, "File with the CA certificates to trust.")
            .With("ssl_certificate_location", Forms.Path, (c, v) => c with { ClientCertificate = v }, "File with the client's certificate.")
            .With("ssl_key_location", Forms.Path, (c, v) => c with { ClientKey = v }, "File with the client's private key.")
            .With("ssl_key_password", Forms.Secret, (c, v) => c with { ClientKeyPassword = v }, "Password of the private key.")
            .With(
                "sasl_kerberos_service_name",
                Forms.Text,
                (c, v, node, at) => AddOption(c, "sasl.kerberos.service.name", v, node, at),
                "Kerberos: the brokers' service name; the same as kafka_options' sasl.kerberos.service.name."
            )
            .With(
                "sasl_keytab_path",
                Forms.Path,
                (c, v, node, at) => AddOption(c, "sasl.kerberos.keytab", v, node, at),
                "Kerberos: the keytab file; the same as kafka_options' sasl.kerberos.keytab."
            )
            .Ignoring("sasl_krb5_config_path", "set the environment variable KRB5_CONFIG instead.");

    /// <summary>Any property of the client library. Which ones there are, the library knows: the connection checks them.</summary>
    public static Form<IReadOnlyDictionary<string, Secret>> KafkaOptions { get; } =
        new(
            "{librdkafka property: value}",
            (node, at) =>
            {
                var map = node as ConfigMap ?? throw at.WrongType(node, "a group of keys (property: value)");
                var options = new Dictionary<string, Secret>(StringComparer.Ordinal);
                foreach (var entry in map.Entries)
                {
                    var below = at.Below(entry.Key.Text);
                    if (ClientOptionRules.RunsCode(entry.Key.Text) is { } reason)
                    {
                        throw ErrorIds.InvalidKafkaOption.With(
                            $"{at.Origin.Locate(entry.Key.At)}: {below.Path} is refused in a file: {reason}.",
                            entry.Key.Text,
                            $"Remove it; if you need it, give it on the command line: -KafkaOption @{{ '{entry.Key.Text}' = ... }}."
                        );
                    }

                    var value = Forms.Scalar(entry.Value, below, "a single value");
                    if (SecretMarks.Any(mark => entry.Key.Text.Contains(mark, StringComparison.OrdinalIgnoreCase)))
                    {
                        Forms.WarnOfLiteralSecret(value, below);
                    }

                    options[entry.Key.Text] = new Secret(value.Text);
                }

                return options;
            }
        );

    public static Section<ClusterBranch> Cluster { get; } =
        new Section<ClusterBranch>()
            .With(
                "bootstrap_servers",
                Forms.ListOf(Forms.Text, mayBeEmpty: false),
                (b, v) => b with { Cluster = b.Cluster with { BootstrapServers = v } },
                "Brokers to begin with, host:port."
            )
            .WithGroup("security", Security, b => b.Cluster, (b, v, _, _) => b with { Cluster = v })
            .WithGroup("topics", Topics, b => b, (_, v, _, _) => v)
            .With(
                "kafka_options",
                KafkaOptions,
                (b, v, node, at) => b with { Cluster = AddOptions(b.Cluster, v, node, at) },
                "Any other property of the client library, as librdkafka names it."
            )
            .Ignoring(
                "connection",
                "the client library keeps its connections itself; its settings go under kafka_options, such as socket.keepalive.enable."
            );

    public static ClusterSettings AddOptions(
        ClusterSettings cluster,
        IReadOnlyDictionary<string, Secret> options,
        ConfigNode node,
        Reading at
    )
    {
        var merged = new Dictionary<string, Secret>(cluster.KafkaOptions ?? new Dictionary<string, Secret>(), StringComparer.Ordinal);
        foreach (var (name, value) in options)
        {
            if (!merged.TryAdd(name, value) && !merged[name].Equals(value))
            {
                throw at.Conflict(node, $"the client property {name} is given twice with different values.");
            }
        }

        return cluster with
        {
            KafkaOptions = merged,
        };
    }

    private static ClusterSettings AddOption(ClusterSettings cluster, string name, string value, ConfigNode node, Reading at) =>
        AddOptions(cluster, new Dictionary<string, Secret> { [name] = new(value) }, node, at);
}
