using System.Text;
using KafkaBackup.Engine.Configuration;
using Xunit;

namespace KafkaBackup.Engine.Tests.Configuration;

/// <summary>What a small file may ask for.</summary>
public sealed class ConfigBoundTests : IDisposable
{
    private readonly ConfigDesk _desk = new();

    public void Dispose() => _desk.Dispose();

    [Fact]
    public void A2_a_list_of_a_million_aliases_is_refused_before_it_takes_memory()
    {
        var yaml = new StringBuilder(
            "source:\n  bootstrap_servers: [localhost:9092]\n  topics:\n    include:\n    - &a '~^orders-[0-9]+$'\n"
        );
        for (var i = 0; i < 1_000_000; i++)
        {
            yaml.Append("    - *a\n");
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = _desk.RefusedBackup(yaml.Append("storage:\n  path: store\n").ToString());
        Assert.Equal(ErrorIds.ConfigSyntax, error.Definition);
        Assert.Contains("200,000 values", error.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 600L << 20);
    }

    [Fact]
    public void A2_aliases_of_aliases_count_as_what_they_stand_for()
    {
        var yaml = new StringBuilder("storage:\n  path: store\nbackup:\n  start_offset:\n");
        yaml.Append("    t0: &p {");
        yaml.Append(string.Join(", ", Enumerable.Range(0, 1000).Select(i => $"{i}: 1"))).Append("}\n");
        for (var i = 1; i < 500; i++)
        {
            yaml.Append($"    t{i}: *p\n");
        }

        Assert.Contains("aliases counted", _desk.RefusedBackup(yaml.ToString()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A4_thousands_of_regular_expressions_are_refused_and_many_names_are_taken()
    {
        static string List(string item, int count) => string.Join(", ", Enumerable.Range(0, count).Select(i => $"'{item}{i}'"));
        var error = _desk.RefusedBackup(
            $"source:\n  {ConfigDesk.Cluster}\n  topics:\n    include: [{List("~^t", 1001)}]\nstorage:\n  path: store\n"
        );
        Assert.Equal(ErrorIds.InvalidPattern, error.Definition);
        Assert.Contains("1,001 regular expressions", error.Message, StringComparison.Ordinal);
        Assert.Equal(
            ErrorIds.InvalidPattern,
            Assert.Throws<KafkaBackupException>(() => PatternSet.ForTopics(Enumerable.Range(0, 1001).Select(i => $"~^t{i}"))).Definition
        );
        Assert.Equal(
            ErrorIds.InvalidPattern,
            Assert.Throws<KafkaBackupException>(() => PatternSet.ForNames([$"~{new string('a', 100_000)}"])).Definition
        );

        var options = _desk.Backup(
            $"source:\n  {ConfigDesk.Cluster}\n  topics:\n    include: [{List("topic-", 20_000)}]\nstorage:\n  path: store\n"
        );
        Assert.Equal(20_000, options.Topics.Include.Count);
        Assert.InRange(options.Topics.ToString().Length, 1, 1000);
    }

    [Fact]
    public void A4_one_expression_a_hundred_thousand_times_is_one_expression()
    {
        var set = PatternSet.ForTopics(Enumerable.Repeat("~^orders$", 100_000));
        Assert.Single(set.Include);
    }

    [Theory]
    [InlineData(2, int.MaxValue)]
    [InlineData(2, 1_000_000)]
    [InlineData(int.MaxValue, 0)]
    public void D5_a_partition_that_no_topic_can_have_is_refused_in_the_map(int from, int to)
    {
        var given = new RestoreSettings
        {
            BackupId = "b",
            Store = new StoreSettings { Path = "store" },
            Offline = true,
            PartitionMapping = new Dictionary<int, int> { [from] = to },
        };
        Assert.Equal(ErrorIds.ConfigOutOfRange, Assert.Throws<KafkaBackupException>(() => _desk.Resolver.Resolve(given)).Definition);
        Assert.Equal(
            ErrorIds.ConfigOutOfRange,
            _desk.RefusedRestore(ConfigDesk.RestoreYaml($"partition_mapping: {{{from}: {to}}}")).Definition
        );
    }
}
