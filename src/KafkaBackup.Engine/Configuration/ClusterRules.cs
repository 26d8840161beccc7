using System.Globalization;

namespace KafkaBackup.Engine.Configuration;

/// <summary>What must hold for a cluster's settings before anything is connected.</summary>
internal static class ClusterRules
{
    /// <summary>Checks, splits lists in one text, and makes paths absolute.</summary>
    /// <exception cref="KafkaBackupException">ConfigConflict, ConfigWrongType.</exception>
    public static ClusterSettings Check(ClusterSettings settings, string baseFolder)
    {
        if (settings.BootstrapServers?.Any(server => server.Contains('@', StringComparison.Ordinal)) == true)
        {
            // Before the list is split: a password may hold a comma.
            throw ErrorIds.ConfigWrongType.With(
                "A bootstrap server holds an @: addresses have no user name and no password.",
                "BootstrapServer",
                "Give bootstrap servers as host:port; the login goes into -Credential, or sasl_username and sasl_password."
            );
        }

        var servers = (settings.BootstrapServers ?? [])
            .SelectMany(server => server.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .Select(CheckServer)
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .ToArray();
        CheckSecurity(settings);
        ClientOptionRules.CheckCommandParts(settings.KafkaOptions);
        return settings with
        {
            BootstrapServers = servers,
            CaCertificate = Absolute(settings.CaCertificate, baseFolder),
            ClientCertificate = Absolute(settings.ClientCertificate, baseFolder),
            ClientKey = Absolute(settings.ClientKey, baseFolder),
        };
    }

    /// <summary>What is missing to connect, in the words of <see cref="ErrorIds.MissingSettings"/>.</summary>
    public static IEnumerable<string> Missing(ClusterSettings? settings, string side)
    {
        if (settings?.BootstrapServers is null or { Count: 0 })
        {
            yield return $"the cluster (-BootstrapServer, or {side}.bootstrap_servers in the file)";
        }

        if (settings is null)
        {
            yield break;
        }

        var options = settings.KafkaOptions;
        var mechanism = settings.SaslMechanism;
        if (
            settings.SecurityProtocol is SecurityProtocol.SaslPlaintext or SecurityProtocol.SaslSsl
            && mechanism is null
            && !Has(options, "sasl.mechanism", "sasl.mechanisms")
        )
        {
            yield return $"the SASL mechanism (-SaslMechanism, or {side}.security.sasl_mechanism)";
        }

        if (mechanism is SaslMechanism.Plain or SaslMechanism.ScramSha256 or SaslMechanism.ScramSha512)
        {
            if (string.IsNullOrEmpty(settings.SaslUsername) && !Has(options, "sasl.username"))
            {
                yield return $"the user name (-Credential, or {side}.security.sasl_username)";
            }

            if (settings.SaslPassword is null && !Has(options, "sasl.password"))
            {
                yield return $"the password (-Credential, or {side}.security.sasl_password)";
            }
        }

        if (settings.ClientCertificate is not null && settings.ClientKey is null && !Has(options, "ssl.key.location", "ssl.key.pem"))
        {
            yield return $"the client certificate's key (-ClientKey, or {side}.security.ssl_key_location)";
        }

        if (
            settings.ClientKey is not null
            && settings.ClientCertificate is null
            && !Has(options, "ssl.certificate.location", "ssl.certificate.pem")
        )
        {
            yield return $"the client key's certificate (-ClientCertificate, or {side}.security.ssl_certificate_location)";
        }
    }

    /// <summary>The client library would silently ignore what the protocol has no use for, and connect in the open.</summary>
    private static void CheckSecurity(ClusterSettings settings)
    {
        if (Has(settings.KafkaOptions, "security.protocol"))
        {
            return;
        }

        var protocol = settings.SecurityProtocol ?? SecurityProtocol.Plaintext;
        var sasl =
            settings.SaslMechanism is not null ? "a SASL mechanism"
            : settings.SaslUsername is not null || settings.SaslPassword is not null ? "a user name or password"
            : null;
        if (sasl is not null && protocol is SecurityProtocol.Plaintext or SecurityProtocol.Ssl)
        {
            throw ErrorIds.ConfigConflict.With(
                $"For {Name(settings)} {sasl} is given, but the security protocol is {EnumText.Spell(protocol)}, which does not use it.",
                Name(settings),
                "Set -SecurityProtocol (security_protocol) to SASL_SSL or SASL_PLAINTEXT."
            );
        }

        if (
            (settings.CaCertificate ?? settings.ClientCertificate ?? settings.ClientKey) is not null
            && protocol is SecurityProtocol.Plaintext or SecurityProtocol.SaslPlaintext
        )
        {
            throw ErrorIds.ConfigConflict.With(
                $"For {Name(settings)} a certificate or key is given, but the security protocol is {EnumText.Spell(protocol)}, which does not encrypt.",
                Name(settings),
                "Set -SecurityProtocol (security_protocol) to SSL or SASL_SSL."
            );
        }
    }

    private static string CheckServer(string server)
    {
        var scheme = server.IndexOf("://", StringComparison.Ordinal);
        var address = scheme < 0 ? server : server[(scheme + 3)..];
        var colon = address.LastIndexOf(':');
        var hasPort = colon > address.LastIndexOf(']');
        var host = hasPort ? address[..colon] : address;
        if (
            (scheme >= 0 && !IsListenerProtocol(server[..scheme]))
            || host.Length == 0
            || address.Any(c => char.IsWhiteSpace(c) || c is '/' or '@')
            || (
                hasPort
                && !(
                    int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                    && port is > 0 and <= 65_535
                )
            )
        )
        {
            throw ErrorIds.ConfigWrongType.With(
                $"'{server}' is not a broker's address.",
                server,
                "Give bootstrap servers as host:port, for instance localhost:9092."
            );
        }

        return server;
    }

    /// <summary>Brokers' listeners are often copied with theirs, as in SSL://kafka-1:9093; the client library takes no other.</summary>
    private static bool IsListenerProtocol(string scheme) =>
        Enum.GetValues<SecurityProtocol>().Any(p => string.Equals(EnumText.Spell(p), scheme, StringComparison.OrdinalIgnoreCase));

    private static string Name(ClusterSettings settings) => settings.Address.Length == 0 ? "the cluster" : settings.Address;

    private static bool Has(IReadOnlyDictionary<string, Secret>? options, params string[] names) =>
        options is not null && names.Any(options.ContainsKey);

    private static string? Absolute(string? path, string baseFolder) => path is null ? null : Path.GetFullPath(path, baseFolder);
}
