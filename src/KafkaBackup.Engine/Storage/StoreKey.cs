using System.Text;

namespace KafkaBackup.Engine.Storage;

/// <summary>
/// The one rule for keys and prefixes, for all stores. Keys may come from a manifest that somebody else wrote: they are not trusted.
/// </summary>
public static class StoreKey
{
    /// <summary>Names that begin so are a store's own, for uploads in progress; no key may.</summary>
    public const string ReservedNameStart = ".kbtmp-";

    private const int MaxLength = 1024;

    /// <summary>In bytes: what file systems take for one name.</summary>
    private const int LongestPart = 255;

    /// <summary>
    /// Throws unless the key is relative, '/'-separated and free of empty, '.' and '..' parts, control characters and backslashes.
    /// </summary>
    public static void Check(string key)
    {
        if (!IsLegal(key))
        {
            throw Refuse(key);
        }
    }

    /// <summary>Listings show what is there, also names that cannot be keys: somebody else's files.</summary>
    public static bool IsLegal(string key) => key.Length is > 0 and <= MaxLength && HasLegalParts(key, isPrefix: false);

    public static bool IsLegalPrefix(string prefix) =>
        prefix.Length <= MaxLength && HasLegalParts(prefix.AsSpan(0, prefix.LastIndexOf('/') + 1), isPrefix: true);

    /// <summary>Like <see cref="Check"/> for what listing takes: "" is everything, and the last part may be unfinished.</summary>
    public static void CheckPrefix(string prefix)
    {
        if (prefix.Length > MaxLength || !HasLegalParts(prefix, isPrefix: true))
        {
            throw Refuse(prefix);
        }
    }

    public static void CheckFolder(string prefix)
    {
        CheckPrefix(prefix);
        if (prefix.Length > 0 && prefix[^1] != '/')
        {
            throw new ArgumentException("A folder-like prefix is empty or ends in '/'.", nameof(prefix));
        }
    }

    private static bool HasLegalParts(ReadOnlySpan<char> key, bool isPrefix)
    {
        var rest = key;
        while (true)
        {
            var slash = rest.IndexOf('/');
            var isLast = slash < 0;
            var part = isLast ? rest : rest[..slash];
            var unfinished = isLast && isPrefix;
            if (!unfinished && (part.IsEmpty || part is "." or ".."))
            {
                return false;
            }

            if (
                part is ".."
                || part.Length > LongestPart
                || Encoding.UTF8.GetByteCount(part) > LongestPart
                || part.StartsWith(ReservedNameStart, StringComparison.Ordinal)
                || HasIllegalCharacter(part)
            )
            {
                return false;
            }

            if (isLast)
            {
                return true;
            }

            rest = rest[(slash + 1)..];
        }
    }

    /// <summary>The colon would reach a drive or an alternate stream on Windows.</summary>
    private static bool HasIllegalCharacter(ReadOnlySpan<char> part)
    {
        foreach (var c in part)
        {
            if (c is '\\' or ':' || char.IsControl(c))
            {
                return true;
            }
        }

        return false;
    }

    private static KafkaBackupException Refuse(string key) =>
        ErrorIds.InvalidPath.With(
            $"'{key}' is not a legal object name: it would lie outside the store or cannot exist on every system.",
            key,
            "If a manifest named it, the manifest was changed by somebody: do not trust this backup before Test-KafkaBackup -Deep has passed."
        );
}
