using System.Globalization;
using KafkaBackup.Engine.Configuration.Yaml;

namespace KafkaBackup.Engine.Configuration.Schema;

/// <summary>A kind of value: how it is described to users, and how it is read.</summary>
internal sealed record Form<V>(string Description, Func<ConfigNode, Reading, V> Read);

/// <summary>The kinds of values there are.</summary>
internal static class Forms
{
    public static Form<string> Text { get; } = new("text", (node, at) => Scalar(node, at, "text").Text);

    public static Form<bool> Boolean { get; } =
        new(
            "true or false",
            (node, at) =>
            {
                var scalar = Scalar(node, at, "true or false");
                return (scalar.IsQuoted && !scalar.FromVariable ? "" : scalar.Text) switch
                {
                    "true" or "True" or "TRUE" => true,
                    "false" or "False" or "FALSE" => false,
                    _ => throw at.WrongType(node, "true or false"),
                };
            }
        );

    /// <summary>Text that is never shown again; written out in a file it is worth a warning (rule A3).</summary>
    public static Form<Secret> Secret { get; } =
        new(
            "text (secret)",
            (node, at) =>
            {
                var scalar = Scalar(node, at, "text");
                WarnOfLiteralSecret(scalar, at);
                return new Secret(scalar.Text);
            }
        );

    /// <summary>A file or folder; relative ones are relative to the settings' own place (rule A6).</summary>
    public static Form<string> Path { get; } =
        new(
            "path",
            (node, at) =>
            {
                var text = Scalar(node, at, "a path").Text;
                return text.Length == 0 || text.Contains('\0', StringComparison.Ordinal)
                    ? throw at.WrongType(node, "a path")
                    : System.IO.Path.GetFullPath(text, at.Origin.Folder);
            }
        );

    public static Form<long> TimeFrom { get; } = Time(TimeRounding.Up);

    public static Form<long> TimeTo { get; } = Time(TimeRounding.Down);

    public static Form<TimePoint> TimeOrNow { get; } =
        new(
            "time or now",
            (node, at) => at.Located(node, () => TimeText.ParsePoint(Scalar(node, at, "a time in epoch milliseconds, or now").Text, at.Now))
        );

    public static Form<string> BackupId { get; } =
        new("backup id", (node, at) => at.Located(node, () => NameRules.CheckBackupId(Scalar(node, at, "a backup id").Text)));

    public static Form<string> Topic { get; } =
        new(
            "topic name",
            (node, at) =>
                Scalar(node, at, "a topic's name") is var scalar && NameRules.IsTopicName(scalar.Text)
                    ? scalar.Text
                    : throw at.WrongType(node, TopicWanted)
        );

    public static Form<string> TopicPattern { get; } =
        new(
            "topic pattern",
            (node, at) => at.Located(node, () => Configuration.TopicPattern.ForTopics(Scalar(node, at, "a topic pattern").Text).Text)
        );

    public static Form<string> NamePattern { get; } =
        new(
            "name or pattern",
            (node, at) => at.Located(node, () => Configuration.TopicPattern.ForNames(Scalar(node, at, "a name or pattern").Text).Text)
        );

    private static Form<long> Time(TimeRounding rounding) =>
        new(
            "time",
            (node, at) => at.Located(node, () => TimeText.Parse(Scalar(node, at, "a time in epoch milliseconds").Text, at.Now, rounding))
        );

    private const string TopicWanted = "a topic's name (letters, digits, '.', '_' and '-', at most 249 of them)";

    public static Form<long> Whole(long min, long max) =>
        new(Range("whole number", min, max), (node, at) => ReadWhole(node, at, min, max, Range("a whole number", min, max)));

    public static Form<int> Int(int min, int max) =>
        new(Range("whole number", min, max), (node, at) => (int)ReadWhole(node, at, min, max, Range("a whole number", min, max)));

    public static Form<TimeSpan> Milliseconds(long min, long max) =>
        new(
            Range("milliseconds", min, max),
            (node, at) => TimeSpan.FromMilliseconds(ReadWhole(node, at, min, max, Range("a whole number of milliseconds", min, max)))
        );

    public static Form<TimeSpan> Seconds(long min, long max) =>
        new(
            Range("seconds", min, max),
            (node, at) => TimeSpan.FromSeconds(ReadWhole(node, at, min, max, Range("a whole number of seconds", min, max)))
        );

    /// <summary>Bytes, as a number or with a unit.</summary>
    public static Form<long> Bytes(long min, long max) =>
        new(
            Range("bytes (or 64MB)", min, max),
            (node, at) =>
            {
                var scalar = Scalar(node, at, "a number of bytes");
                var bytes = scalar.Text.StartsWith('-') ? -1 : at.Located(node, () => SizeText.Parse(scalar.Text));
                return bytes >= min && bytes <= max ? bytes : throw at.OutOfRange(node, Range("a number of bytes", min, max));
            }
        );

