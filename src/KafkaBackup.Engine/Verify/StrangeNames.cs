namespace KafkaBackup.Engine.Verify;

/// <summary>Files in a backup's folder with names that no store takes as a key, so that they can be removed by hand only.</summary>
internal static class StrangeNames
{
    public static Finding Finding(string key) =>
        new(
            FindingSeverity.Warning,
            FindingKind.Orphaned,
            key,
            $"'{key}' is not a name that KafkaBackup gives, and not one that every store takes. It is left as it is.",
            "Find out who put it there; remove it by hand if nobody needs it."
        );
}
