using System.Collections.Frozen;

namespace KafkaBackup.Engine.Configuration;

/// <summary>
/// What the client library's properties can do beyond a connection: run code of somebody else's, or switch its checks off.
/// </summary>
internal static class ClientOptionRules
{
    private const string Loads = "it loads a library into this process";

    /// <summary>
    /// Of all properties of librdkafka 2.15 (its CONFIGURATION.md; a test walks the library's own list) these load or start something. A
    /// file may come from somewhere else; a command line is its user's own.
    /// </summary>
    private static readonly FrozenDictionary<string, string> Running = new Dictionary<string, string>
    {
        ["plugin.library.paths"] = Loads,
        ["ssl.engine.location"] = Loads,
        ["ssl.engine.id"] = Loads,
        ["ssl.providers"] = Loads,
        ["sasl.kerberos.kinit.cmd"] = "it is run by a shell",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>The library puts these into the command that renews a Kerberos ticket, which a shell runs.</summary>
    private static readonly string[] PartsOfCommand = ["sasl.kerberos.principal", "sasl.kerberos.keytab", "sasl.kerberos.service.name"];

    public static IEnumerable<string> RunningCode => Running.Keys;

    /// <summary>Null for a property that a file may set.</summary>
    public static string? RunsCode(string name) => Running.GetValueOrDefault(name);

    /// <exception cref="KafkaBackupException">InvalidKafkaOption.</exception>
    public static void CheckCommandParts(IReadOnlyDictionary<string, Secret>? options)
    {
        foreach (var (name, value) in options ?? new Dictionary<string, Secret>())
        {
            if (
                PartsOfCommand.Contains(name, StringComparer.OrdinalIgnoreCase)
                && !IsPlain(value.Reveal(), isPath: name.EndsWith("keytab", StringComparison.OrdinalIgnoreCase))
            )
            {
                throw ErrorIds.InvalidKafkaOption.With(
                    $"The value of {name} holds a character that a shell would take for its own, and the client library gives it to one (sasl.kerberos.kinit.cmd).",
                    name,
                    "Use letters, digits and . _ - / @ only; in the keytab's path spaces too."
                );
            }
        }
    }

    /// <summary>What a connection with these settings does not check (each time, in stream and result).</summary>
    public static IEnumerable<Finding> Risks(ClusterSettings settings)
    {
        if (Is(settings, "enable.ssl.certificate.verification", "false", "f", "0"))
        {
            yield return Risk(
                settings,
                "enable.ssl.certificate.verification is false: the brokers' certificates are not checked, so anybody in between can read and change everything, logins included.",
                "Remove the option; give the CA's certificate with -CaCertificate (ssl_ca_location)."
            );
        }

        if (Is(settings, "ssl.endpoint.identification.algorithm", "none"))
        {
            yield return Risk(
                settings,
                "ssl.endpoint.identification.algorithm is none: any certificate of the CA is accepted for any host, so anyone who has one can stand in for the brokers.",
                "Remove the option; connect by a name that the brokers' certificates hold."
            );
        }

        if (Is(settings, "enable.sasl.oauthbearer.unsecure.jwt", "true", "t", "1"))
        {
            yield return Risk(
                settings,
                "enable.sasl.oauthbearer.unsecure.jwt is true: the login is a token without a signature, which anybody can make.",
                "Use sasl.oauthbearer.method oidc, or another mechanism; unsecured tokens are for tests."
            );
        }
    }

    private static bool Is(ClusterSettings settings, string name, params string[] values) =>
        settings.KafkaOptions?.GetValueOrDefault(name) is { } given
        && values.Contains(given.Reveal().Trim(), StringComparer.OrdinalIgnoreCase);

    private static Finding Risk(ClusterSettings settings, string message, string advice) =>
        new(
            FindingSeverity.Warning,
            FindingKind.Configuration,
            settings.Address,
            $"The connection to {settings.Address} is not secure: {message}",
            advice
        );

    private static bool IsPlain(string value, bool isPath) =>
        value.All(c =>
            char.IsLetterOrDigit(c)
            || c is '.' or '_' or '-' or '/' or '@' or ':'
            || (isPath && (c is ' ' || (c is '\\' && OperatingSystem.IsWindows())))
        );
}
