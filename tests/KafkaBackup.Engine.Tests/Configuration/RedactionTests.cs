using KafkaBackup.Engine.Configuration;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using Xunit;

namespace KafkaBackup.Engine.Tests.Configuration;

/// <summary>No message repeats what may be a secret: a value that came from a variable, or what stands before an @.</summary>
public sealed class RedactionTests : IDisposable
{
    private const string Secret = "hunter2-Sup3r";

    private readonly ConfigDesk _desk = new();

    public void Dispose() => _desk.Dispose();

    [Theory]
    [InlineData("run kafka-configs.sh, or my-kafka_2", "run kafka-configs.sh, or my-kafka_2")]
    [InlineData(
        "the user kafka. Then kafka, 'kafka' and --kafka-",
        "the user ${KAFKA_USER}. Then ${KAFKA_USER}, '${KAFKA_USER}' and --${KAFKA_USER}-"
    )]
    [InlineData("kafka.example:9092 is no user", "kafka.example:9092 is no user")]
    public void A3_a_short_value_that_is_a_part_of_a_name_is_left_there(string text, string expected)
    {
        var redaction = new Redaction();
        redaction.Learn("KAFKA_USER", "kafka");

        Assert.Equal(expected, redaction.Apply(text));
    }

    [Theory]
    [InlineData("s3://KEY:hunter2-Sup3r/part@bucket")]
    [InlineData("s3://KEY:hunter2-Sup3r@bucket/prefix")]
    [InlineData("s3://bucket/../hunter2-Sup3r@x")]
    [InlineData("https://u:hunter2-Sup3r@host/path")]
    public void A3_an_address_with_a_login_is_refused_without_being_repeated(string path) =>
        AssertHidden(Assert.Throws<KafkaBackupException>(() => _desk.Resolver.Resolve(new StoreSettings { Path = path })));

    [Theory]
    [InlineData("http://u:hunter2-Sup3r@host")]
    [InlineData("https://u:hunter2-Sup3r@host:9000")]
    [InlineData("u:hunter2-Sup3r@host")]
    public void A3_an_endpoint_with_a_login_is_refused_without_being_repeated(string endpoint)
    {
        var store = new StoreSettings
        {
            Path = "s3://bucket/prefix",
            Options = new Dictionary<string, string> { ["endpoint"] = endpoint },
        };
        AssertHidden(Assert.Throws<KafkaBackupException>(() => _desk.Resolver.Resolve(store)));
        AssertHidden(_desk.RefusedBackup($"source:\n  {ConfigDesk.Cluster}\nstorage:\n  bucket: bucket\n  endpoint: {endpoint}\n"));
    }

    [Theory]
    [InlineData("user:hunter2-Sup3r@host")]
    [InlineData("user:hunter2-Sup3r@host:9092,other:9092")]
    [InlineData("user:hunter2-Sup3r,x@host:9092")]
    public void A3_a_bootstrap_server_with_a_login_is_refused_without_being_repeated(string server)
    {
        AssertHidden(
            Assert.Throws<KafkaBackupException>(() => _desk.Resolver.Resolve(new ClusterSettings { BootstrapServers = [server] }))
        );
        AssertHidden(_desk.RefusedBackup($"source:\n  bootstrap_servers: ['{server}']\nstorage:\n  path: store\n"));
    }

    [Theory]
    [InlineData("backup_id: hunter2-Sup3r@x")]
    [InlineData("restore:\n  time_window_start: hunter2-Sup3r@x")]
    [InlineData("restore:\n  rate_limit_bytes_per_sec: hunter2-Sup3r@x")]
    [InlineData("restore:\n  delivery: hunter2-Sup3r@x")]
    [InlineData("restore:\n  dry_run: hunter2-Sup3r@x")]
    [InlineData("restore:\n  max_concurrent_partitions: 'hunter2-Sup3r@x'")]
    [InlineData("restore:\n  topic_mapping: {'hunter2-Sup3r@x': a}")]
    [InlineData("restore:\n  consumer_groups: ['~(hunter2-Sup3r@x']")]
    [InlineData("topics: 'hunter2-Sup3r@x'")]
    public void A3_a_refused_value_with_an_at_sign_is_not_repeated(string lines)
    {
        var id = lines.StartsWith("backup_id", StringComparison.Ordinal) ? "" : "backup_id: nightly\n";
        AssertHidden(_desk.RefusedRestore($"{id}target:\n  {ConfigDesk.Cluster}\nstorage:\n  path: store\n{lines}\n"));
    }

