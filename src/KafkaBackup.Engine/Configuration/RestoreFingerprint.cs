using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace KafkaBackup.Engine.Configuration;

/// <summary>
/// The settings of a restore that decide which record goes where and in what form, under their YAML names; settings.table marks them. A
/// checkpoint keeps it: a resume under other settings would mix two restores (rule E3). Speed, reports and group offsets may change between
/// runs and are not in it; nor are credentials or the broker list, since the same cluster may be reached through another broker (the
/// restore checks the cluster's id).
/// </summary>
public sealed partial class RestoreFingerprint
{
    private RestoreFingerprint(IReadOnlyDictionary<string, string> entries)
    {
        Entries = entries;
        Hash = HashOf(entries);
    }

    /// <summary>YAML key to canonical value, sorted by key; what a checkpoint stores so that a mismatch can name the keys.</summary>
    public IReadOnlyDictionary<string, string> Entries { get; }

    /// <summary>SHA-256 over all entries, lower-case hexadecimal: the checkpoint's <c>config_hash</c>.</summary>
    public string Hash { get; }

    public static RestoreFingerprint Of(RestoreOptions options) =>
        new(
            new SortedDictionary<string, string>(Rows(options).ToDictionary(row => row.Key, row => row.Value), StringComparer.Ordinal)
            {
                ["storage"] = options.Store.Path ?? "",
                ["topics.include"] = Join(options.Topics.Include.Select(p => p.Text)),
                ["topics.exclude"] = Join(options.Topics.Exclude.Select(p => p.Text)),
            }
        );

    /// <summary>The keys whose values differ, those that only one side has included.</summary>
    public IReadOnlyList<string> DifferencesFrom(IReadOnlyDictionary<string, string> stored) =>
        Entries
            .Keys.Union(stored.Keys, StringComparer.Ordinal)
            .Where(key => !Entries.TryGetValue(key, out var mine) || !stored.TryGetValue(key, out var other) || mine != other)
            .Order(StringComparer.Ordinal)
            .ToArray();

    public static string HashOf(IReadOnlyDictionary<string, string> entries)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            text.Append(key).Append('=').Append(value.Length).Append(':').Append(value).Append('\n');
        }

        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()))).ToLowerInvariant();
    }

    private static string Canonical(string value) => value;

    private static string Canonical(bool value) => value ? "true" : "false";

    private static string Canonical(long? value) => value is { } number ? Number(number) : "none";

    private static string Canonical(DeliveryMode value) => EnumText.Spell(value);

    private static string Canonical(IReadOnlyList<int>? partitions) =>
        partitions is null ? "all" : Join(partitions.Distinct().Order().Select(partition => Number(partition)));

    private static string Canonical(IReadOnlyDictionary<string, string> map) => Join(map.Select(entry => $"{entry.Key}={entry.Value}"));

    private static string Canonical(IReadOnlyDictionary<int, int> map) =>
        Join(map.Select(entry => $"{Number(entry.Key)}={Number(entry.Value)}"));

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    // Order has no meaning for any of these lists. The names in them cannot contain a line break.
    private static string Join(IEnumerable<string> items) => string.Join('\n', items.Order(StringComparer.Ordinal));
}
