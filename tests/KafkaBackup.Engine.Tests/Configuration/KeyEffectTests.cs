using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Configuration.Schema;
using Xunit;

namespace KafkaBackup.Engine.Tests.Configuration;

/// <summary>Every key of the table reaches the options. A key that is added without a row here fails the first two tests.</summary>
public sealed class KeyEffectTests
{
    private const string S3 = "backend: s3, bucket: bbb";
    private const string Azure = "path: 'az://account/container'";

    private static readonly Case<BackupOptions>[] BackupCases =
    [
        new("mode", "mode: backup", o => o.BackupId, "from-file"),
        new("backup_id", "", o => o.BackupId, "from-file"),
        .. ClusterCases<BackupOptions>("source", o => o.Source, o => o.Topics),
        .. StorageCases<BackupOptions>(o => o.Store),
        new("backup.compression", "backup: {compression: gzip}", o => o.Compression, CompressionKind.Gzip),
        new("backup.compression_level", "backup: {compression_level: 19}", o => o.CompressionLevel, 19),
        new("backup.segment_max_bytes", "backup: {segment_max_bytes: 1048576}", o => o.SegmentMaxBytes, 1048576L),
        new(
            "backup.segment_max_interval_ms",
            "backup: {segment_max_interval_ms: 1500}",
            o => o.SegmentMaxInterval,
            TimeSpan.FromSeconds(1.5)
        ),
        new("backup.segment_max_records", "backup: {segment_max_records: 77}", o => o.SegmentMaxRecords, 77L),
        new(
            "backup.start_offset",
            "backup: {start_offset: {orders: {0: 5, 2: 9}}}",
            o => o.StartOffset.Offsets[new TopicPartition("orders", 2)],
            9L
        ),
        new("backup.continuous", "backup: {continuous: true}", o => o.Continuous, true),
        new("backup.max_concurrent_partitions", "backup: {max_concurrent_partitions: 9}", o => o.MaxConcurrentPartitions, 9),
        new("backup.poll_interval_ms", "backup: {poll_interval_ms: 250}", o => o.PollInterval, TimeSpan.FromMilliseconds(250)),
        new("backup.include_internal_topics", "backup: {include_internal_topics: true}", o => o.Topics.Selects("__consumer_offsets"), true),
        new(
            "backup.internal_topics",
            "backup: {internal_topics: [__transaction_state]}",
            o => $"{o.Topics.Selects("__transaction_state")} {o.Topics.Selects("__consumer_offsets")}",
            "True False"
        ),
        new("backup.include_offset_headers", "backup: {include_offset_headers: true}", o => o.IncludeOffsetHeaders, true),
        new("backup.source_cluster_id", "backup: {source_cluster_id: prod}", o => o.SourceClusterId, "prod"),
        new("backup.consumer_group_snapshot", "backup: {consumer_group_snapshot: false}", o => o.ConsumerGroupSnapshot, false),
        new("backup.isolation_level", "backup: {isolation_level: read_uncommitted}", o => o.IsolationLevel, IsolationLevel.ReadUncommitted),
        new("backup.consistent_at", "backup: {consistent_at: 1705312800000}", o => o.ConsistentAt, new TimePoint(1705312800000)),
        new("backup.transaction_wait_secs", "backup: {transaction_wait_secs: 5}", o => o.TransactionWait, TimeSpan.FromSeconds(5)),
        new("backup.rate_limit_records_per_sec", "backup: {rate_limit_records_per_sec: 10}", o => o.RecordsPerSecond, 10L),
        new("backup.rate_limit_bytes_per_sec", "backup: {rate_limit_bytes_per_sec: 2048}", o => o.BytesPerSecond, 2048L),
        new("backup.on_missing_topic", "backup: {on_missing_topic: warn}", o => o.OnMissingTopic, MissingTopicAction.Warn),
        .. HealthCases<BackupOptions>(o => o.Health),
        new("kafka_options", "kafka_options: {client.id: me}", o => o.Source.KafkaOptions!["client.id"].Reveal(), "me"),
    ];