    [Theory]
    [InlineData("t", "backup_id: nightly-${SECRET}!")]
    [InlineData("t", "backup_id: ${SECRET}")]
    [InlineData("t", "backup_id: b\nrestore:\n  time_window_start: ${SECRET}")]
    [InlineData("t", "backup_id: b\nrestore:\n  delivery: ${SECRET}")]
    [InlineData("t", "backup_id: b\nrestore:\n  topic_mapping: {'${SECRET}': x}")]
    [InlineData("t", "backup_id: b\nrestore:\n  topic_mapping: {x: '${SECRET}'}")]
    [InlineData("t", "backup_id: b\nrestore:\n  topic_config_overrides: {'${SECRET}': {a: b}}")]
    [InlineData("t", "backup_id: b\nrestore:\n  '${SECRET}': x")]
    [InlineData("'${SECRET}'", "backup_id: b")]
    [InlineData("'~(${SECRET}'", "backup_id: b")]
    [InlineData("'${SECRET}!'", "backup_id: b")]
    [InlineData("'~^(${SECRET})$'", "backup_id: b")]
    public async Task A3_a_value_from_a_variable_is_in_no_error_of_a_restore(string pattern, string lines)
    {
        var store = new MemoryStore();
        await Verify.SmallBackup.WriteAsync(store, 1);
        var events = new RecordingEvents();
        var path = _desk.Write(
            $"mode: restore\ntarget:\n  {ConfigDesk.Cluster}\n  topics:\n    include: [{pattern}]\nstorage:\n  path: store\n{lines}\n"
        );
        var engine = Engine(store, events);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            WithVariableAsync(() => engine.PlanRestoreAsync([new RestoreSettings { ConfigPath = path, Offline = true }], default))
        );
        AssertHidden(error);
        Assert.DoesNotContain(Secret, Text(events), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A3_a_value_from_a_variable_is_in_no_finding_warning_or_verbose_line()
    {
        var store = new MemoryStore();
        await Verify.SmallBackup.WriteAsync(store, 1, id: Secret);
        await foreach (var item in store.ListAsync($"{Secret}/topics/", default))
        {
            await store.DeleteAsync(item.Key, default);
            break;
        }

        var events = new RecordingEvents();
        var path = _desk.Write(
            $"mode: restore\nbackup_id: ${{SECRET}}\ntarget:\n  {ConfigDesk.Cluster}\nstorage:\n  path: ${{SECRET}}/store\nrestore:\n  checkpoint_state: ${{SECRET}}/checkpoint.json\n  produce_acks: -1\n"
        );
        await using var planned = await WithVariableAsync(() =>
            Engine(store, events).PlanRestoreAsync([new RestoreSettings { ConfigPath = path, Offline = true }], default)
        );
        var findings = planned.Plan.Single().Findings;
        Assert.NotEmpty(findings);
        Assert.All(findings, f => Assert.DoesNotContain(Secret, f.ToString() + f.Advice, StringComparison.Ordinal));
        Assert.Contains(findings, f => f.Message.Contains("${SECRET}", StringComparison.Ordinal));
        AssertHidden(await Assert.ThrowsAsync<KafkaBackupException>(() => planned.RunAsync(default)));
        Assert.DoesNotContain(Secret, Text(events), StringComparison.Ordinal);
        Assert.Equal(Secret, planned.Plan.Single().BackupId);
    }

    [Fact]
    public async Task A3_a_value_from_a_variable_is_in_no_error_of_a_backup()
    {
        var events = new RecordingEvents();
        var path = _desk.Write(
            "mode: backup\nbackup_id: b\nsource:\n  bootstrap_servers: ['${SECRET}.invalid:9092']\nstorage:\n  path: store\n"
        );
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            WithVariableAsync(() => Engine(new MemoryStore(), events).PlanBackupAsync(new BackupSettings { ConfigPath = path }, default))
        );
        AssertHidden(error);
        Assert.DoesNotContain(Secret, Text(events), StringComparison.Ordinal);
        Assert.Contains("${SECRET}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A3_short_and_plain_values_leave_messages_readable()
    {
        var redaction = new Redaction();
        redaction.Learn("ENV", "prod");
        redaction.Learn("FLAG", "true");
        redaction.Learn("ONE", "b");
        Assert.Equal("producers of nightly-prod are true to b", redaction.Apply("producers of nightly-prod are true to b"));
    }

    [Theory]
    [InlineData("'s3://KEY:secret/part@bucket' is not it", "'********@bucket' is not it")]
    [InlineData("write @{ 0 = 0 }, or '@' here", "write @{ 0 = 0 }, or '@' here")]
    [InlineData("a@b c:d@e,f@g", "********@b ********@g")]
    [InlineData(
        "https://a.blob.core.windows.net/c?sv=1&sig=aGlkZGVu%3D&sp=r failed",
        "https://a.blob.core.windows.net/c?sv=1&sig=********&sp=r failed"
    )]
    [InlineData("AccountName=a;AccountKey=aGlkZGVu==;EndpointSuffix=x", "AccountName=a;AccountKey=********;EndpointSuffix=x")]
    public void A3_what_stands_before_an_at_sign_and_signatures_are_hidden(string text, string expected) =>
        Assert.Equal(expected, Redaction.Clean(text));

    private KafkaEngine Engine(MemoryStore store, IEngineEvents events) =>
        new(events, _desk.Folder, EngineServices.Real with { OpenStore = (_, _) => store });

    /// <summary>The engine reads the process's own environment; the name is nobody else's.</summary>
    private static async Task<T> WithVariableAsync<T>(Func<Task<T>> work)
    {
        Environment.SetEnvironmentVariable("SECRET", Secret);
        return await work();
    }

    private static string Text(RecordingEvents events) =>
        string.Join('\n', events.VerboseLines.Concat(events.Warnings).Concat(events.Errors.Select(e => $"{e.Message} {e.Advice}")));

    private static void AssertHidden(KafkaBackupException error)
    {
        for (Exception? e = error; e is not null; e = e.InnerException)
        {
            Assert.DoesNotContain(Secret, e.Message, StringComparison.Ordinal);
        }

        Assert.DoesNotContain(Secret, $"{error.Advice} {error.TargetObject}", StringComparison.Ordinal);
    }
}
