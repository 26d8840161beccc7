using System.Text;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// A topic's folder name. File systems know fewer names than Kafka does topics: some ignore case, Windows keeps <c>con</c> for itself and
/// drops dots at the end, and 255 bytes is the limit. A name of lower-case letters, digits, '-', '_' and inner dots stays as it is; else
/// '!', which no topic has, says: <c>!o</c> is an upper-case O, <c>!1</c> a dot at either end, <c>!0</c> nothing (before a name that
/// Windows keeps), and <c>!2</c> at the end that the name goes on in a folder within.
/// </summary>
public static class TopicFolder
{
    private const char Mark = '!';
    private const string Nothing = "!0";
    private const string Dot = "!1";
    private const string GoesOn = "!2";
    private const int LongestPart = 200;
    private const int LongestTopic = 249;

    /// <summary>One folder name, or for very long names with many upper-case letters two or three, separated by '/'.</summary>
    public static string Escape(string topic)
    {
        if (!IsTopic(topic))
        {
            throw ErrorIds.TopicNotFound.With($"'{topic}' is not a name that a Kafka topic can have.", topic);
        }

        var result = new StringBuilder(topic.Length + 8);
        var part = new StringBuilder(topic.Length + 8);
        foreach (var c in topic)
        {
            var token =
                char.IsAsciiLetterUpper(c) ? $"{Mark}{char.ToLowerInvariant(c)}"
                : c == '.' && part.Length == 0 ? Dot
                : c.ToString();
            if (part.Length + token.Length > LongestPart)
            {
                result.Append(Guarded(part.ToString())).Append(GoesOn).Append('/');
                part.Clear();
                token = c == '.' ? Dot : token;
            }

            part.Append(token);
        }

        if (part[^1] == '.')
        {
            part.Length--;
            part.Append(Dot);
        }

        return result.Append(Guarded(part.ToString())).ToString();
    }

    /// <summary>Null for what no topic is escaped to.</summary>
    public static string? Unescape(string folder)
    {
        var topic = new StringBuilder(folder.Length);
        for (var i = 0; i < folder.Length; i++)
        {
            if (folder[i] != Mark)
            {
                topic.Append(folder[i]);
                continue;
            }

            if (++i == folder.Length)
            {
                return null;
            }

            switch (folder[i])
            {
                case '0':
                    break;
                case '1':
                    topic.Append('.');
                    break;
                case '2' when i + 1 < folder.Length && folder[i + 1] == '/':
                    i++;
                    break;
                case >= 'a' and <= 'z' and var letter:
                    topic.Append(char.ToUpperInvariant(letter));
                    break;
                default:
                    return null;
            }
        }

        var name = topic.ToString();
        return IsTopic(name) && Escape(name) == folder ? name : null;
    }

    public static bool IsTopic(string name) =>
        name.Length is > 0 and <= LongestTopic
        && name is not ("." or "..")
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    private static string Guarded(string part) => IsKeptByWindows(part) ? Nothing + part : part;

    /// <summary>Device names, also with anything after a dot.</summary>
    private static bool IsKeptByWindows(string part)
    {
        var dot = part.IndexOf('.', StringComparison.Ordinal);
        var name = dot < 0 ? part : part[..dot];
        return name is "con" or "prn" or "aux" or "nul"
            || (
                name.Length == 4
                && (name.StartsWith("com", StringComparison.Ordinal) || name.StartsWith("lpt", StringComparison.Ordinal))
                && char.IsAsciiDigit(name[3])
            );
    }
}