    private static readonly Case<RestoreOptions>[] RestoreCases =
    [
        new("mode", "mode: restore", o => o.BackupId, "from-file"),
        new("backup_id", "", o => o.BackupId, "from-file"),
        .. ClusterCases<RestoreOptions>("target", o => o.Target!, o => o.Topics),
        .. StorageCases<RestoreOptions>(o => o.Store),
        new("restore.time_window_start", "restore: {time_window_start: 1705312800000}", o => o.Window.Start, 1705312800000L),
        new("restore.time_window_end", "restore: {time_window_end: 1705316400000}", o => o.Window.End, 1705316400000L),
        new("restore.source_partitions", "restore: {source_partitions: [2, 0]}", o => string.Join(' ', o.SourcePartitions!), "0 2"),
        new("restore.topic_mapping", "restore: {topic_mapping: {a: b}}", o => o.TopicMapping["a"], "b"),
        new("restore.partition_mapping", "restore: {partition_mapping: {1: 4}}", o => o.PartitionMapping[1], 4),
        new(
            "restore.consumer_group_strategy",
            "restore: {consumer_group_strategy: cluster-scan}",
            o => o.OffsetStrategy,
            OffsetStrategy.ClusterScan
        ),
        new(
            "restore.include_original_offset_header",
            "restore: {include_original_offset_header: true}",
            o => o.IncludeOriginalOffsetHeader,
            true
        ),
        new("restore.dry_run", "restore: {dry_run: true}", o => o.DryRun, true),
        new("restore.max_concurrent_partitions", "restore: {max_concurrent_partitions: 9}", o => o.MaxConcurrentPartitions, 9),
        new("restore.produce_batch_size", "restore: {produce_batch_size: 50}", o => o.ProduceBatchSize, 50),
        new("restore.rate_limit_records_per_sec", "restore: {rate_limit_records_per_sec: 10}", o => o.RecordsPerSecond, 10L),
        new("restore.rate_limit_bytes_per_sec", "restore: {rate_limit_bytes_per_sec: 1KB}", o => o.BytesPerSecond, 1024L),
        new("restore.checkpoint_state", "restore: {checkpoint_state: cp.json}", o => Path.GetFileName(o.CheckpointPath), "cp.json"),
        new(
            "restore.checkpoint_interval_secs",
            "restore: {checkpoint_interval_secs: 5}",
            o => o.CheckpointInterval,
            TimeSpan.FromSeconds(5)
        ),
        new(
            "restore.reset_consumer_offsets",
            "restore: {reset_consumer_offsets: true, consumer_groups: [g]}",
            o => o.ResetConsumerOffsets,
            true
        ),
        new(
            "restore.consumer_groups",
            "restore: {reset_consumer_offsets: true, consumer_groups: [g, h]}",
            o => string.Join(' ', o.ConsumerGroups),
            "g h"
        ),
        new(
            "restore.auto_consumer_groups",
            "restore: {reset_consumer_offsets: true, auto_consumer_groups: true}",
            o => o.AllConsumerGroups,
            true
        ),
        new("restore.offset_report", "restore: {offset_report: map.json}", o => Path.GetFileName(o.OffsetReportPath), "map.json"),
        new("restore.create_topics", "restore: {create_topics: false}", o => o.CreateTopics, false),
        new("restore.default_replication_factor", "restore: {default_replication_factor: 3}", o => o.DefaultReplicationFactor, 3),
        new(
            "restore.topic_config_overrides",
            "restore: {topic_config_overrides: {retention.ms: -1, orders: {retention.ms: 5, cleanup.policy: compact}}}",
            o => $"{o.TopicConfigOverrides.For("x")["retention.ms"]} {o.TopicConfigOverrides.For("orders")["retention.ms"]}",
            "-1 5"
        ),
        new("restore.allow_merge", "restore: {allow_merge: true}", o => o.AllowMerge, true),
        new("restore.purge_topics", "restore: {purge_topics: true}", o => o.PurgeTopics, true),
        new("restore.delivery", "restore: {delivery: transactional}", o => o.Delivery, DeliveryMode.Transactional),
        new("restore.resume_quiet_secs", "restore: {resume_quiet_secs: 0}", o => o.ResumeQuiet, TimeSpan.Zero),
        new("restore.force", "restore: {force: true}", o => o.Force, true),
        .. HealthCases<RestoreOptions>(o => o.Health),
        new("kafka_options", "kafka_options: {client.id: me}", o => o.Target!.KafkaOptions!["client.id"].Reveal(), "me"),
    ];

    public static TheoryData<string> BackupKeys => new(BackupCases.Select(c => c.Key));

    public static TheoryData<string> RestoreKeys => new(RestoreCases.Select(c => c.Key));

    [Fact]
    public void A2_every_key_of_a_backup_file_has_an_effect_test() =>
        Assert.Equal(ConfigSchema.Backup.Keys.Select(k => k.Path).Order(), BackupCases.Select(c => c.Key).Order());

    [Fact]
    public void A2_every_key_of_a_restore_file_has_an_effect_test() =>
        Assert.Equal(ConfigSchema.Restore.Keys.Select(k => k.Path).Order(), RestoreCases.Select(c => c.Key).Order());

