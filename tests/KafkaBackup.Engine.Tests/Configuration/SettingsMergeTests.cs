using System.Reflection;
using KafkaBackup.Engine.Configuration;
using Xunit;

namespace KafkaBackup.Engine.Tests.Configuration;

public sealed class SettingsMergeTests : IDisposable
{
    private const string Secured =
        "source:\n  bootstrap_servers: [prod:9092]\n  security: {security_protocol: SASL_SSL, sasl_mechanism: PLAIN, sasl_username: file, sasl_password: file-secret}\n"
        + "  kafka_options: {client.id: file}\n"
        + "storage: {bucket: prod-bucket, region: eu-1, access_key: file-key, secret_key: file-secret, session_token: file-token}\n";

    private readonly ConfigDesk _desk = new();

    public void Dispose() => _desk.Dispose();

    [Fact]
    public void H4_a_cluster_named_by_a_parameter_gets_no_credential_of_the_file()
    {
        var source = _desk.Backup(Secured, new BackupSettings { Source = new ClusterSettings { BootstrapServers = ["lab:9092"] } }).Source;
        Assert.Equal("lab:9092", source.Address);
        Assert.True(source is { SaslUsername: null, SaslPassword: null, SecurityProtocol: null, SaslMechanism: null, KafkaOptions: null });
    }

    [Fact]
    public void H4_a_store_named_by_a_parameter_gets_no_credential_of_the_file()
    {
        var store = _desk.Backup(Secured, new BackupSettings { Store = new StoreSettings { Path = "s3://lab-bucket/x/" } }).Store;
        Assert.Equal("s3://lab-bucket/x", store.Path);
        Assert.True(store is { AccessKey: null, SecretKey: null, SessionToken: null, Options: null });
    }

    [Fact]
    public void H4_credentials_without_an_address_go_over_the_files_group()
    {
        var options = _desk.Backup(
            Secured,
            new BackupSettings
            {
                Source = new ClusterSettings
                {
                    SaslUsername = "me",
                    SaslPassword = new Secret("mine"),
                    KafkaOptions = new Dictionary<string, Secret> { ["linger.ms"] = new("5") },
                },
                Store = new StoreSettings
                {
                    Options = new Dictionary<string, string>
                    {
                        ["access_key"] = "k",
                        ["secret_key"] = "s",
                        ["path_style"] = "True",
                    },
                },
            }
        );
        Assert.Equal("prod:9092", options.Source.Address);
        Assert.Equal(
            ("me", "mine", SaslMechanism.Plain),
            (options.Source.SaslUsername, options.Source.SaslPassword!.Reveal(), options.Source.SaslMechanism)
        );
        Assert.Equal(["client.id", "linger.ms"], options.Source.KafkaOptions!.Keys.Order());
        Assert.Equal(
            ("s3://prod-bucket", "k", "s", null),
            (options.Store.Path, options.Store.AccessKey, options.Store.SecretKey!.Reveal(), options.Store.SessionToken)
        );
        Assert.Equal(("eu-1", "true"), (options.Store.Options!["region"], options.Store.Options["path_style"]));
    }

    [Fact]
    public void H4_every_backup_setting_of_the_file_survives_unless_given() =>
        EveryPropertyIsMerged(SettingsMerge.Merge, new BackupSettings());

    [Fact]
    public void H4_every_restore_setting_of_the_file_survives_unless_given() =>
        EveryPropertyIsMerged(SettingsMerge.Merge, new RestoreSettings(), nameof(RestoreSettings.Deep), nameof(RestoreSettings.Offline));

    [Fact]
    public void H4_every_cluster_setting_of_the_file_survives_unless_given() =>
        EveryPropertyIsMerged<ClusterSettings>(
            (given, file) => SettingsMerge.Merge(given, file)!,
            new ClusterSettings(),
            nameof(ClusterSettings.BootstrapServers)
        );

    [Fact]
    public void H4_the_level_of_the_file_belongs_to_the_compression_of_the_file()
    {
        var yaml = ConfigDesk.BackupYaml("compression: zstd\ncompression_level: 19");
        Assert.Equal(6, _desk.Backup(yaml, new BackupSettings { Compression = CompressionKind.Gzip }).CompressionLevel);
        Assert.Equal(0, _desk.Backup(yaml, new BackupSettings { Compression = CompressionKind.None }).CompressionLevel);
        Assert.Equal(19, _desk.Backup(yaml, new BackupSettings { Compression = CompressionKind.Zstd }).CompressionLevel);
        Assert.Equal(3, _desk.Backup(yaml, new BackupSettings { CompressionLevel = 3 }).CompressionLevel);
    }

