using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Catalog;

/// <summary>A backup as it was found: its manifest, and what is to be said about its state.</summary>
public sealed class OpenedBackup
{
    internal OpenedBackup(
        string backupId,
        Manifest manifest,
        IReadOnlyList<Finding> findings,
        bool isForeign,
        long highestGeneration,
        ManifestLayout layout
    )
    {
        BackupId = backupId;
        Manifest = manifest;
        Findings = findings;
        IsForeign = isForeign;
        HighestGeneration = highestGeneration;
        Layout = layout;
    }

    /// <summary>The folder's name, which is what users say; the manifest keeps the id that the backup was born with.</summary>
    public string BackupId { get; }

    public Manifest Manifest { get; }

    /// <summary>Damage that was survived: a bad head whose predecessor or copy serves, a bad page, a bad copy.</summary>
    public IReadOnlyList<Finding> Findings { get; }

    public long Generation => Manifest.Generation;

    internal SegmentOwner Owner => new(BackupId, Manifest.BackupId, IsForeign);

    /// <summary>Another tool's: can be read and restored, not continued.</summary>
    public bool IsForeign { get; }

    /// <summary>Of all heads in the store, a damaged one too.</summary>
    internal long HighestGeneration { get; }

    internal ManifestLayout Layout { get; }
}
