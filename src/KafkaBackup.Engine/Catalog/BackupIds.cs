using System.IO.Enumeration;

namespace KafkaBackup.Engine.Catalog;

/// <summary>rule A8: a backup id is one path segment.</summary>
public static class BackupIds
{
    private const int MaxLength = 200;

    public static bool IsValid(string id) =>
        id.Length is > 0 and <= MaxLength
        && id is not ("." or "..")
        && id.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    public static void Check(string id)
    {
        if (!IsValid(id))
        {
            throw ErrorIds.InvalidBackupId.With($"'{id}' is not a backup id.", id);
        }
    }

    /// <summary>A glob with * and ?, as PowerShell users expect it: without regard to case. Null matches all.</summary>
    public static bool Matches(string id, string? pattern) =>
        pattern is null || FileSystemName.MatchesSimpleExpression(pattern, id, ignoreCase: true);
}
