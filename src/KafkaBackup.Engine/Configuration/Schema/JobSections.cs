using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Configuration.Schema;

/// <summary>The groups <c>backup</c>, <c>restore</c> and <c>health</c>.</summary>
internal static class JobSections
{
    private const long Week = 7 * 24 * 3600;
    private const long Terabyte = 1L << 40;

    public static Section<HealthSettings> Health { get; } =
        new Section<HealthSettings>()
            .With("enabled", Forms.Boolean, (h, v) => h with { Enabled = v }, "Serve /health and /metrics while running. Default: false.")
            .With("port", Forms.Int(1, 65_535), (h, v) => h with { Port = v }, "The port. Default: 9090.")
            .With("bind_address", Forms.Text, (h, v) => h with { BindAddress = v }, "The address to listen on. Default: 127.0.0.1.");

    public static Section<BackupSettings> Backup { get; } =
        new Section<BackupSettings>()
            .With(
                "compression",
                Forms.Choice<CompressionKind>(),
                (s, v) => s with { Compression = v },
                "How segments are compressed. Default: zstd."
            )
            .With(
                "compression_level",
                Forms.Int(CompressionLevels.Lowest, CompressionLevels.Highest(CompressionKind.Zstd)),
                (s, v) => s with { CompressionLevel = v },
                "1 to 22 for zstd (default 1), 1 to 9 for gzip (default 6)."
            )
            .With(
                "segment_max_bytes",
                Forms.Bytes(1, Terabyte),
                (s, v) => s with { SegmentMaxBytes = v },
                "A segment ends with the record batch that reaches this size. Default: 134217728."
            )
            .With(
                "segment_max_interval_ms",
                Forms.Milliseconds(1, Week * 1000),
                (s, v) => s with { SegmentMaxInterval = v },
                "What was read is committed at least this often, in any run. Default: 60000."
            )
            .With(
                "segment_max_records",
                Forms.Whole(1, long.MaxValue),
                (s, v) => s with { SegmentMaxRecords = v },
                "A segment ends with the record batch that reaches this number of records. Default: no limit."
            )
            .With(
                "start_offset",
                JobForms.StartOffset,
                (s, v) => s with { StartOffset = v },
                "Where a partition's first backup begins: earliest (default), latest, or {topic: {partition: offset}}."
            )
            .With("continuous", Forms.Boolean, (s, v) => s with { Continuous = v }, "Run until stopped. Default: false.")
            .With(
                "max_concurrent_partitions",
                Forms.Int(1, 10_000),
                (s, v) => s with { MaxConcurrentPartitions = v },
                "Partitions read at a time. Default: 4."
            )
            .With(
                "poll_interval_ms",
                Forms.Milliseconds(1, Week * 1000),
                (s, v) => s with { PollInterval = v },
                "Continuous mode: how often to look for new topics and partitions. Default: 1000."
            )
            .With(
                "include_internal_topics",
                Forms.Boolean,
                (s, v) => s with { IncludeInternalTopics = v },
                "Take topics whose names begin with __ too. Default: false."
            )
            .With(
                "internal_topics",
                Forms.PatternsOf(Forms.TopicPattern),
                (s, v) => s with { InternalTopics = v },
                "Which internal topics to take."
            )
            .With(
                "include_offset_headers",
                Forms.Boolean,
                (s, v) => s with { IncludeOffsetHeaders = v },
                "Add x-original-offset and x-original-timestamp headers to the stored records. Default: false."
            )
            .With(
                "source_cluster_id",
                Forms.Text,
                (s, v) => s with { SourceClusterId = v },
                "A name for the source cluster, kept in the backup."
            )
            .With(
                "consumer_group_snapshot",
                Forms.Boolean,
                (s, v) => s with { ConsumerGroupSnapshot = v },
                "Keep consumer groups' committed offsets. Default: true."
            )
            .With("isolation_level", Forms.Choice<IsolationLevel>(), (s, v) => s with { IsolationLevel = v }, "Default: read_committed.")
            .With(
                "consistent_at",
                Forms.TimeOrNow,
                (s, v) => s with { ConsistentAt = v },
                "Cut all partitions at one instant: now, or a time."
            )
            .With(
                "rate_limit_records_per_sec",
                Forms.Whole(1, long.MaxValue),
                (s, v) => s with { RecordsPerSecond = v },
                "Over all partitions, in whole record batches. Default: no limit."
            )
            .With(
                "rate_limit_bytes_per_sec",
                Forms.Bytes(1, long.MaxValue),
                (s, v) => s with { BytesPerSecond = v },
                "Over all partitions, of record batches as the brokers send them, compressed or not. Default: no limit."
            )
            .With(
                "on_missing_topic",
                Forms.Choice<MissingTopicAction>(),
                (s, v) => s with { OnMissingTopic = v },
                "When a topic that is named does not exist. Default: fail."
            )
            .Ignoring("checkpoint_interval_secs", "every commit of a segment is a checkpoint; see segment_max_interval_ms.")
            .Ignoring("sync_interval_secs", "there is no offset database: the backup itself says how far it is.")
            .Ignoring("stop_at_current_offsets", "every backup that is not continuous stops at the offsets captured when it begins.")
            .Ignoring("fetch_max_bytes", "set fetch.max.bytes under source.kafka_options if you must.")
            .Ignoring("segment_max_age_secs", "use segment_max_interval_ms.");

