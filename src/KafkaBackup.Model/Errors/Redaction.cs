using System.Text.RegularExpressions;

namespace KafkaBackup;

/// <summary>
/// What messages may not repeat: what stands before an <c>@</c> (in addresses that is a user's name and password), a signature in an
/// address's query and the key in a connection string, and what came from a variable of a configuration file, which may be a secret in the
/// wrong place. Every error, finding, warning and verbose line goes through here.
/// </summary>
public sealed partial class Redaction
{
    private const string Hidden = "********";

    /// <summary>Shorter values are no secrets, and replacing them would garble every text.</summary>
    private const int ShortestValue = 4;

    /// <summary>A long value is replaced inside words too; a short one is too likely to be a part of an innocent word.</summary>
    private const int LongValue = 12;

    private static readonly char[] Separators = [',', ';', ' ', '\t', '\r', '\n'];

    private readonly object _gate = new();
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    /// <summary>What may be shown of a value that was refused: nothing where it holds an <c>@</c>, a key or a signature.</summary>
    public static string Show(string value) =>
        value.Contains('@', StringComparison.Ordinal) ? "(not shown: it holds an @)"
        : KeyOrSignature().IsMatch(value) ? "(not shown: it holds a key or a signature)"
        : $"'{value}'";

    /// <summary>The text without what stands before an <c>@</c>, and without signatures and keys.</summary>
    public static string Clean(string text)
    {
        var shown = KeyOrSignature().Replace(text, "$1" + Hidden);
        return shown.Contains('@', StringComparison.Ordinal) ? BeforeAt().Replace(shown, Hidden + "@") : shown;
    }

    /// <summary>Remembers a variable's value, and each item where it is a list; messages then show the variable's name.</summary>
    public void Learn(string name, string value)
    {
        string[] parts = [value, value.TrimEnd('/', '\\'), .. value.Split(Separators, StringSplitOptions.RemoveEmptyEntries)];
        lock (_gate)
        {
            foreach (var part in parts.Where(part => part.Length >= ShortestValue && !bool.TryParse(part, out _)))
            {
                _names.TryAdd(part, $"${{{name}}}");
            }
        }
    }

    /// <summary>The text with each variable's name where its value stood.</summary>
    public string Apply(string text)
    {
        KeyValuePair<string, string>[] known;
        lock (_gate)
        {
            known = [.. _names.OrderByDescending(entry => entry.Key.Length)];
        }

        foreach (var (value, name) in known)
        {
            text = Replace(text, value, name);
        }

        return Clean(text);
    }

    public Finding Apply(Finding finding) =>
        finding with
        {
            Place = Apply(finding.Place),
            Message = Apply(finding.Message),
            Advice = Apply(finding.Advice),
        };

    /// <summary>The same error, where it repeats nothing; else one that does not, without the cause, which may repeat it too.</summary>
    public KafkaBackupException Apply(KafkaBackupException error)
    {
        var target = error.TargetObject is string text ? Apply(text) : error.TargetObject;
        var cleaned = error.Definition.With(Apply(error.Message), target, Apply(error.Advice));
        return
            cleaned.Message == error.Message
            && cleaned.Advice == error.Advice
            && Equals(target, error.TargetObject)
            && !Repeats(error.InnerException)
            ? error
            : cleaned;
    }

    private bool Repeats(Exception? cause) => cause is not null && (Apply(cause.Message) != cause.Message || Repeats(cause.InnerException));

    private static string Replace(string text, string value, string name)
    {
        for (var at = text.IndexOf(value, StringComparison.Ordinal); at >= 0; at = text.IndexOf(value, at, StringComparison.Ordinal))
        {
            var end = at + value.Length;
            var inside =
                (char.IsLetterOrDigit(value[0]) && GoesOn(text, at - 1, -1)) || (char.IsLetterOrDigit(value[^1]) && GoesOn(text, end, 1));
            if (inside && value.Length < LongValue)
            {
                at = end;
                continue;
            }

            text = string.Concat(text.AsSpan(0, at), name, text.AsSpan(end));
            at += name.Length;
        }

        return text;
    }

    /// <summary>
    /// Whether a word goes on there: with a letter or digit, or with one behind a character that joins the parts of a name, as in
    /// kafka-configs.
    /// </summary>
    private static bool GoesOn(string text, int at, int step) =>
        IsLetterOrDigit(text, at) || (at >= 0 && at < text.Length && (text[at] is '-' or '_' or '.') && IsLetterOrDigit(text, at + step));

    private static bool IsLetterOrDigit(string text, int at) => at >= 0 && at < text.Length && char.IsLetterOrDigit(text[at]);

    [GeneratedRegex("""\b((?:sig|AccountKey)=)[^&;\s'"]+""", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex KeyOrSignature();

    [GeneratedRegex("""[^\s'"(){}\[\],;=@][^\s'"]*@""", RegexOptions.CultureInvariant)]
    private static partial Regex BeforeAt();
}
