using System.Buffers;
using System.Collections.Frozen;

namespace KafkaBackup;

/// <summary>What names may look like (rule A8).</summary>
public static class NameRules
{
    /// <summary>The highest number that a partition can have: no cluster comes near a million in one topic.</summary>
    public const int HighestPartition = 999_999;

    private const int MaxBackupIdLength = 200;
    private const int MaxTopicLength = 249;

    private static readonly SearchValues<char> IdCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
    );

    // Folders of these names cannot be made on Windows, whatever their extension; a store must be movable between systems.
    private static readonly FrozenSet<string> DeviceNames = new[]
    {
        "CON",
        "PRN",
        "AUX",
        "NUL",
        "COM1",
        "COM2",
        "COM3",
        "COM4",
        "COM5",
        "COM6",
        "COM7",
        "COM8",
        "COM9",
        "LPT1",
        "LPT2",
        "LPT3",
        "LPT4",
        "LPT5",
        "LPT6",
        "LPT7",
        "LPT8",
        "LPT9",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static bool IsTopicCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';

    public static bool IsTopicName(string name) =>
        name.Length is > 0 and <= MaxTopicLength && name is not ("." or "..") && name.All(IsTopicCharacter);

    public static bool IsBackupId(string id) => BackupIdFault(id) is null;

    /// <summary>Returns the id, or throws InvalidBackupId: one path segment of letters, digits, '.', '_' and '-'.</summary>
    public static string CheckBackupId(string id) =>
        BackupIdFault(id) is { } fault
            ? throw ErrorIds.InvalidBackupId.With($"{Redaction.Show(id)} cannot be a backup id: {fault}.", id)
            : id;

    private static string? BackupIdFault(string id)
    {
        if (id.Length == 0)
        {
            return "it is empty";
        }

        if (id.Length > MaxBackupIdLength)
        {
            return $"it is longer than {MaxBackupIdLength} characters";
        }

        var wrong = id.AsSpan().IndexOfAnyExcept(IdCharacters);
        if (wrong >= 0)
        {
            return char.IsControl(id[wrong]) ? "it contains a control character" : $"it contains '{id[wrong]}'";
        }

        if (id[^1] == '.')
        {
            return "it ends in a dot";
        }

        return DeviceNames.Contains(id.Split('.')[0]) ? "Windows reserves this name" : null;
    }
}