    public static Section<RestoreSettings> Restore { get; } =
        new Section<RestoreSettings>()
            .With(
                "time_window_start",
                Forms.TimeFrom,
                (s, v) => s with { TimeWindowStart = v },
                "First timestamp to restore, epoch milliseconds, inclusive."
            )
            .With(
                "time_window_end",
                Forms.TimeTo,
                (s, v) => s with { TimeWindowEnd = v },
                "Last timestamp to restore, epoch milliseconds, inclusive."
            )
            .With(
                "source_partitions",
                Forms.ListOf(Forms.Int(0, int.MaxValue), mayBeEmpty: false),
                (s, v) => s with { SourcePartitions = v },
                "Partitions to restore. Default: all."
            )
            .With(
                "topic_mapping",
                Forms.MapOf(Forms.Topic, Forms.Topic),
                (s, v) => s with { TopicMapping = v },
                "Source topic to target topic."
            )
            .With(
                "partition_mapping",
                Forms.MapOf(Forms.Int(0, NameRules.HighestPartition), Forms.Int(0, NameRules.HighestPartition)),
                (s, v) => s with { PartitionMapping = v },
                "Source partition to target partition."
            )
            .With(
                "consumer_group_strategy",
                Forms.Choice<OffsetStrategy>(),
                (s, v) => s with { OffsetStrategy = v },
                "What to do about consumer-group offsets. Default: skip."
            )
            .With(
                "include_original_offset_header",
                Forms.Boolean,
                (s, v) => s with { IncludeOriginalOffsetHeader = v },
                "Add x-original-offset and x-original-timestamp headers. Default: false."
            )
            .With("dry_run", Forms.Boolean, (s, v) => s with { DryRun = v }, "Only plan and report. Default: false.")
            .With(
                "max_concurrent_partitions",
                Forms.Int(1, 10_000),
                (s, v) => s with { MaxConcurrentPartitions = v },
                "Partitions restored at a time. Default: 4."
            )
            .With(
                "produce_batch_size",
                Forms.Int(1, 1_000_000),
                (s, v) => s with { ProduceBatchSize = v },
                "Records in a batch at most. Default: 1000."
            )
            .With(
                "rate_limit_records_per_sec",
                Forms.Whole(1, long.MaxValue),
                (s, v) => s with { RecordsPerSecond = v },
                "Over all partitions. Default: no limit."
            )
            .With(
                "rate_limit_bytes_per_sec",
                Forms.Bytes(1, long.MaxValue),
                (s, v) => s with { BytesPerSecond = v },
                "Over all partitions. Default: no limit."
            )
            .With(
                "checkpoint_state",
                Forms.Path,
                (s, v) => s with { CheckpointPath = v },
                "The checkpoint file that a restore resumes from."
            )
            .With(
                "checkpoint_interval_secs",
                Forms.Seconds(1, Week),
                (s, v) => s with { CheckpointInterval = v },
                "How often the checkpoint is saved. Default: 60."
            )
            .With(
                "reset_consumer_offsets",
                Forms.Boolean,
                (s, v) => s with { ResetConsumerOffsets = v },
                "Commit translated offsets on the target. Default: false."
            )
            .With(
                "consumer_groups",
                Forms.PatternsOf(Forms.NamePattern),
                (s, v) => s with { ConsumerGroups = v },
                "The groups whose offsets are reset."
            )
            .With(
                "auto_consumer_groups",
                Forms.Boolean,
                (s, v) => s with { AllConsumerGroups = v },
                "Reset every group that the backup holds. Default: false."
            )
            .With("offset_report", Forms.Path, (s, v) => s with { OffsetReportPath = v }, "Where the offset mapping is written.")
            .With("create_topics", Forms.Boolean, (s, v) => s with { CreateTopics = v }, "Create topics that are missing. Default: true.")
            .With(
                "default_replication_factor",
                JobForms.ReplicationFactor,
                (s, v) => s with { DefaultReplicationFactor = v },
                "For created topics; -1 for the brokers' default. Default: the source's."
            )
            .With(
                "topic_config_overrides",
                JobForms.TopicConfigs,
                (s, v) => s with { TopicConfigOverrides = v },
                "Configs for created topics: {config: value} for all, {topic: {config: value}} for one (source names). An empty value leaves a config to the brokers."
            )
            .With(
                "allow_merge",
                Forms.Boolean,
                (s, v) => s with { AllowMerge = v },
                "Let several sources go into one target. Default: false."
            )
            .With(
                "purge_topics",
                Forms.Boolean,
                (s, v) => s with { PurgeTopics = v },
                "Empty the target partitions first; needs force. Default: false."
            )
            .With(
                "delivery",
                Forms.Choice<DeliveryMode>(),
                (s, v) => s with { Delivery = v },
                "How nothing is lost and nothing doubled. Default: idempotent."
            )
            .With(
                "resume_quiet_secs",
                Forms.Seconds(0, 3600),
                (s, v) => s with { ResumeQuiet = v },
                "How long the target must be still before a resume. Default: 10."
            )
            .With("force", Forms.Boolean, (s, v) => s with { Force = v }, "Do what is refused without it. Default: false.")
            .Ignoring("produce_acks", "records are always acknowledged by all in-sync replicas.")
            .Ignoring("produce_timeout_ms", "a restore has its own time budget; the client's settings go under target.kafka_options.")
            .Refusing(
                "repartitioning",
                "records keep their partitions here, so that order and offsets can be proved; use partition_mapping."
            );
}
