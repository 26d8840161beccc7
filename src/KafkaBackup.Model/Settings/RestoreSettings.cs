namespace KafkaBackup;

/// <summary>What a user asks of a restore, or of its dry run; null means "not given" (see <see cref="BackupSettings"/>).</summary>
/// <remarks>
/// Time windows are inclusive, in epoch milliseconds. Configs of created topics are by topic, by its source name; the empty name stands for
/// all of them.
/// </remarks>
public sealed partial record RestoreSettings
{
    public ClusterSettings? Target { get; init; }
    public StoreSettings? Store { get; init; }
    public HealthSettings? Health { get; init; }

    /// <summary>Dry run only: read every byte that the restore would read.</summary>
    public bool Deep { get; init; }

    /// <summary>Dry run only: do not contact the target.</summary>
    public bool Offline { get; init; }
}
