namespace KafkaBackup.Engine.Configuration;

/// <summary>
/// Lays what was given as parameters over what a file says. A parameter wins when it was given; a cluster or a store whose address is given
/// is replaced as a whole, so that no credential of the file travels to another place (rule H4).
/// </summary>
internal static class Overlay
{
    public static BackupSettings Lay(BackupSettings given, BackupSettings file) =>
        given with
        {
            Source = Lay(given.Source, file.Source),
            Store = Lay(given.Store, file.Store),
            BackupId = given.BackupId ?? file.BackupId,
            Topics = given.Topics ?? file.Topics,
            ExcludeTopics = given.ExcludeTopics ?? file.ExcludeTopics,
            Compression = given.Compression ?? file.Compression,
            CompressionLevel = given.CompressionLevel ?? LevelOf(file, given.Compression),
            SegmentMaxBytes = given.SegmentMaxBytes ?? file.SegmentMaxBytes,
            SegmentMaxInterval = given.SegmentMaxInterval ?? file.SegmentMaxInterval,
            SegmentMaxRecords = given.SegmentMaxRecords ?? file.SegmentMaxRecords,
            StartOffset = given.StartOffset ?? file.StartOffset,
            Continuous = given.Continuous ?? file.Continuous,
            Duration = given.Duration ?? file.Duration,
            MaxConcurrentPartitions = given.MaxConcurrentPartitions ?? file.MaxConcurrentPartitions,
            PollInterval = given.PollInterval ?? file.PollInterval,
            IncludeInternalTopics = given.IncludeInternalTopics ?? file.IncludeInternalTopics,
            InternalTopics = given.InternalTopics ?? file.InternalTopics,
            IncludeOffsetHeaders = given.IncludeOffsetHeaders ?? file.IncludeOffsetHeaders,
            SourceClusterId = given.SourceClusterId ?? file.SourceClusterId,
            ConsumerGroupSnapshot = given.ConsumerGroupSnapshot ?? file.ConsumerGroupSnapshot,
            IsolationLevel = given.IsolationLevel ?? file.IsolationLevel,
            ConsistentAt = given.ConsistentAt ?? file.ConsistentAt,
            RecordsPerSecond = given.RecordsPerSecond ?? file.RecordsPerSecond,
            BytesPerSecond = given.BytesPerSecond ?? file.BytesPerSecond,
            OnMissingTopic = given.OnMissingTopic ?? file.OnMissingTopic,
            Health = given.Health ?? file.Health,
        };

    public static RestoreSettings Lay(RestoreSettings given, RestoreSettings file) =>
        given with
        {
            Target = Lay(given.Target, file.Target),
            Store = Lay(given.Store, file.Store),
            BackupId = given.BackupId ?? file.BackupId,
            Topics = given.Topics ?? file.Topics,
            ExcludeTopics = given.ExcludeTopics ?? file.ExcludeTopics,
            SourcePartitions = given.SourcePartitions ?? file.SourcePartitions,
            TopicMapping = given.TopicMapping ?? file.TopicMapping,
            PartitionMapping = given.PartitionMapping ?? file.PartitionMapping,
            TimeWindowStart = given.TimeWindowStart ?? file.TimeWindowStart,
            TimeWindowEnd = given.TimeWindowEnd ?? file.TimeWindowEnd,
            OffsetStrategy = given.OffsetStrategy ?? file.OffsetStrategy,
            IncludeOriginalOffsetHeader = given.IncludeOriginalOffsetHeader ?? file.IncludeOriginalOffsetHeader,
            ResetConsumerOffsets = given.ResetConsumerOffsets ?? file.ResetConsumerOffsets,
            ConsumerGroups = given.ConsumerGroups ?? file.ConsumerGroups,
            AllConsumerGroups = given.AllConsumerGroups ?? file.AllConsumerGroups,
            OffsetReportPath = given.OffsetReportPath ?? file.OffsetReportPath,
            CheckpointPath = given.CheckpointPath ?? file.CheckpointPath,
            CheckpointInterval = given.CheckpointInterval ?? file.CheckpointInterval,
            MaxConcurrentPartitions = given.MaxConcurrentPartitions ?? file.MaxConcurrentPartitions,
            ProduceBatchSize = given.ProduceBatchSize ?? file.ProduceBatchSize,
            RecordsPerSecond = given.RecordsPerSecond ?? file.RecordsPerSecond,
            BytesPerSecond = given.BytesPerSecond ?? file.BytesPerSecond,
            CreateTopics = given.CreateTopics ?? file.CreateTopics,
            DefaultReplicationFactor = given.DefaultReplicationFactor ?? file.DefaultReplicationFactor,
            TopicConfigOverrides = given.TopicConfigOverrides ?? file.TopicConfigOverrides,
            AllowMerge = given.AllowMerge ?? file.AllowMerge,
            PurgeTopics = given.PurgeTopics ?? file.PurgeTopics,
            Delivery = given.Delivery ?? file.Delivery,
            ResumeQuiet = given.ResumeQuiet ?? file.ResumeQuiet,
            Force = given.Force ?? file.Force,
            DryRun = given.DryRun ?? file.DryRun,
            Health = given.Health ?? file.Health,
        };

    public static ClusterSettings? Lay(ClusterSettings? given, ClusterSettings? file)
    {
        if (given is null || file is null || given.BootstrapServers is not null)
        {
            return given ?? file;
        }

        return new ClusterSettings
        {
            BootstrapServers = file.BootstrapServers,
            SecurityProtocol = given.SecurityProtocol ?? file.SecurityProtocol,
            SaslMechanism = given.SaslMechanism ?? file.SaslMechanism,
            SaslUsername = given.SaslUsername ?? file.SaslUsername,
            SaslPassword = given.SaslPassword ?? file.SaslPassword,
            CaCertificate = given.CaCertificate ?? file.CaCertificate,
            ClientCertificate = given.ClientCertificate ?? file.ClientCertificate,
            ClientKey = given.ClientKey ?? file.ClientKey,
            ClientKeyPassword = given.ClientKeyPassword ?? file.ClientKeyPassword,
            KafkaOptions = Lay(given.KafkaOptions, file.KafkaOptions),
        };
    }

    public static StoreSettings? Lay(StoreSettings? given, StoreSettings? file)
    {
        if (given is null || file is null || given.Path is not null)
        {
            return given ?? file;
        }

        // Keys belong together: a secret of one identity is of no use with the name of another.
        var withOwnKeys = given.AccessKey is not null || given.SecretKey is not null;
        return new StoreSettings
        {
            Path = file.Path,
            Options = Lay(given.Options, file.Options),
            AccessKey = withOwnKeys ? given.AccessKey : file.AccessKey,
            SecretKey = withOwnKeys ? given.SecretKey : file.SecretKey,
            SessionToken = withOwnKeys ? given.SessionToken : given.SessionToken ?? file.SessionToken,
        };
    }

    private static IReadOnlyDictionary<string, V>? Lay<V>(IReadOnlyDictionary<string, V>? given, IReadOnlyDictionary<string, V>? file)
    {
        if (given is null || file is null)
        {
            return given ?? file;
        }

        var merged = new Dictionary<string, V>(file, StringComparer.Ordinal);
        foreach (var (name, value) in given)
        {
            merged[name] = value;
        }

        return merged;
    }

    /// <summary>
    /// A level means nothing without its compression: when a parameter chooses another one, the file's level stays behind.
    /// </summary>
    private static int? LevelOf(BackupSettings file, CompressionKind? given) =>
        given is null || given == (file.Compression ?? CompressionKind.Zstd) ? file.CompressionLevel : null;
}
