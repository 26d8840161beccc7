using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Health;
using KafkaBackup.Engine.Pacing;

namespace KafkaBackup.Engine.Restore;

/// <summary>What all parts of one restore share.</summary>
internal sealed record RestoreScope(
    RestoreWork Work,
    IKafkaCluster Cluster,
    BackupCatalog Catalog,
    BlockBufferPool Pool,
    RateLimiter Limiter,
    TimeProvider Clock,
    IEngineEvents Events
)
{
    /// <summary>A stop waits so long for what is under way; the resume finds out about the rest.</summary>
    public static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);

    /// <summary>Neighbouring blocks are fetched together: a round trip to an object store costs as much as some megabytes.</summary>
    public required int ReadAhead { get; init; }

    /// <summary>What one lane may have sent and not yet acknowledged, however large its batches.</summary>
    public required long MostUnacknowledged { get; init; }

    public required WriterPool Writers { get; init; }

    public required OperationStatus Status { get; init; }

    public RestoreOptions Options => Work.Options;

    /// <summary>
    /// Without any record acknowledged for this long a partition is given up; a broker's restart and an election fit in several times.
    /// </summary>
    public TimeSpan DeliveryBudget { get; init; } = TargetPatience.Away;

    public QuotaNotice Quota { get; } = new(Events, "restore");

    public SegmentProofs Proofs { get; } = new();

    public RecordStream Stream(TargetWork target) => new(target, Catalog, Work.Backup, Pool, ReadAhead, Proofs);
}
