using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>All that a repair is going to do.</summary>
internal sealed record RepairWork
{
    public required string BackupId { get; init; }

    /// <summary>Of all heads there are, when the plan was made: a later one means that somebody else wrote.</summary>
    public required long HighestGeneration { get; init; }

    public required LockState Lock { get; init; }

    /// <summary>Release a lock that is not proven stale, because the user says so.</summary>
    public required bool ForceLock { get; init; }

    /// <summary>What the segments say the manifest should be; null where the manifest that is there serves.</summary>
    public Manifest? Rebuilt { get; init; }

    /// <summary>Write a new head, which also renews the copy, rewrites bad pages and ends an interrupted trim.</summary>
    public required bool Commit { get; init; }

    public IReadOnlyList<BadPage> Pages { get; init; } = [];

    public IReadOnlyList<long> BadHeads { get; init; } = [];

    /// <summary>Keys below the backup.</summary>
    public IReadOnlyList<string> AbsurdHeads { get; init; } = [];

    public IReadOnlyList<Orphan> Orphans { get; init; } = [];

    public IReadOnlyList<StoreUpload> Uploads { get; init; } = [];

    public required IReadOnlyList<string> Actions { get; init; }

    public required IReadOnlyList<Finding> Findings { get; init; }
}