    public static Form<E> Choice<E>()
        where E : struct, Enum =>
        new(
            EnumText.Forms<E>(),
            (node, at) =>
                EnumText.TryParse<E>(Scalar(node, at, $"one of {EnumText.Forms<E>()}").Text, out var value)
                    ? value
                    : throw at.WrongType(node, $"one of {EnumText.Forms<E>()}")
        );

    /// <summary>One of some words, returned as they are listed.</summary>
    public static Form<string> Word(params string[] words) =>
        new(
            string.Join(", ", words),
            (node, at) =>
                words.FirstOrDefault(word => word.Equals(Scalar(node, at, "one word").Text, StringComparison.OrdinalIgnoreCase))
                ?? throw at.WrongType(node, $"one of {string.Join(", ", words)}")
        );

    public static Form<IReadOnlyList<V>> ListOf<V>(Form<V> item, bool mayBeEmpty = true) =>
        new(
            $"list of {item.Description}",
            (node, at) =>
            {
                if (node is not ConfigList list)
                {
                    throw at.WrongType(
                        node,
                        "a list",
                        node is ConfigScalar { IsNull: false, FromVariable: false } single
                            ? $"Write it as a list: [\"{single.Text}\"]."
                            : null
                    );
                }

                return list.Items.Count > 0 || mayBeEmpty
                    ? list.Items.Select((element, i) => item.Read(element, at with { Path = $"{at.Path}[{i}]" })).ToArray()
                    : throw ErrorIds.ConfigOutOfRange.With(
                        $"{at.Origin.Locate(node.At)}: {at.Path} is an empty list.",
                        at.Path,
                        "Leave the key out for all, or name at least one."
                    );
            }
        );

    /// <summary>A list of patterns, bounded before any is made into an expression.</summary>
    public static Form<IReadOnlyList<string>> PatternsOf(Form<string> item, bool mayBeEmpty = true)
    {
        var list = ListOf(item, mayBeEmpty);
        return new(
            list.Description,
            (node, at) =>
            {
                var texts =
                    (node as ConfigList)?.Items.OfType<ConfigScalar>().Select(i => i.Text).Distinct(StringComparer.Ordinal).ToArray() ?? [];
                at.Located(node, () => Configuration.TopicPattern.CheckExpressions(texts));
                return list.Read(node, at);
            }
        );
    }

    public static Form<IReadOnlyDictionary<K, V>> MapOf<K, V>(Form<K> key, Form<V> value)
        where K : notnull =>
        new(
            $"{{{key.Description}: {value.Description}}}",
            (node, at) =>
            {
                var map = node as ConfigMap ?? throw at.WrongType(node, $"a group of keys ({key.Description}: {value.Description})");
                var result = new Dictionary<K, V>();
                foreach (var entry in map.Entries)
                {
                    // JSON writes numbers in quotes where they are keys.
                    var below = at.Below(entry.Key.Text);
                    var parsed = key.Read(entry.Key with { IsQuoted = false }, below);
                    if (!result.TryAdd(parsed, value.Read(entry.Value, below)))
                    {
                        throw at.Conflict(entry.Key, $"{at.Path} has {parsed} twice.", "Remove one of the two.");
                    }
                }

                return result;
            }
        );

    public static ConfigScalar Scalar(ConfigNode node, Reading at, string wanted) =>
        node is ConfigScalar { IsNull: false } scalar ? scalar : throw at.WrongType(node, wanted);

    public static void WarnOfLiteralSecret(ConfigScalar scalar, Reading at)
    {
        if (!scalar.FromVariable && scalar.Text.Length > 0 && at.Origin.HasLines)
        {
            at.Warn(
                $"{at.Origin.Locate(scalar.At)}: {at.Path} is a secret in plain text; take it from the environment instead: ${{NAME}}."
            );
        }
    }

    private static long ReadWhole(ConfigNode node, Reading at, long min, long max, string wanted)
    {
        var scalar = Scalar(node, at, wanted);
        if ((scalar.IsQuoted && !scalar.FromVariable) || scalar.Text.Length == 0 || !scalar.Text.TrimStart('-').All(char.IsAsciiDigit))
        {
            throw at.WrongType(node, wanted);
        }

        return
            long.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            && value >= min
            && value <= max
            ? value
            : throw at.OutOfRange(node, wanted);
    }

    private static string Range(string noun, long min, long max) =>
        max is int.MaxValue or long.MaxValue ? $"{noun}, at least {min}" : $"{noun} from {min} to {max}";
}