    [Fact]
    public void A1_every_key_says_what_it_is_for() =>
        Assert.All(
            ConfigSchema.Backup.Keys.Concat(ConfigSchema.Restore.Keys),
            key => Assert.True(key.Help.Length > 10 && key.Form.Length > 2, key.Path)
        );

    [Theory]
    [MemberData(nameof(BackupKeys))]
    public void A1_a_key_of_a_backup_file_reaches_the_options(string key)
    {
        using var desk = new ConfigDesk();
        var found = BackupCases.Single(c => c.Key == key);
        Assert.Equal(found.Expected, found.Actual(desk.Backup(found.Whole("source"))));
        Assert.NotEqual(found.Expected, found.Actual(desk.Backup(Case<BackupOptions>.Without("source"))));
    }

    [Theory]
    [MemberData(nameof(RestoreKeys))]
    public void A1_a_key_of_a_restore_file_reaches_the_options(string key)
    {
        using var desk = new ConfigDesk();
        var found = RestoreCases.Single(c => c.Key == key);
        Assert.Equal(found.Expected, found.Actual(desk.Restore(found.Whole("target"))));
        Assert.NotEqual(
            found.Expected,
            found.Actual(desk.Restore(Case<RestoreOptions>.Without("target"), new RestoreSettings { BackupId = "other" }))
        );
    }

    private static Case<T>[] ClusterCases<T>(string side, Func<T, ClusterSettings> cluster, Func<T, TopicSelection> topics)
    {
        const string Sasl = "security_protocol: SASL_SSL, sasl_mechanism: SCRAM-SHA-512, sasl_username: u, sasl_password: p";
        Case<T> Security(string key, string yaml, Func<ClusterSettings, object?> actual, object expected) =>
            new($"{side}.security.{key}", $"{side}: {{{ConfigDesk.Cluster}, security: {{{yaml}}}}}", o => actual(cluster(o)), expected);
        return
        [
            new($"{side}.bootstrap_servers", $"{side}: {{bootstrap_servers: ['a:1,b:2', c:3]}}", o => cluster(o).Address, "a:1,b:2,c:3"),
            Security("security_protocol", Sasl, c => c.SecurityProtocol, SecurityProtocol.SaslSsl),
            Security("sasl_mechanism", Sasl, c => c.SaslMechanism, SaslMechanism.ScramSha512),
            Security("sasl_username", Sasl, c => c.SaslUsername, "u"),
            Security("sasl_password", Sasl, c => c.SaslPassword, new Secret("p")),
            Security(
                "ssl_ca_location",
                "security_protocol: SSL, ssl_ca_location: ca.pem",
                c => Path.GetFileName(c.CaCertificate),
                "ca.pem"
            ),
            Security(
                "ssl_certificate_location",
                "security_protocol: SSL, ssl_certificate_location: c.pem, ssl_key_location: k.pem",
                c => Path.GetFileName(c.ClientCertificate),
                "c.pem"
            ),
            Security(
                "ssl_key_location",
                "security_protocol: SSL, ssl_certificate_location: c.pem, ssl_key_location: k.pem",
                c => Path.GetFileName(c.ClientKey),
                "k.pem"
            ),
            Security("ssl_key_password", "security_protocol: SSL, ssl_key_password: kp", c => c.ClientKeyPassword, new Secret("kp")),
            Security(
                "sasl_kerberos_service_name",
                "sasl_kerberos_service_name: kk",
                c => c.KafkaOptions?["sasl.kerberos.service.name"],
                new Secret("kk")
            ),
            Security(
                "sasl_keytab_path",
                "sasl_keytab_path: /k.tab",
                c => c.KafkaOptions?["sasl.kerberos.keytab"],
                new Secret(Path.GetFullPath("/k.tab"))
            ),
            new(
                $"{side}.topics.include",
                $"{side}: {{{ConfigDesk.Cluster}, topics: {{include: [orders]}}}}",
                o => topics(o).Selects("payments"),
                false
            ),
            new(
                $"{side}.topics.exclude",
                $"{side}: {{{ConfigDesk.Cluster}, topics: {{exclude: ['pay*']}}}}",
                o => topics(o).Selects("payments"),
                false
            ),
            new(
                $"{side}.kafka_options",
                $"{side}: {{{ConfigDesk.Cluster}, kafka_options: {{client.id: 7}}}}",
                o => cluster(o).KafkaOptions?["client.id"],
                new Secret("7")
            ),
        ];
    }

