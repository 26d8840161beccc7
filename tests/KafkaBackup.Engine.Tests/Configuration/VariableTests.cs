using Xunit;

namespace KafkaBackup.Engine.Tests.Configuration;

public sealed class VariableTests : IDisposable
{
    private readonly ConfigDesk _desk = new();

    public void Dispose() => _desk.Dispose();

    [Theory]
    [InlineData("${NAME}", "orders")]
    [InlineData("a-${NAME}-${NAME}", "a-orders-orders")]
    [InlineData("${NONE:-fallback}", "fallback")]
    [InlineData("${EMPTY:-fallback}", "fallback")]
    [InlineData("${NAME:-fallback}", "orders")]
    [InlineData("'$${NAME}'", "${NAME}")]
    [InlineData("'$$${NAME}'", "$${NAME}")]
    [InlineData("$NAME", "$NAME")]
    [InlineData("cost$", "cost$")]
    public void A3_a_variable_stands_for_its_value(string written, string expected)
    {
        _desk.Variables["NAME"] = "orders";
        _desk.Variables["EMPTY"] = "";
        Assert.Equal(expected, _desk.Backup(ConfigDesk.BackupYaml($"source_cluster_id: {written}")).SourceClusterId);
    }

    [Fact]
    public void A3_an_unset_variable_is_an_error_with_its_place()
    {
        var error = _desk.RefusedBackup(ConfigDesk.BackupYaml("source_cluster_id: ${NOT_THERE}"));
        Assert.Equal("ConfigVariableUnset", error.ErrorId);
        Assert.Contains("line 6, column 22", error.Message, StringComparison.Ordinal);
        Assert.Contains("NOT_THERE", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("${NAME")]
    [InlineData("${}")]
    [InlineData("${1A}")]
    [InlineData("${A:-${B}}")]
    [InlineData("${A?}")]
    public void A3_a_malformed_variable_is_a_syntax_error(string written) =>
        Assert.Equal("ConfigSyntax", _desk.RefusedBackup(ConfigDesk.BackupYaml($"source_cluster_id: '{written}'")).ErrorId);

    [Theory]
    [InlineData("mode: backup\nsource:\n  bootstrap_servers: [ ${BROKER} ]\n", "line 3, column 24")]
    [InlineData("mode: backup\nsource: { bootstrap_servers: ${BROKER} }\n", "line 2, column 30")]
    public void A3_a_variable_in_brackets_without_quotes_is_explained(string yaml, string place)
    {
        _desk.Variables["BROKER"] = "localhost:9092";
        var error = _desk.RefusedBackup(yaml);
        Assert.Equal("ConfigSyntax", error.ErrorId);
        Assert.Contains($"{place}: a variable inside [ ] or {{ }} must stand in quotes", error.Message, StringComparison.Ordinal);
        Assert.Contains("\"${NAME}\"", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void A3_a_value_from_a_variable_never_becomes_yaml()
    {
        _desk.Variables["EVIL"] = "x\nbackup:\n  continuous: true # ~ &a *b";
        var options = _desk.Backup(ConfigDesk.BackupYaml("source_cluster_id: ${EVIL}"));
        Assert.Equal(_desk.Variables["EVIL"], options.SourceClusterId);
        Assert.False(options.Continuous);
    }

    [Fact]
    public void A3_numbers_and_booleans_may_come_from_variables_in_quotes_too()
    {
        _desk.Variables["N"] = "7";
        _desk.Variables["YES"] = "true";
        var options = _desk.Backup(ConfigDesk.BackupYaml("max_concurrent_partitions: \"${N}\"\ncontinuous: ${YES}"));
        Assert.Equal(7, options.MaxConcurrentPartitions);
        Assert.True(options.Continuous);
    }

    [Theory]
    [InlineData("sasl_password: hunter2", 1)]
    [InlineData("sasl_password: '${UNSET:-hunter2}'", 1)]
    [InlineData("sasl_password: '${PASSWORD}'", 0)]
    public void A3_a_secret_written_out_is_a_warning_that_does_not_repeat_it(string line, int warnings)
    {
        _desk.Variables["PASSWORD"] = "hunter2";
        _desk.Backup(
            $"source: {{bootstrap_servers: [h:1], security: {{security_protocol: SASL_SSL, sasl_mechanism: PLAIN, sasl_username: u, {line}}}}}\nstorage: {{path: s}}\n"
        );
        Assert.Equal(warnings, _desk.Events.Warnings.Count);
        Assert.All(_desk.Events.Warnings, warning => Assert.DoesNotContain("hunter2", warning, StringComparison.Ordinal));
    }

    [Fact]
    public void A3_secrets_among_client_properties_are_noticed()
    {
        _desk.Backup(
            "source: {bootstrap_servers: [h:1], kafka_options: {ssl.keystore.password: hunter2, client.id: me}}\nstorage: {path: s}\n"
        );
        Assert.Contains("ssl.keystore.password", Assert.Single(_desk.Events.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A3_a_variable_in_the_wrong_place_is_not_repeated_in_the_error()
    {
        _desk.Variables["PASSWORD"] = "hunter2";
        var error = _desk.RefusedBackup(ConfigDesk.BackupYaml("continuous: ${PASSWORD}"));
        Assert.DoesNotContain("hunter2", error.Message + error.Advice, StringComparison.Ordinal);
    }
}
