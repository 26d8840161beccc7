using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;
using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>Each way of not being able to back up is one clear error, with advice, and nothing is written or lost.</summary>
public sealed class RefusalTests
{
    [Fact]
    public async Task A9_nothing_matched_names_what_is_there()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");

        var error = await scenario.RefusedAsync(BackupScenario.Asked("~^pay"));

        Assert.Equal(ErrorIds.NothingMatched, error.Definition);
        Assert.Contains("orders", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task B15_a_topic_that_is_not_there_is_an_error_or_a_warning_as_asked()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 1);

        var error = await scenario.RefusedAsync(BackupScenario.Asked("orders", "Orders"));
        Assert.Equal(ErrorIds.TopicNotFound, error.Definition);
        Assert.Contains("it has orders", error.Message, StringComparison.Ordinal);

        var result = await scenario.BackUpAsync(BackupScenario.Asked("orders", "Orders") with { OnMissingTopic = MissingTopicAction.Warn });
        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Contains(result.Findings, f => f.Place == "Orders");
    }

    [Fact]
    public async Task B15_an_unreachable_cluster_is_one_error()
    {
        await using var scenario = new BackupScenario();
        await scenario.Cluster.StopBroker(1);

        Assert.Equal(ErrorIds.ClusterUnreachable, (await scenario.RefusedAsync()).Definition);
    }

    [Fact]
    public async Task B15_wrong_credentials_are_one_error()
    {
        await using var scenario = new BackupScenario(
            options: new LocalClusterOptions
            {
                SaslMechanisms = ["PLAIN"],
                Users = new Dictionary<string, string> { ["u"] = "right" },
            }
        );
        var source = new ClusterSettings
        {
            BootstrapServers = [scenario.Cluster.BootstrapServers],
            SecurityProtocol = SecurityProtocol.SaslPlaintext,
            SaslMechanism = SaslMechanism.Plain,
            SaslUsername = "u",
            SaslPassword = new Secret("wrong"),
        };

        var error = await scenario.RefusedAsync(BackupScenario.Asked() with { Source = source });

        Assert.Equal(ErrorIds.ClusterAuthentication, error.Definition);
        Assert.DoesNotContain("wrong", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ApiKey.DescribeConfigs)]
    [InlineData(ApiKey.ListOffsets)]
    public async Task B15_a_right_that_is_missing_is_one_error(ApiKey api)
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 1);
        scenario.Cluster.Deny(api);

        var error = await scenario.RefusedAsync();

        Assert.Equal(ErrorIds.ClusterUnauthorized, error.Definition);
        Assert.Contains("orders", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task B15_a_topic_that_may_not_be_read_fails_and_says_which_right_is_missing()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("secret");
        scenario.Cluster.CreateTopic("open");
        scenario.Fill("secret", 1);
        scenario.Fill("open", 1);
        scenario.Cluster.Deny(ApiKey.Fetch, "secret");

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Incomplete, result.Status);
        var error = Assert.Single(scenario.Events.Errors);
        Assert.Equal(ErrorIds.ClusterUnauthorized, error.Definition);
        Assert.Contains("READ", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task B11_groups_that_may_not_be_seen_are_a_finding_not_a_failure()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Cluster.CommitOffset("g", "orders", 0, 0);
        scenario.Cluster.Deny(ApiKey.OffsetFetch);
        scenario.Cluster.Deny(ApiKey.FindCoordinator);

        var result = await scenario.BackUpAsync();

        Assert.Equal(BackupStatus.Complete, result.Status);
        Assert.Single(result.Findings, f => f.Kind == FindingKind.ConsumerGroup);
    }

    [Fact]
    public async Task C4_a_disk_that_is_full_ends_the_run_with_one_error_and_keeps_what_was_committed()
    {
        var memory = new MemoryStore();
        await using var scenario = new BackupScenario(store: memory);
        scenario.Cluster.CreateTopic("orders", 4);
        scenario.Fill("orders", 100);
        await scenario.BackUpAsync();
        for (var partition = 0; partition < 4; partition++)
        {
            scenario.Fill("orders", 100, 100, partition);
        }

        scenario.Wrap = store =>
            new FaultyStore(store).FailBefore(StoreCall.Write, ErrorIds.StoreFull.With("The disk is full."), times: 1000);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => scenario.BackUpAsync());

        Assert.Equal(ErrorIds.StoreFull, error.Definition);
        Assert.Empty(scenario.Events.Errors);
        Assert.Equal(100, (await scenario.StoredAsync("orders")).Count);
        scenario.Wrap = store => store;
        Assert.Equal(BackupStatus.Complete, (await scenario.BackUpAsync()).Status);
        await scenario.AssertStoredIsSourceAsync("orders");
        await scenario.AssertStoredIsSourceAsync("orders", 3);
    }

    [Fact]
    public async Task C1_what_is_durable_when_the_store_fails_is_committed()
    {
        await using var scenario = new BackupScenario(store: new MemoryStore());
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100, batch: 10);
        scenario.Wrap = store => new FaultyStore(store).FailBefore(StoreCall.Create, ErrorIds.StoreWrite.With("No."), nth: 4, times: 1000);

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            scenario.BackUpAsync(BackupScenario.Asked() with { SegmentMaxRecords = 10 })
        );

        Assert.Equal(ErrorIds.StoreWrite, error.Definition);
        Assert.Equal(30, (await scenario.StoredAsync("orders")).Count);
        Assert.Equal(BackupStatus.Failed, (await scenario.ManifestAsync()).Runs[^1].State);
    }

    [Fact]
    public async Task C1_a_commit_that_fails_ends_the_run()
    {
        await using var scenario = new BackupScenario(store: new MemoryStore());
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 100);
        scenario.Wrap = store =>
            new FaultyStore(store).FailBefore(
                StoreCall.PutIfAbsent,
                ErrorIds.StoreAccessDenied.With("Denied."),
                nth: 3,
                times: 1000,
                key: k => k.Contains("/manifest/", StringComparison.Ordinal)
            );

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => scenario.BackUpAsync());

        Assert.Equal(ErrorIds.StoreAccessDenied, error.Definition);
        scenario.Wrap = store => store;
        Assert.Equal(100, (await scenario.BackUpAsync()).RecordCount);
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Fact]
    public async Task C1_a_lock_that_is_lost_stops_the_run_at_once()
    {
        await using var scenario = new BackupScenario(store: new MemoryStore());
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 5000);
        var running = scenario.BackUpAsync(
            BackupScenario.Asked() with
            {
                RecordsPerSecond = 1000,
                SegmentMaxInterval = TimeSpan.FromMilliseconds(200),
            }
        );
        await scenario.WaitAsync(async () => (await scenario.KeysAsync("b/topics/")).Count > 0, "the first segment");
        await scenario.Store.PutAsync("b/lock.json", "{\"owner\":\"another\"}"u8.ToArray(), scenario.Cancel);

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => running);

        Assert.Equal(ErrorIds.BackupLockLost, error.Definition);
    }

    [Fact]
    public async Task A8_a_folder_that_cannot_be_written_is_one_error()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("occupied");
        await File.WriteAllTextAsync(file, "not a folder");
        await using var scenario = new BackupScenario(store: new Engine.Storage.Files.FileStore(file));
        scenario.Cluster.CreateTopic("orders");

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => scenario.BackUpAsync());

        Assert.StartsWith("Store", error.ErrorId, StringComparison.Ordinal);
        Assert.Equal("not a folder", await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task C2_a_folder_that_holds_something_else_is_refused()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        Directory.CreateDirectory(Path.Combine(scenario.StorePath, "b"));
        await File.WriteAllTextAsync(Path.Combine(scenario.StorePath, "b", "holiday.jpg"), "x");

        Assert.Equal(ErrorIds.ForeignFolder, (await scenario.RefusedAsync()).Definition);
    }

    [Fact]
    public async Task C2_a_backup_of_a_newer_version_is_refused()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        await scenario.BackUpAsync();
        foreach (var file in Directory.GetFiles(Path.Combine(scenario.StorePath, "b", "manifest"), "0*.json"))
        {
            // What a newer program writes has a checksum that fits.
            var text = (await File.ReadAllTextAsync(file)).Replace("\"version\": 1", "\"version\": 2", StringComparison.Ordinal);
            var digits = text.IndexOf("\"sha256\": \"", StringComparison.Ordinal) + "\"sha256\": \"".Length;
            var blank = text[..digits] + ManifestFile.NoChecksum + text[(digits + 64)..];
            await File.WriteAllTextAsync(
                file,
                text[..digits] + ManifestFile.Hash(System.Text.Encoding.UTF8.GetBytes(blank)) + text[(digits + 64)..]
            );
        }

        Assert.Equal(ErrorIds.FormatTooNew, (await scenario.RefusedAsync()).Definition);
    }

    [Fact]
    public async Task C1_a_run_beside_another_is_refused()
    {
        await using var scenario = new BackupScenario(store: new MemoryStore());
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 3000);
        await using var second = await scenario.PlanAsync(BackupScenario.Asked());
        await scenario.BackUpAsync();

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => second.RunAsync(scenario.Cancel));

        Assert.Equal(ErrorIds.BackupLocked, error.Definition);
    }

    [Fact]
    public async Task B10_a_port_in_use_is_refused_before_anything_is_written()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        var port = int.Parse(scenario.Cluster.BootstrapServers.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);

        var error = await scenario.RefusedAsync(
            BackupScenario.Asked() with
            {
                Health = new HealthSettings { Enabled = true, Port = port },
            }
        );

        Assert.Equal(ErrorIds.HealthEndpoint, error.Definition);
    }
}
