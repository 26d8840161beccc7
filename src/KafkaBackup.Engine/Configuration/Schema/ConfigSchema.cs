using KafkaBackup.Engine.Configuration.Yaml;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Configuration.Schema;

/// <summary>The two kinds of files: what their top level holds.</summary>
internal static class ConfigSchema
{
    private const string NoOffsetStore = "there is no offset database: the backup itself says how far it is.";
    private const string UseHealth = "use health: {enabled: true, port: 9090, bind_address: 127.0.0.1}.";

    public static Section<BackupSettings> Backup { get; } = BackupFor(StoreBackends.Known);

    public static Section<RestoreSettings> Restore { get; } = RestoreFor(StoreBackends.Known);

    public static Section<BackupSettings> BackupFor(StoreBackends backends) =>
        new Section<BackupSettings>()
            .With("mode", Forms.Word("backup"), (s, _) => s, "What the file is for: backup or restore.")
            .With("backup_id", Forms.BackupId, (s, v) => s with { BackupId = v }, "The backup's name. Default: backup-yyyyMMdd-HHmmss.")
            .WithGroup(
                "source",
                ClusterSections.Cluster,
                s => new ClusterBranch(s.Source ?? new ClusterSettings()),
                (s, v, _, _) => s with { Source = v.Cluster, Topics = v.Include, ExcludeTopics = v.Exclude }
            )
            .WithGroup(
                "storage",
                StorageSections.Storage(backends),
                _ => new StorageBranch(new StoreSettings()),
                (s, v, node, at) => s with { Store = StorageSections.ToStore(v, node, at, backends) }
            )
            .WithGroup("backup", JobSections.Backup, s => s, (_, v, _, _) => v)
            .WithGroup("health", JobSections.Health, s => s.Health ?? new HealthSettings(), (s, v, _, _) => s with { Health = v })
            .With(
                "kafka_options",
                ClusterSections.KafkaOptions,
                (s, v, node, at) => s with { Source = ClusterSections.AddOptions(s.Source ?? new ClusterSettings(), v, node, at) },
                "The same as source.kafka_options."
            )
            .Ignoring("offset_storage", NoOffsetStore)
            .Ignoring("metrics", UseHealth)
            .Refusing("target", "this file is read for a backup; target belongs into a file for a restore.")
            .Refusing("restore", "this file is read for a backup; restore belongs into a file for a restore.");

    public static Section<RestoreSettings> RestoreFor(StoreBackends backends) =>
        new Section<RestoreSettings>()
            .With("mode", Forms.Word("restore"), (s, _) => s, "What the file is for: backup or restore.")
            .With("backup_id", Forms.BackupId, (s, v) => s with { BackupId = v }, "The backup to restore.")
            .WithGroup(
                "target",
                ClusterSections.Cluster,
                s => new ClusterBranch(s.Target ?? new ClusterSettings()),
                (s, v, _, _) => s with { Target = v.Cluster, Topics = v.Include, ExcludeTopics = v.Exclude }
            )
            .WithGroup(
                "storage",
                StorageSections.Storage(backends),
                _ => new StorageBranch(new StoreSettings()),
                (s, v, node, at) => s with { Store = StorageSections.ToStore(v, node, at, backends) }
            )
            .WithGroup("restore", JobSections.Restore, s => s, (_, v, _, _) => v)
            .WithGroup("health", JobSections.Health, s => s.Health ?? new HealthSettings(), (s, v, _, _) => s with { Health = v })
            .With(
                "kafka_options",
                ClusterSections.KafkaOptions,
                (s, v, node, at) => s with { Target = ClusterSections.AddOptions(s.Target ?? new ClusterSettings(), v, node, at) },
                "The same as target.kafka_options."
            )
            .Ignoring("offset_storage", NoOffsetStore)
            .Ignoring("metrics", UseHealth)
            .Refusing("source", "this file is read for a restore; source belongs into a file for a backup.")
            .Refusing("backup", "this file is read for a restore; backup belongs into a file for a backup.");
}
