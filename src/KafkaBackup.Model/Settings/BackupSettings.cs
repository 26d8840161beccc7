namespace KafkaBackup;

/// <summary>
/// What a user asks of a backup, from a file, from parameters, or both: the engine merges these with the file's. Null means "not given",
/// which is what lets a parameter override only when it was bound. Most of it follows from settings.table.
/// </summary>
public sealed partial record BackupSettings
{
    public ClusterSettings? Source { get; init; }
    public StoreSettings? Store { get; init; }
    public HealthSettings? Health { get; init; }
}
