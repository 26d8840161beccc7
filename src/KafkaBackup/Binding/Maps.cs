using System.Collections;
using System.Globalization;
using System.Net;
using System.Security;

namespace KafkaBackup.Binding;

/// <summary>Hashtables into the typed maps of the settings. Null stays null: not given.</summary>
internal static class Maps
{
    /// <param name="ofNull">What a null in the map means, where it means something.</param>
    public static IReadOnlyDictionary<string, string>? OfText(Hashtable? map, string parameter, string? ofNull = null) =>
        map
            ?.Cast<DictionaryEntry>()
            .ToDictionary(
                entry => (string)entry.Key,
                entry => entry.Value is null && ofNull is not null ? ofNull : Text(entry, parameter),
                StringComparer.Ordinal
            );

    public static IReadOnlyDictionary<string, Secret>? OfSecrets(Hashtable? map, string parameter) =>
        map
            ?.Cast<DictionaryEntry>()
            .ToDictionary(entry => (string)entry.Key, entry => new Secret(Text(entry, parameter)), StringComparer.Ordinal);

    public static IReadOnlyDictionary<int, int>? OfNumbers(Hashtable? map, string parameter) =>
        map?.Cast<DictionaryEntry>().ToDictionary(entry => Number(entry.Key, parameter), entry => Number(entry.Value, parameter));

    /// <summary>
    /// One map for all created topics; the file can also say it topic by topic. No value leaves the setting to the brokers.
    /// </summary>
    public static IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>>? OfTopicConfigs(Hashtable? map, string parameter) =>
        OfText(map, parameter, ofNull: "") is { } configs
            ? new Dictionary<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal) { [""] = configs }
            : null;

    /// <summary>A value as a file would have it: <c>true</c>, not <c>True</c>; a SecureString as what it hides.</summary>
    private static string Text(DictionaryEntry entry, string parameter) =>
        ArgumentText.Unwrap(entry.Value) switch
        {
            null => throw ErrorIds.ConfigWrongType.With(
                $"-{parameter} gives '{entry.Key}' no value.",
                entry.Key,
                "Give it a value, or leave it out."
            ),
            bool flag => flag ? "true" : "false",
            SecureString secure => Reveal(secure),
            IDictionary or object[] => throw ErrorIds.ConfigWrongType.With(
                $"-{parameter} gives '{entry.Key}' more than one value.",
                entry.Key,
                "Give it one value."
            ),
            _ => ArgumentText.Of(entry.Value!),
        };

    private static int Number(object? value, string parameter) =>
        value is not null && int.TryParse(ArgumentText.Of(value), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw ErrorIds.ConfigWrongType.With(
                $"-{parameter} holds {Redaction.Show($"{value}")}, which is not the number of a partition.",
                value,
                "Write numbers: @{ 0 = 0; 1 = 2 }."
            );

    public static string Reveal(SecureString secure) => new NetworkCredential("", secure).Password;
}
