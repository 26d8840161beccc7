using Xunit;

namespace KafkaBackup.Engine.Tests.Configuration;

public sealed class StrictYamlTests : IDisposable
{
    private readonly ConfigDesk _desk = new();

    public void Dispose() => _desk.Dispose();

    [Theory]
    [InlineData("time_windw_start: 1", "time_window_start")]
    [InlineData("topicMapping: {}", "topic_mapping")]
    [InlineData("dry-run: true", "dry_run")]
    [InlineData("offest_report: x", "offset_report")]
    public void A2_an_unknown_key_names_file_line_column_and_the_nearest_key(string line, string nearest)
    {
        var error = _desk.RefusedRestore(ConfigDesk.RestoreYaml($"create_topics: true\n{line}"));
        Assert.Equal("ConfigUnknownKey", error.ErrorId);
        Assert.Contains(
            $"{Path.Combine(_desk.Folder, "config.yaml")}, line 8, column 3: restore.",
            error.Message,
            StringComparison.Ordinal
        );
        Assert.Contains(nearest, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A2_a_key_in_the_wrong_group_is_told_where_it_belongs()
    {
        var error = _desk.RefusedRestore(ConfigDesk.RestoreYaml() + "dry_run: true\n");
        Assert.Contains("restore.dry_run", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A2_a_key_like_no_other_lists_the_known_ones() =>
        Assert.Contains(
            "segment_max_bytes",
            _desk.RefusedBackup(ConfigDesk.BackupYaml("flibbertigibbet: 1")).Advice,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("max_concurrent_partitions: four", "ConfigWrongType")]
    [InlineData("max_concurrent_partitions: \"4\"", "ConfigWrongType")]
    [InlineData("max_concurrent_partitions: 4.0", "ConfigWrongType")]
    [InlineData("max_concurrent_partitions: [4]", "ConfigWrongType")]
    [InlineData("max_concurrent_partitions:", "ConfigWrongType")]
    [InlineData("max_concurrent_partitions: 0", "ConfigOutOfRange")]
    [InlineData("max_concurrent_partitions: -1", "ConfigOutOfRange")]
    [InlineData("max_concurrent_partitions: 99999999999999999999", "ConfigOutOfRange")]
    [InlineData("continuous: yes", "ConfigWrongType")]
    [InlineData("continuous: 1", "ConfigWrongType")]
    [InlineData("continuous: \"true\"", "ConfigWrongType")]
    [InlineData("compression: lz4", "ConfigWrongType")]
    [InlineData("compression: 1", "ConfigWrongType")]
    [InlineData("compression_level: 23", "ConfigOutOfRange")]
    [InlineData("compression: gzip\ncompression_level: 10", "ConfigOutOfRange")]
    [InlineData("compression: none\ncompression_level: 1", "ConfigConflict")]
    [InlineData("internal_topics: __x", "ConfigWrongType")]
    [InlineData("segment_max_bytes: 0", "ConfigOutOfRange")]
    [InlineData("segment_max_bytes: 1.5", "InvalidSize")]
    [InlineData("start_offset: middle", "ConfigWrongType")]
    [InlineData("start_offset: {orders: {0: -1}}", "ConfigOutOfRange")]
    [InlineData("start_offset: {orders: {a: 1}}", "ConfigWrongType")]
    [InlineData("start_offset: {orders: {0: 1, 00: 2}}", "ConfigConflict")]
    [InlineData("consistent_at: 1705312800", "InvalidTime")]
    [InlineData("consistent_at: 2030-01-01T00:00:00Z", "ConsistentCutImpossible")]
    [InlineData("consistent_at: now\ncontinuous: true", "ConsistentCutImpossible")]
    [InlineData("source_cluster_id: {a: b}", "ConfigWrongType")]
    public void A2_a_wrong_value_is_refused(string lines, string errorId) =>
        Assert.Equal(errorId, _desk.RefusedBackup(ConfigDesk.BackupYaml(lines)).ErrorId);

    [Theory]
    [InlineData("source_partitions: []", "ConfigOutOfRange")]
    [InlineData("source_partitions: [-1]", "ConfigOutOfRange")]
    [InlineData("source_partitions: 0", "ConfigWrongType")]
    [InlineData("time_window_start: 1705312800", "InvalidTime")]
    [InlineData("time_window_start: 2024-01-15T10:00:00", "InvalidTime")]
    [InlineData("time_window_start: 2\ntime_window_end: 1", "InvalidWindow")]
    [InlineData("default_replication_factor: 0", "ConfigOutOfRange")]
    [InlineData("topic_mapping: {a b: c}", "ConfigWrongType")]
    [InlineData("topic_mapping: {a: ..}", "ConfigWrongType")]
    [InlineData("partition_mapping: {0: x}", "ConfigWrongType")]
    [InlineData("repartitioning: {}", "ConfigUnknownKey")]
    [InlineData("topic_config_overrides: {retention.ms: }", "ConfigWrongType")]
    [InlineData("reset_consumer_offsets: true", "MissingSettings")]
    [InlineData("reset_consumer_offsets: true\nconsumer_groups: [g]\nconsumer_group_strategy: skip", "ConfigConflict")]
    public void A2_a_wrong_value_of_a_restore_is_refused(string lines, string errorId) =>
        Assert.Equal(errorId, _desk.RefusedRestore(ConfigDesk.RestoreYaml(lines)).ErrorId);

    [Theory]
    [InlineData("", "empty")]
    [InlineData("# nothing but a remark\n", "empty")]
    [InlineData("---\n", "no settings")]
    [InlineData("- a\n", "a list")]
    [InlineData("text\n", "single value")]
    [InlineData("mode: backup\n---\nmode: backup\n", "line 2, column 1: a second document")]
    [InlineData("mode: backup\nsource:\n\tbootstrap_servers: [a]\n", "line 3, column 1: the line is indented with a tab")]
    [InlineData("mode: backup\nmode: backup\n", "line 2, column 1: the key 'mode' is given twice; the first is in line 1")]
    [InlineData("a: &x {b: c}\nd: {<<: *x}\n", "merge keys")]
    [InlineData("backup_id: !!binary aGk=\n", "tags such as")]
    [InlineData("backup_id: *nowhere\n", "no anchor &nowhere")]
    [InlineData("a: [b\n", "not valid YAML")]
    [InlineData("{a: b}: c\n", "a key must be a single value")]
    [InlineData("? \n: c\n", "a key is empty")]
    public void A2_what_is_no_proper_file_is_refused_in_plain_words(string yaml, string words)
    {
        var error = _desk.RefusedBackup(yaml);
        Assert.Equal("ConfigSyntax", error.ErrorId);
        Assert.True(error.Message.Contains(words, StringComparison.Ordinal), error.Message);
        Assert.Contains("config.yaml, line", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://localhost:9092")]
    [InlineData("kafka://localhost:9092")]
    [InlineData("localhost:99999")]
    [InlineData("://localhost:9092")]
    public void A2_what_is_no_brokers_address_is_refused_before_anything_is_asked(string server)
    {
        var error = _desk.RefusedBackup($"source:\n  bootstrap_servers: [ \"{server}\" ]\nstorage:\n  path: store\n");
        Assert.Equal("ConfigWrongType", error.ErrorId);
        Assert.Contains(server, error.Message, StringComparison.Ordinal);
        Assert.Contains("host:port", error.Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SASL_SSL://kafka-1:9093")]
    [InlineData("plaintext://[::1]:9092")]
    public void A1_a_listeners_own_spelling_of_its_address_is_taken(string server) =>
        Assert.Equal(
            [server],
            _desk.Backup($"source:\n  bootstrap_servers: [ \"{server}\" ]\nstorage:\n  path: store\n").Source.BootstrapServers
        );

    [Fact]
    public void A2_deep_nesting_is_refused_not_a_crash() =>
        Assert.Equal("ConfigSyntax", _desk.RefusedBackup($"a: {new string('[', 5000)}").ErrorId);

    [Fact]
    public void A2_a_file_that_is_not_utf8_is_refused()
    {
        var path = _desk.Write("");
        File.WriteAllBytes(path, [0x61, 0x3a, 0x20, 0xff, 0xc3]);
        Assert.Equal(
            "ConfigSyntax",
            Assert.Throws<KafkaBackupException>(() => _desk.Resolver.Resolve(new BackupSettings { ConfigPath = path })).ErrorId
        );
    }

    [Fact]
    public void A2_byte_order_marks_and_windows_line_ends_are_fine()
    {
        var path = _desk.Write("");
        File.WriteAllText(
            path,
            ConfigDesk.BackupYaml("continuous: true").ReplaceLineEndings("\r\n"),
            new System.Text.UnicodeEncoding(false, true)
        );
        Assert.True(_desk.Resolver.Resolve(new BackupSettings { ConfigPath = path }).Continuous);
    }

    [Fact]
    public void A2_a_missing_file_and_a_folder_are_told_apart()
    {
        Assert.Equal(
            "ConfigFileNotFound",
            Assert.Throws<KafkaBackupException>(() => _desk.Resolver.Resolve(new BackupSettings { ConfigPath = "no.yaml" })).ErrorId
        );
        Assert.Contains(
            "folder",
            Assert.Throws<KafkaBackupException>(() => _desk.Resolver.Resolve(new BackupSettings { ConfigPath = "." })).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A2_aliases_are_followed()
    {
        var options = _desk.Restore(
            "backup_id: nightly\ntarget:\n  bootstrap_servers: &b [h:1]\n  topics: {include: &t [orders]}\nstorage: {path: s}\nrestore: {consumer_groups: *t}"
        );
        Assert.Equal(["orders"], options.ConsumerGroups);
    }

    [Fact]
    public void A2_a_group_whose_keys_are_all_commented_out_is_empty() =>
        Assert.False(_desk.Backup(ConfigDesk.BackupYaml() + "backup:\nhealth:\n").Continuous);

    [Fact]
    public void A4_a_lone_tilde_is_nothing_in_yaml_and_the_error_says_so()
    {
        var error = _desk.RefusedBackup("source:\n  bootstrap_servers: [h:1]\n  topics:\n    include:\n      - ~^pay\n      - ~\n");
        Assert.Equal("ConfigWrongType", error.ErrorId);
        Assert.Contains("line 6, column 9", error.Message, StringComparison.Ordinal);
        Assert.Contains("source.topics.include[1]", error.Message, StringComparison.Ordinal);
        Assert.Contains("~^pay", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A4_a_pattern_that_begins_with_a_tilde_needs_no_quotes()
    {
        var options = _desk.Backup("source:\n  bootstrap_servers: [h:1]\n  topics:\n    include:\n      - ~^pay\nstorage: {path: s}\n");
        Assert.True(options.Topics.Selects("payments"));
        Assert.False(options.Topics.Selects("orders"));
    }

    [Theory]
    [InlineData("mode: restore\nrestore: {dry_run: true}\n", "this file is for a restore")]
    [InlineData("restore: {dry_run: true}\n", "restore belongs into a file for a restore")]
    public void A1_a_file_for_a_restore_is_no_file_for_a_backup(string yaml, string words) =>
        Assert.Contains(words, _desk.RefusedBackup(yaml).Message, StringComparison.Ordinal);

    [Fact]
    public void A1_a_file_for_a_backup_is_no_file_for_a_restore() =>
        Assert.Equal("ConfigConflict", _desk.RefusedRestore("mode: backup\nbackup: {}\n").ErrorId);

    [Theory]
    [InlineData("offset_storage:\n  db_path: x\n", "offset_storage")]
    [InlineData("metrics:\n  enabled: true\n", "metrics")]
    [InlineData("backup:\n  stop_at_current_offsets: true\n", "backup.stop_at_current_offsets")]
    [InlineData("backup:\n  checkpoint_interval_secs: 5\n", "backup.checkpoint_interval_secs")]
    [InlineData("backup:\n  fetch_max_bytes: 5\n", "backup.fetch_max_bytes")]
    public void A2_a_key_of_the_other_tool_is_a_warning(string lines, string key)
    {
        _desk.Backup(ConfigDesk.BackupYaml() + lines);
        var warning = Assert.Single(_desk.Events.Warnings);
        Assert.Contains($"{key} is ignored", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{backend: tape, account_name: x}", "ConfigWrongType")]
    [InlineData("{backend: azure, account_name: x}", "ConfigUnknownKey")]
    [InlineData("{backend: filesystem, path: s, region: x}", "ConfigConflict")]
    [InlineData("{path: s, bucket: bbb}", "ConfigConflict")]
    [InlineData("{path: s, path_style: true}", "ConfigConflict")]
    [InlineData("{backend: filesystem, bucket: bbb}", "ConfigConflict")]
    [InlineData("{backend: s3, path: folder}", "ConfigConflict")]
    [InlineData("{bucket: b/b}", "InvalidPath")]
    [InlineData("{bucket: bbb, prefix: a/../b}", "InvalidPath")]
    [InlineData("{path: s, prefix: ../x}", "InvalidPath")]
    [InlineData("{path: 'gs://bucket/x'}", "InvalidPath")]
    [InlineData("{bucket: bbb, access_key: a, access_key_id: b, secret_key: c}", "ConfigConflict")]
    [InlineData("{bucket: bbb, access_key: a}", "MissingSettings")]
    [InlineData("{bucket: bbb, endpoint: 'host:9000'}", "ConfigWrongType")]
    [InlineData("{backend: s3}", "MissingSettings")]
    public void A1_a_store_that_makes_no_sense_is_refused(string storage, string errorId) =>
        Assert.Equal(errorId, _desk.RefusedBackup($"source: {{bootstrap_servers: [h:1]}}\nstorage: {storage}\n").ErrorId);

    [Theory]
    [InlineData("sasl_mechanism: GSSAPI", "ConfigConflict")]
    [InlineData("sasl_username: u, sasl_password: p", "ConfigConflict")]
    [InlineData("ssl_ca_location: ca.pem", "ConfigConflict")]
    [InlineData("security_protocol: SASL_SSL", "MissingSettings")]
    [InlineData("security_protocol: SASL_SSL, sasl_mechanism: PLAIN", "MissingSettings")]
    [InlineData("security_protocol: SSL, ssl_key_location: k.pem", "MissingSettings")]
    [InlineData("security_protocol: TLS", "ConfigWrongType")]
    public void A7_security_that_would_be_ignored_or_is_incomplete_is_refused(string security, string errorId) =>
        Assert.Equal(
            errorId,
            _desk.RefusedBackup($"source: {{bootstrap_servers: [h:1], security: {{{security}}}}}\nstorage: {{path: s}}\n").ErrorId
        );

    [Theory]
    [InlineData("localhost:0")]
    [InlineData("localhost:99999")]
    [InlineData("local host:9092")]
    [InlineData(":9092")]
    [InlineData("http://host:1/path")]
    public void A1_a_bootstrap_server_that_is_none_is_refused(string server) =>
        Assert.Equal(
            "ConfigWrongType",
            _desk.RefusedBackup($"source: {{bootstrap_servers: ['{server}']}}\nstorage: {{path: s}}\n").ErrorId
        );

    [Fact]
    public void A1_all_that_is_missing_is_named_in_one_error()
    {
        var error = _desk.RefusedRestore("mode: restore\n");
        Assert.Equal("MissingSettings", error.ErrorId);
        Assert.All(["-Path", "-BackupId", "-BootstrapServer"], name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
    }
}