    [Fact]
    public void A6_paths_in_a_file_are_relative_to_the_file_and_parameters_to_the_base_folder()
    {
        var file = _desk.Write(ConfigDesk.RestoreYaml("checkpoint_state: cp.json"), Path.Combine("sub", "restore.yaml"));
        var options = _desk.Resolver.Resolve(
            new RestoreSettings { ConfigPath = Path.Combine("sub", "restore.yaml"), OffsetReportPath = "report.json" }
        );
        Assert.Equal(Path.Combine(Path.GetDirectoryName(file)!, "cp.json"), options.CheckpointPath);
        Assert.Equal(Path.Combine(Path.GetDirectoryName(file)!, "store"), options.Store.Path);
        Assert.Equal(Path.Combine(_desk.Folder, "report.json"), options.OffsetReportPath);
    }

    [Fact]
    public void A1_without_a_file_parameters_are_enough_and_defaults_apply()
    {
        var options = _desk.Resolver.Resolve(
            new BackupSettings
            {
                Source = new ClusterSettings { BootstrapServers = ["h:1"] },
                Store = new StoreSettings { Path = "store" },
            }
        );
        Assert.Equal("backup-20260102-030405", options.BackupId);
        Assert.Equal(Path.Combine(_desk.Folder, "store"), options.Store.Path);
        Assert.Equal(
            (CompressionKind.Zstd, 1, 134217728L, 4),
            (options.Compression, options.CompressionLevel, options.SegmentMaxBytes, options.MaxConcurrentPartitions)
        );
        Assert.Equal(
            (IsolationLevel.ReadCommitted, true, MissingTopicAction.Fail),
            (options.IsolationLevel, options.ConsumerGroupSnapshot, options.OnMissingTopic)
        );
        Assert.True(options.Topics.Selects("anything"));
        Assert.False(options.Health.Enabled);
    }

    [Fact]
    public void A4_an_empty_list_of_topics_is_not_all_topics() =>
        Assert.Equal(
            "ConfigOutOfRange",
            Assert.Throws<KafkaBackupException>(() => _desk.Backup(ConfigDesk.BackupYaml(), new BackupSettings { Topics = [] })).ErrorId
        );

    [Fact]
    public void A1_a_parameter_has_the_limits_of_its_key()
    {
        (RestoreSettings Given, string Message)[] wrong =
        [
            (new() { ProduceBatchSize = 0 }, "BatchSize must be at least 1, but is 0."),
            (new() { ProduceBatchSize = 1_000_001 }, "BatchSize must be at most 1,000,000, but is 1,000,001."),
            (new() { BytesPerSecond = 0 }, "BytesPerSecond must be at least 1, but is 0."),
            (new() { CheckpointInterval = TimeSpan.FromDays(8) }, "CheckpointInterval must be at most 7.00:00:00, but is 8.00:00:00."),
        ];
        foreach (var (given, message) in wrong)
        {
            var error = Assert.Throws<KafkaBackupException>(() => _desk.Restore(ConfigDesk.RestoreYaml(), given));
            Assert.Equal(("ConfigOutOfRange", message), (error.ErrorId, error.Message));
        }
    }

    [Fact]
    public void A1_offline_needs_no_target()
    {
        var options = _desk.Resolver.Resolve(
            new RestoreSettings
            {
                Store = new StoreSettings { Path = "s" },
                BackupId = "b",
                Offline = true,
            }
        );
        Assert.Null(options.Target);
    }

    [Theory]
    [InlineData("restore: {reset_consumer_offsets: true, consumer_groups: [g]}", OffsetStrategy.HeaderBased, true, 1)]
    [InlineData("restore: {consumer_group_strategy: header-based}", OffsetStrategy.HeaderBased, true, 0)]
    [InlineData(
        "restore: {consumer_group_strategy: header-based, include_original_offset_header: false}",
        OffsetStrategy.HeaderBased,
        true,
        1
    )]
    [InlineData("restore: {consumer_group_strategy: timestamp-based}", OffsetStrategy.TimestampBased, false, 0)]
    [InlineData("restore: {consumer_groups: [g]}", OffsetStrategy.Skip, false, 1)]
    [InlineData("restore: {reset_consumer_offsets: false, consumer_groups: []}", OffsetStrategy.Skip, false, 0)]
    public void F1_settings_about_groups_go_together(string lines, OffsetStrategy strategy, bool headers, int warnings)
    {
        var options = _desk.Restore(ConfigDesk.RestoreYaml() + lines);
        Assert.Equal(
            (strategy, headers, warnings),
            (options.OffsetStrategy, options.IncludeOriginalOffsetHeader, _desk.Events.Warnings.Count)
        );
    }

