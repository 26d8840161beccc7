using KafkaBackup.Engine.Configuration.Schema;
using Xunit;

namespace KafkaBackup.Engine.Tests.Configuration;

public sealed class ExampleFileTests : IDisposable
{
    private readonly ConfigDesk _desk = new();

    public static TheoryData<int> GuideExamples => new(Enumerable.Range(0, Guide().Length));

    public void Dispose() => _desk.Dispose();

    [Fact]
    public void A1_the_example_of_a_backup_is_read_without_a_warning()
    {
        var options = _desk.Resolver.Resolve(new BackupSettings { ConfigPath = Example("backup.yaml") });
        Assert.Equal(("nightly", "localhost:9092", Example("store")), (options.BackupId, options.Source.Address, options.Store.Path));
        Assert.True(options.Topics.Selects("events-12"));
        Assert.Empty(_desk.Events.Warnings);
    }

    [Fact]
    public void A1_the_example_of_a_restore_is_read_without_a_warning()
    {
        var options = _desk.Resolver.Resolve(new RestoreSettings { ConfigPath = Example("restore.yaml") });
        Assert.Equal("orders-recovered", options.TopicMapping["orders"]);
        Assert.Empty(_desk.Events.Warnings);
    }

    [Fact]
    public void A1_the_values_in_the_examples_are_the_defaults()
    {
        var backup = _desk.Resolver.Resolve(new BackupSettings { ConfigPath = Example("backup.yaml") });
        var plain = _desk.Backup(ConfigDesk.BackupYaml()) with
        {
            Source = backup.Source,
            Store = backup.Store,
            BackupId = backup.BackupId,
            Topics = backup.Topics,
        };
        Assert.Equal(plain with { StartOffset = backup.StartOffset, Health = backup.Health }, backup);
        Assert.Equal(plain.Health, backup.Health);
        var restore = _desk.Resolver.Resolve(new RestoreSettings { ConfigPath = Example("restore.yaml") });
        var bare = _desk.Restore(ConfigDesk.RestoreYaml()) with
        {
            Target = restore.Target,
            Store = restore.Store,
            Topics = restore.Topics,
            TopicMapping = restore.TopicMapping,
            PartitionMapping = restore.PartitionMapping,
            ConsumerGroups = restore.ConsumerGroups,
        };
        Assert.Equal(bare, restore);
    }

    [Fact]
    public void A1_the_examples_name_every_key()
    {
        var backup = File.ReadAllText(Example("backup.yaml"));
        var restore = File.ReadAllText(Example("restore.yaml"));
        Assert.All(ConfigSchema.Backup.Keys, key => Assert.True(Names(backup, key.Path), key.Path));
        Assert.All(
            ConfigSchema.Restore.Keys.Where(key =>
                !key.Path.StartsWith("storage.", StringComparison.Ordinal) && !key.Path.Contains(".security.", StringComparison.Ordinal)
            ),
            key => Assert.True(Names(restore, key.Path), key.Path)
        );
    }

    [Theory]
    [MemberData(nameof(GuideExamples))]
    public void A1_every_example_of_the_guide_is_read(int number)
    {
        _desk.Variables["KAFKA_PASSWORD"] = _desk.Variables["CONFLUENT_KEY"] = _desk.Variables["CONFLUENT_SECRET"] = "x";
        var options = _desk.Restore(Completed(Guide()[number]));
        Assert.True(options.BackupId.Length > 0);
    }

    [Fact]
    public void A1_the_complete_example_of_the_guide_is_read_to_the_last_value()
    {
        _desk.Variables["KAFKA_PASSWORD"] = "pw";
        var options = _desk.Restore(Guide().Single(text => text.Contains("# Remapping\n", StringComparison.Ordinal)));
        Assert.Equal(
            ("kafka-1:9092,kafka-2:9092", "restore-user", "pw"),
            (options.Target!.Address, options.Target.SaslUsername, options.Target.SaslPassword!.Reveal())
        );
        Assert.Equal("s3://kafka-backups/prod-cluster", options.Store.Path);
        Assert.Equal("us-east-1", options.Store.Options!["region"]);
        Assert.Equal(new TimeWindow(1705312800000, 1705316400000), options.Window);
        Assert.Equal(
            [true, true, true, false, false],
            new[] { "orders", "events-9", "transactions-77", "events-internal", "other" }.Select(options.Topics.Selects)
        );
        Assert.Equal(
            (OffsetStrategy.HeaderBased, true, 50000L),
            (options.OffsetStrategy, options.IncludeOriginalOffsetHeader, options.RecordsPerSecond)
        );
        Assert.Empty(_desk.Events.Warnings);
    }

    /// <summary>Many examples show one group only: the others, which every file needs, are added.</summary>
    private static string Completed(string text)
    {
        if (text.StartsWith("topics:", StringComparison.Ordinal))
        {
            text = $"target:\n  {text.TrimEnd().Replace("\n", "\n  ", StringComparison.Ordinal)}\n";
        }

        if (!text.Contains("bootstrap_servers", StringComparison.Ordinal))
        {
            text = text.Contains("target:\n", StringComparison.Ordinal)
                ? text.Replace("target:\n", "target:\n  bootstrap_servers: [localhost:9092]\n", StringComparison.Ordinal)
                : text + "target: {bootstrap_servers: [localhost:9092]}\n";
        }

        return text
            + (text.Contains("storage:", StringComparison.Ordinal) ? "" : "storage: {path: store}\n")
            + (text.Contains("backup_id:", StringComparison.Ordinal) ? "" : "backup_id: b\n");
    }

    private static bool Names(string text, string path)
    {
        var key = path[(path.LastIndexOf('.') + 1)..];
        return text.Contains($"{key}:", StringComparison.Ordinal)
            || (key is "access_key_id" or "secret_access_key" && text.Contains(key, StringComparison.Ordinal));
    }

    private static string[] Guide() =>
        File.ReadAllText(
                Path.Combine(ConfigDesk.RepositoryRoot, "tests", "KafkaBackup.Engine.Tests", "Configuration", "guide-examples.txt")
            )
            .ReplaceLineEndings("\n")
            .Split("====\n");

    private static string Example(string name) => Path.Combine(ConfigDesk.RepositoryRoot, "examples", name);
}
