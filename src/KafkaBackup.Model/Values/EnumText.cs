using System.Collections.Frozen;

namespace KafkaBackup;

/// <summary>
/// Enum values as users write them. Both spellings work everywhere, in YAML and in cmdlets: Kafka's or YAML's (<c>SCRAM-SHA-256</c>,
/// <c>header-based</c>, <c>read_committed</c>) and PowerShell's (<c>ScramSha256</c>, <c>HeaderBased</c>); case, '-' and '_' make no
/// difference.
/// </summary>
public static class EnumText
{
    /// <summary>Spellings that do not follow from the value's name.</summary>
    private static readonly FrozenDictionary<Enum, string> Irregular = new Dictionary<Enum, string>
    {
        [SecurityProtocol.Plaintext] = "PLAINTEXT",
        [SecurityProtocol.Ssl] = "SSL",
        [SecurityProtocol.SaslPlaintext] = "SASL_PLAINTEXT",
        [SecurityProtocol.SaslSsl] = "SASL_SSL",
        [SaslMechanism.Plain] = "PLAIN",
        [SaslMechanism.ScramSha256] = "SCRAM-SHA-256",
        [SaslMechanism.ScramSha512] = "SCRAM-SHA-512",
        [SaslMechanism.OAuthBearer] = "OAUTHBEARER",
        [SaslMechanism.Gssapi] = "GSSAPI",
        [IsolationLevel.ReadCommitted] = "read_committed",
        [IsolationLevel.ReadUncommitted] = "read_uncommitted",
    }.ToFrozenDictionary();

    /// <exception cref="KafkaBackupException">ConfigWrongType: names the valid forms.</exception>
    public static T Parse<T>(string text)
        where T : struct, Enum =>
        TryParse<T>(text, out var value)
            ? value
            : throw ErrorIds.ConfigWrongType.With(
                $"{Redaction.Show(text)} is not one of: {Forms<T>()}.",
                text,
                $"Use one of: {Forms<T>()}."
            );

    public static bool TryParse<T>(string? text, out T value)
        where T : struct, Enum
    {
        var wanted = Simplify(text ?? "");
        foreach (var candidate in Enum.GetValues<T>())
        {
            if (wanted == Simplify(candidate.ToString()) || wanted == Simplify(Spell(candidate)))
            {
                value = candidate;
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>The value as it is written in YAML.</summary>
    public static string Spell<T>(T value)
        where T : struct, Enum => Irregular.TryGetValue(value, out var spelling) ? spelling : Kebab(value.ToString());

    /// <summary>All spellings, for messages and documentation.</summary>
    public static string Forms<T>()
        where T : struct, Enum => string.Join(", ", Enum.GetValues<T>().Select(Spell));

    private static string Simplify(string text) => string.Concat(text.Where(c => c is not ('-' or '_')).Select(char.ToLowerInvariant));

    private static string Kebab(string name) =>
        string.Concat(name.Select((c, i) => char.IsAsciiLetterUpper(c) ? $"{(i > 0 ? "-" : "")}{char.ToLowerInvariant(c)}" : $"{c}"));
}
