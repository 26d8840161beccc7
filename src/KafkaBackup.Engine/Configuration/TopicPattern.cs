using System.Text.RegularExpressions;

namespace KafkaBackup.Engine.Configuration;

/// <summary>
/// One pattern over names (rule A4): <c>~</c> starts a regular expression, found anywhere in the name; all else is a glob over the whole
/// name, case-sensitive, with <c>*</c> for any run of characters and <c>?</c> for one.
/// </summary>
public sealed class TopicPattern
{
    /// <summary>Names are at most a few hundred characters: an expression that needs longer is one that backtracks without end.</summary>
    private static readonly TimeSpan MatchLimit = TimeSpan.FromMilliseconds(250);

    /// <summary>Each takes kilobytes and is tried on every name.</summary>
    private const int MostExpressions = 1000;

    private const int MostCharacters = 100_000;

    private readonly Regex? _regex;

    private TopicPattern(string text, Regex? regex)
    {
        Text = text;
        _regex = regex;
    }

    /// <summary>The pattern as the user wrote it.</summary>
    public string Text { get; }

    /// <summary>True when it can match one name only, which is its text.</summary>
    public bool IsLiteral => _regex is null && Text.AsSpan().IndexOfAny('*', '?') < 0;

    /// <summary>A pattern over topic names: what no topic name can contain is refused, since it could never match.</summary>
    /// <exception cref="KafkaBackupException">InvalidPattern.</exception>
    public static TopicPattern ForTopics(string text)
    {
        var pattern = ForNames(text);
        if (
            pattern._regex is null
            && text.FirstOrDefault(c => c is not ('*' or '?') && !NameRules.IsTopicCharacter(c)) is var wrong and not '\0'
        )
        {
            throw ErrorIds.InvalidPattern.With(
                $"The pattern {Redaction.Show(text)} can match no topic: '{wrong}' is not allowed in a topic's name, and only * and ? are wildcards.",
                text,
                text.Any(c => c is ',' or ';' || char.IsWhiteSpace(c))
                    ? "Give several patterns as a list, one pattern each: -Topic orders, payments; in a file each on a line of its own."
                    : $"Correct the pattern; for more than * and ? start a regular expression with '~': ~^pay.*$"
            );
        }

        return pattern;
    }

    /// <summary>A pattern over names of any kind: consumer groups, headers.</summary>
    /// <exception cref="KafkaBackupException">InvalidPattern.</exception>
    public static TopicPattern ForNames(string text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            throw ErrorIds.InvalidPattern.With("A pattern is empty.", text);
        }

        if (text[0] != '~')
        {
            return new TopicPattern(text, null);
        }

        if (text.Length == 1)
        {
            throw ErrorIds.InvalidPattern.With("The pattern '~' has no regular expression after the '~'.", text);
        }

        try
        {
            return new TopicPattern(text, new Regex(text[1..], RegexOptions.CultureInvariant, MatchLimit));
        }
        catch (ArgumentException e)
        {
            // The library's own message repeats the pattern.
            var why = e is RegexParseException fault ? $": {fault.Error} at character {fault.Offset + 2}" : "";
            throw ErrorIds.InvalidPattern.With($"The pattern {Redaction.Show(text)} is not a valid regular expression{why}.", text);
        }
    }

    /// <summary>Bounds what a list of patterns may cost; names and globs cost little more than their text.</summary>
    /// <exception cref="KafkaBackupException">InvalidPattern.</exception>
    /// <returns>How many there are.</returns>
    public static int CheckExpressions(IReadOnlyCollection<string> texts)
    {
        var count = texts.Count(text => text.StartsWith('~'));
        if (count > MostExpressions || texts.Where(text => text.StartsWith('~')).Sum(text => (long)text.Length) > MostCharacters)
        {
            throw ErrorIds.InvalidPattern.With(
                FormattableString.Invariant(
                    $"{count:N0} regular expressions are given in one list; at most {MostExpressions:N0} of {MostCharacters:N0} characters in all are taken."
                ),
                count,
                "Join them with |, or use names and globs (* and ?), of which there may be many."
            );
        }

        return count;
    }

    /// <exception cref="KafkaBackupException">InvalidPattern: the regular expression does not come to an end on this name.</exception>
    public bool Matches(string name)
    {
        if (_regex is null)
        {
            return GlobMatches(Text, name);
        }

        try
        {
            return _regex.IsMatch(name);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw ErrorIds.InvalidPattern.With(
                $"The pattern {Redaction.Show(Text)} took longer than {MatchLimit.TotalMilliseconds:0} ms on the name '{name}': it backtracks too much.",
                Text,
                "Simplify the regular expression: avoid nested repetitions such as (a+)+.",
                e
            );
        }
    }

    public override string ToString() => Text;

    /// <summary>
    /// The usual greedy walk: on a mismatch the last star takes one character more. No recursion, linear memory, at worst n times m steps.
    /// </summary>
    private static bool GlobMatches(string pattern, string name)
    {
        int p = 0,
            n = 0,
            star = -1,
            resume = 0;
        while (n < name.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                resume = n;
            }
            else if (p < pattern.Length && (pattern[p] == '?' || pattern[p] == name[n]))
            {
                p++;
                n++;
            }
            else if (star >= 0)
            {
                p = star + 1;
                n = ++resume;
            }
            else
            {
                return false;
            }
        }

        while (p < pattern.Length && pattern[p] == '*')
        {
            p++;
        }

        return p == pattern.Length;
    }
}