    [Theory]
    [InlineData("restore: {reset_consumer_offsets: true, consumer_groups: [g], auto_consumer_groups: true}")]
    [InlineData("restore: {consumer_groups: [g], auto_consumer_groups: true}")]
    public void F1_named_groups_and_all_groups_are_not_both_asked_for(string lines)
    {
        var error = _desk.RefusedRestore(ConfigDesk.RestoreYaml() + lines);
        Assert.Equal("ConfigConflict", error.ErrorId);
        Assert.Contains("-AllConsumerGroups", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void A1_a_duration_needs_continuous()
    {
        var given = new BackupSettings { Duration = TimeSpan.FromMinutes(1) };
        Assert.Equal("ConfigConflict", Assert.Throws<KafkaBackupException>(() => _desk.Backup(ConfigDesk.BackupYaml(), given)).ErrorId);
        Assert.Equal(TimeSpan.FromMinutes(1), _desk.Backup(ConfigDesk.BackupYaml("continuous: true"), given).Duration);
    }

    [Fact]
    public void A8_a_path_that_is_a_backup_itself_is_refused_with_the_right_one()
    {
        var manifest = _desk.Write("{}", Path.Combine("store", "nightly", "manifest.json"));
        foreach (var path in new[] { Path.GetDirectoryName(manifest)!, manifest })
        {
            var error = Assert.Throws<KafkaBackupException>(() => _desk.Resolver.Resolve(new StoreSettings { Path = path }));
            Assert.Equal("InvalidPath", error.ErrorId);
            Assert.Contains($"-Path '{Path.Combine(_desk.Folder, "store")}' -BackupId 'nightly'", error.Advice, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("regoin", "x", "ConfigUnknownKey")]
    [InlineData("path_style", "perhaps", "ConfigWrongType")]
    [InlineData("object_lock_days", "0", "ConfigOutOfRange")]
    public void A2_store_options_from_parameters_are_as_strict_as_a_file(string name, string value, string errorId)
    {
        var settings = new StoreSettings
        {
            Path = "s3://bucket",
            Options = new Dictionary<string, string> { [name] = value },
        };
        var error = Assert.Throws<KafkaBackupException>(() => _desk.Resolver.Resolve(settings));
        Assert.Equal(errorId, error.ErrorId);
        Assert.StartsWith("-StorageOption: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A3_several_restores_from_one_file_warn_once()
    {
        var path = _desk.Write(ConfigDesk.RestoreYaml() + "metrics: {}\n");
        var resolver = _desk.Resolver;
        Assert.Equal("a", resolver.Resolve(new RestoreSettings { ConfigPath = path, BackupId = "a" }).BackupId);
        Assert.Equal("b", resolver.Resolve(new RestoreSettings { ConfigPath = path, BackupId = "b" }).BackupId);
        Assert.Single(_desk.Events.Warnings);
    }

    /// <summary>
    /// Sets each property on one side only and looks for it in the result: a property that the merge forgets is found here.
    /// </summary>
    private static void EveryPropertyIsMerged<T>(Func<T, T, T> merge, T empty, params string[] parametersOnly)
        where T : class
    {
        var properties = typeof(T).GetProperties().Where(p => p.CanWrite && p.Name != "ConfigPath").ToArray();
        Assert.NotEmpty(properties);
        foreach (var property in properties)
        {
            var set = WithValue(empty, property);
            Assert.Equal(property.GetValue(set), property.GetValue(merge(set, empty)));
            Assert.NotNull(property.GetValue(merge(set, empty)));
            if (!parametersOnly.Contains(property.Name))
            {
                Assert.Equal(property.GetValue(set), property.GetValue(merge(empty, set)));
            }
        }
    }

    private static T WithValue<T>(T empty, PropertyInfo property)
        where T : class
    {
        var copy = (T)typeof(T).GetMethod("<Clone>$")!.Invoke(empty, null)!;
        property.SetValue(copy, SampleValue.Of(property.PropertyType));
        return copy;
    }
}
