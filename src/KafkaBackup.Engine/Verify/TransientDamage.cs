namespace KafkaBackup.Engine.Verify;

/// <summary>What was damaged at the first look and whole at the second (rule D2).</summary>
internal static class TransientDamage
{
    public static Finding Finding(string place) =>
        new(
            FindingSeverity.Warning,
            FindingKind.Transient,
            place,
            $"'{place}' was damaged when first read and whole when read again.",
            "Look at the disk, the memory or the network between here and the store."
        );
}
