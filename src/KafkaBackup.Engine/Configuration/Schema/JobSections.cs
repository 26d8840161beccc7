namespace KafkaBackup.Engine.Configuration.Schema;

/// <summary>The groups <c>backup</c>, <c>restore</c> and <c>health</c>; the keys of the first two follow from settings.table.</summary>
internal static partial class JobSections
{
    public static Section<HealthSettings> Health { get; } =
        new Section<HealthSettings>()
            .With("enabled", Forms.Boolean, (h, v) => h with { Enabled = v }, "Serve /health and /metrics while running. Default: false.")
            .With("port", Forms.Int(1, 65_535), (h, v) => h with { Port = v }, "The port. Default: 9090.")
            .With("bind_address", Forms.Text, (h, v) => h with { BindAddress = v }, "The address to listen on. Default: 127.0.0.1.");

    public static Section<BackupSettings> Backup { get; } =
        BackupSettingsRows
            .Ignoring("checkpoint_interval_secs", "every commit of a segment is a checkpoint; see segment_max_interval_ms.")
            .Ignoring("sync_interval_secs", "there is no offset database: the backup itself says how far it is.")
            .Ignoring("stop_at_current_offsets", "every backup that is not continuous stops at the offsets captured when it begins.")
            .Ignoring("fetch_max_bytes", "set fetch.max.bytes under source.kafka_options if you must.")
            .Ignoring("segment_max_age_secs", "use segment_max_interval_ms.");

    public static Section<RestoreSettings> Restore { get; } =
        RestoreSettingsRows
            .Ignoring("produce_acks", "records are always acknowledged by all in-sync replicas.")
            .Ignoring("produce_timeout_ms", "a restore has its own time budget; the client's settings go under target.kafka_options.")
            .Refusing(
                "repartitioning",
                "records keep their partitions here, so that order and offsets can be proved; use partition_mapping."
            );
}
