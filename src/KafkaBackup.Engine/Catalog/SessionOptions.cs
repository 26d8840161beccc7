namespace KafkaBackup.Engine.Catalog;

/// <summary>What a writing session needs to know.</summary>
public sealed record SessionOptions
{
    public static readonly TimeSpan DefaultHeartbeat = TimeSpan.FromSeconds(10);

    public required string RunId { get; init; }

    public required TimeProvider Clock { get; init; }

    /// <summary>Written into a new backup's first head.</summary>
    public string? SourceClusterId { get; init; }

    /// <summary>
    /// False for operations on backups that must exist: then a missing one is the error BackupNotFound, and no lock is written.
    /// </summary>
    public bool CreateIfMissing { get; init; } = true;

    /// <summary>For repair: damage of the manifest is no error, and the first commit names what it is given and nothing else.</summary>
    public bool Rebuild { get; init; }

    public TimeSpan Heartbeat { get; init; } = DefaultHeartbeat;

    /// <summary>How long to watch another's lock; null for as long as it takes to know whether its owner lives.</summary>
    public TimeSpan? LockPatience { get; init; }

    /// <summary>Hears of a wait for another's lock; null for nobody.</summary>
    public IEngineEvents? Events { get; init; }

    /// <summary>Older heads are the fallback for damaged newer ones; five are some minutes of a continuous backup.</summary>
    public int KeptHeads { get; init; } = 5;
}
