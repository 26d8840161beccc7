namespace KafkaBackup;

/// <summary>How segment blocks are compressed.</summary>
public enum CompressionKind
{
    Zstd,
    Gzip,
    None,
}

/// <summary>Which records of transactional topics a backup stores.</summary>
public enum IsolationLevel
{
    ReadCommitted,
    ReadUncommitted,
}

/// <summary>How the connection to a cluster is secured.</summary>
public enum SecurityProtocol
{
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

/// <summary>How the client proves who it is.</summary>
public enum SaslMechanism
{
    Plain,
    ScramSha256,
    ScramSha512,
    OAuthBearer,
    Gssapi,
}

/// <summary>What a restore does about consumer-group offsets (rule F1).</summary>
public enum OffsetStrategy
{
    Skip,
    HeaderBased,
    TimestampBased,
    ClusterScan,
    Manual,
}

/// <summary>How a restore keeps its promise of nothing lost, nothing twice (rule E2).</summary>
public enum DeliveryMode
{
    Idempotent,
    Transactional,
}

/// <summary>How two sides of a comparison are paired, record by record (rule G2).</summary>
public enum AlignMode
{
    Auto,
    Position,
    Offset,
    OriginalOffset,
}

/// <summary>What a Kafka timestamp means; kept with every record.</summary>
public enum TimestampKind : byte
{
    NotAvailable = 0,
    CreateTime = 1,
    LogAppendTime = 2,
}

/// <summary>What to do when a named topic does not exist.</summary>
public enum MissingTopicAction
{
    Fail,
    Warn,
}

/// <summary>Where a finding stands between a remark and a refusal.</summary>
public enum FindingSeverity
{
    Information,
    Warning,
    Error,
}

/// <summary>What a check found.</summary>
public enum FindingKind
{
    // A backup's objects
    Missing,
    Truncated,
    Archived,
    Corrupt,
    Orphaned,
    Transient,
    Gap,
    Lock,
    ManifestCopy,
    ManifestDamaged,
    Incomplete,
    StaleUpload,

    // The plan
    Configuration,
    NothingSelected,
    TopicMapping,
    PartitionMapping,
    HeaderNameCut,
    PartitionTrouble,

    // The target
    Unreachable,
    Unauthorized,
    TargetMissing,
    TargetPartitions,
    TargetNotEmpty,
    TargetGrowing,
    TargetIsSource,
    Retention,
    RecordTooLarge,
    TimestampType,
    TimestampLimit,
    CleanupPolicy,
    ConsumerGroup,
    Replication,
    MessageFormat,
}

/// <summary>How a run ended, or how a backup as a whole stands.</summary>
public enum BackupStatus
{
    Complete,
    Incomplete,
    Stopped,
    Failed,
    Running,
}

/// <summary>How one partition of a run or of a restore ended.</summary>
public enum PartitionStatus
{
    Complete,
    Incomplete,
    Stopped,
    Failed,
}

/// <summary>How a restore ended.</summary>
public enum RestoreStatus
{
    Complete,
    Incomplete,
    Stopped,
    Failed,
}

/// <summary>The verdict of Test-KafkaRestore and Test-KafkaBackup.</summary>
public enum ReportStatus
{
    Valid,
    ValidWithWarnings,
    Invalid,
}

/// <summary>The verdict on one partition of a comparison.</summary>
public enum ComparisonVerdict
{
    Equal,
    Different,
    TailOnly,
    HeadOnly,
    Failed,
}
