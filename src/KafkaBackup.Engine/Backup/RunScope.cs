using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Health;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Backup;

/// <summary>What all parts of one run share.</summary>
internal sealed record RunScope(
    string RunId,
    BackupOptions Options,
    IKafkaCluster Cluster,
    IStore Store,
    BackupSession Session,
    ManifestDraft Draft,
    OperationStatus Status,
    RunFindings Findings,
    SourceProof Proof,
    TimeProvider Clock,
    IEngineEvents Events
);