    private static Case<T>[] StorageCases<T>(Func<T, StoreSettings> store)
    {
        Case<T> Option(string key, string value, string expected) =>
            new($"storage.{key}", $"storage: {{{S3}, {key}: {value}}}", o => store(o).Options?.GetValueOrDefault(key), expected);
        Case<T> Keys(string key, string yaml, Func<StoreSettings, object?> actual, object expected) =>
            new($"storage.{key}", $"storage: {{{S3}, {yaml}}}", o => actual(store(o)), expected);
        return
        [
            new("storage.backend", $"storage: {{{S3}}}", o => store(o).Path, "s3://bbb"),
            new("storage.bucket", "storage: {bucket: ccc}", o => store(o).Path, "s3://ccc"),
            new("storage.path", "storage: {path: there}", o => Path.GetFileName(store(o).Path), "there"),
            new("storage.prefix", $"storage: {{{S3}, prefix: a/b/}}", o => store(o).Path, "s3://bbb/a/b"),
            Option("region", "eu-1", "eu-1"),
            Option("endpoint", "'http://localhost:9000'", "http://localhost:9000"),
            Option("path_style", "true", "true"),
            Option("allow_http", "true", "true"),
            Option("sse", "'aws:kms'", "aws:kms"),
            Option("sse_kms_key_id", "key", "key"),
            Option("storage_class", "STANDARD_IA", "STANDARD_IA"),
            Option("object_lock_days", "30", "30"),
            Option("profile", "pp", "pp"),
            new(
                "storage.file_mode",
                "storage: {path: there, file_mode: umask}",
                o => store(o).Options?.GetValueOrDefault("file_mode"),
                "umask"
            ),
            Keys("access_key", "access_key: a, secret_key: s", s => s.AccessKey, "a"),
            Keys("access_key_id", "access_key_id: a, secret_access_key: s", s => s.AccessKey, "a"),
            Keys("secret_key", "access_key: a, secret_key: s", s => s.SecretKey, new Secret("s")),
            Keys("secret_access_key", "access_key_id: a, secret_access_key: s", s => s.SecretKey, new Secret("s")),
            .. AzureCases(store),
            Keys("session_token", "access_key: a, secret_key: s, session_token: t", s => s.SessionToken, new Secret("t")),
        ];
    }

    private static Case<T>[] AzureCases<T>(Func<T, StoreSettings> store)
    {
        Case<T> Option(string key, string value, string expected) =>
            new($"storage.{key}", $"storage: {{{Azure}, {key}: {value}}}", o => store(o).Options?.GetValueOrDefault(key), expected);
        Case<T> Secret(string key) =>
            new(
                $"storage.{key}",
                $"storage: {{{Azure}, {key}: hidden}}",
                o => store(o).Secrets?.GetValueOrDefault(key),
                new Secret("hidden")
            );
        return
        [
            Option("tenant_id", "tenant", "tenant"),
            Option("client_id", "client", "client"),
            Option("client_certificate", "file.pfx", "file.pfx"),
            Option("access_tier", "Cool", "Cool"),
            Option("manifest_access_tier", "Hot", "Hot"),
            Option("immutability_days", "30", "30"),
            Option("create_container", "true", "true"),
            Secret("account_key"),
            Secret("sas_token"),
            Secret("connection_string"),
            Secret("client_secret"),
        ];
    }

    private static Case<T>[] HealthCases<T>(Func<T, HealthSettings> health) =>
        [
            new("health.enabled", "health: {enabled: true}", o => health(o).Enabled, true),
            new("health.port", "health: {port: 9999}", o => health(o).Port, 9999),
            new("health.bind_address", "health: {bind_address: 0.0.0.0}", o => health(o).BindAddress, "0.0.0.0"),
        ];

    private sealed record Case<T>(string Key, string Yaml, Func<T, object?> Read, object Expected)
    {
        /// <summary>The lines under test, and the groups that any file needs where the lines do not give them.</summary>
        public string Whole(string side) => $"backup_id: from-file\n{Yaml}\n{Rest(side, Yaml)}";

        public static string Without(string side) => Rest(side, "");

        // A key that an option does not even have without its line reads as null.
        public object? Actual(T options)
        {
            try
            {
                return Read(options);
            }
            catch (Exception e) when (e is KeyNotFoundException or NullReferenceException or ArgumentNullException)
            {
                return null;
            }
        }

        private static string Rest(string side, string yaml) =>
            (yaml.StartsWith(side, StringComparison.Ordinal) ? "" : $"{side}: {{{ConfigDesk.Cluster}}}\n")
            + (yaml.StartsWith("storage", StringComparison.Ordinal) ? "" : "storage: {path: store}\n");
    }
}
