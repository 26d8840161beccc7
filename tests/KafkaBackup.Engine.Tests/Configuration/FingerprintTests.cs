using KafkaBackup.Engine.Configuration;
using Xunit;

namespace KafkaBackup.Engine.Tests.Configuration;

public sealed class FingerprintTests : IDisposable
{
    private readonly ConfigDesk _desk = new();

    public void Dispose() => _desk.Dispose();

    [Theory]
    [InlineData("time_window_end: 1705312800000", "time_window_end")]
    [InlineData("time_window_start: 1705312800000", "time_window_start")]
    [InlineData("topic_mapping: {a: b}", "topic_mapping")]
    [InlineData("partition_mapping: {0: 1}", "partition_mapping")]
    [InlineData("source_partitions: [1]", "source_partitions")]
    [InlineData("include_original_offset_header: true", "include_original_offset_header")]
    [InlineData("consumer_group_strategy: header-based", "include_original_offset_header")]
    [InlineData("delivery: transactional", "delivery")]
    public void E3_a_setting_that_changes_the_outcome_is_named(string line, string key)
    {
        var before = _desk.Restore(ConfigDesk.RestoreYaml()).Fingerprint;
        var after = _desk.Restore(ConfigDesk.RestoreYaml(line)).Fingerprint;
        Assert.Equal([key], after.DifferencesFrom(before.Entries));
        Assert.NotEqual(before.Hash, after.Hash);
    }

    [Theory]
    [InlineData("max_concurrent_partitions: 9")]
    [InlineData("rate_limit_records_per_sec: 9")]
    [InlineData("produce_batch_size: 9")]
    [InlineData("checkpoint_interval_secs: 9")]
    [InlineData("offset_report: x.json")]
    [InlineData("force: true")]
    public void E3_a_setting_that_only_changes_the_way_does_not_matter(string line)
    {
        var before = _desk.Restore(ConfigDesk.RestoreYaml()).Fingerprint;
        var after = _desk.Restore(ConfigDesk.RestoreYaml(line)).Fingerprint;
        Assert.Empty(after.DifferencesFrom(before.Entries));
        Assert.Equal(before.Hash, after.Hash);
    }

    [Fact]
    public void E3_order_does_not_matter()
    {
        var one = _desk.Restore(ConfigDesk.RestoreYaml("topic_mapping: {a: b, c: d}\nsource_partitions: [0, 1, 1]")).Fingerprint;
        var two = _desk.Restore(ConfigDesk.RestoreYaml("topic_mapping: {c: d, a: b}\nsource_partitions: [1, 0]")).Fingerprint;
        Assert.Equal(one.Hash, two.Hash);
    }

    [Fact]
    public void E3_the_hash_is_that_of_the_entries_as_a_checkpoint_stores_them()
    {
        var fingerprint = _desk.Restore(ConfigDesk.RestoreYaml()).Fingerprint;
        Assert.Equal(fingerprint.Hash, RestoreFingerprint.HashOf(new Dictionary<string, string>(fingerprint.Entries)));
        Assert.Matches("^[0-9a-f]{64}$", fingerprint.Hash);
    }

    [Fact]
    public void E3_a_key_that_only_the_checkpoint_has_is_a_difference()
    {
        var fingerprint = _desk.Restore(ConfigDesk.RestoreYaml()).Fingerprint;
        Assert.Equal(
            ["newer_key"],
            fingerprint.DifferencesFrom(new Dictionary<string, string>(fingerprint.Entries) { ["newer_key"] = "x" })
        );
    }
}
