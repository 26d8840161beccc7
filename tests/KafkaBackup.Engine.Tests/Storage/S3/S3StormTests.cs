using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>Whole backups over a server that behaves badly: they take longer, and nothing else.</summary>
[Trait("Run", "Long")]
public sealed class S3StormTests : ScriptedS3Test
{
    private const int Count = 3_000;

    [Fact]
    public async Task C4_a_backup_through_a_storm_of_slow_down_answers_is_complete()
    {
        // Two requests of three are sent away, whatever they ask for.
        var asked = 0;
        Server.On(_ => Interlocked.Increment(ref asked) % 3 != 0, ScriptedAnswer.Error(503, "SlowDown"), times: 60);

        await BacksUpAsync();

        Assert.Equal(60, Retries.Count);
        Assert.All(Retries, r => Assert.Contains("slow down", r.Error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task C4_a_backup_whose_connections_break_in_the_middle_of_parts_is_complete()
    {
        Server.On(r => r.IsPart, ScriptedAnswer.Reset(afterBodyBytes: PartSize / 2), times: 5);
        Server.On(r => r.IsPut, ScriptedAnswer.Reset(), times: 3);
        Server.On(r => r.IsComplete, ScriptedAnswer.Reset(), times: 2, afterTheWork: true);

        await BacksUpAsync();

        Assert.Equal(0, Server.Store.OpenUploads);
        Assert.True(Retries.Count >= 10, $"{Retries.Count} retries");
    }

    /// <summary>More than a part of data, of which every record must be there at the end.</summary>
    private async Task BacksUpAsync()
    {
        await using var scenario = new BackupScenario(store: Open());
        scenario.Cluster.CreateTopic("orders", 2);
        var noise = new Random(3);
        for (var partition = 0; partition < 2; partition++)
        {
            scenario.Cluster.Append(
                "orders",
                partition,
                Enumerable
                    .Range(0, Count)
                    .Select(i =>
                    {
                        var value = new byte[100];
                        noise.NextBytes(value);
                        return new KafkaBackup.LocalBroker.LocalRecord([(byte)i], value, 1_700_000_000_000 + i);
                    })
            );
        }

        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Complete, 2L * Count), (result.Status, result.RecordCount));
        await scenario.AssertStoredIsSourceAsync("orders");
        await scenario.AssertStoredIsSourceAsync("orders", 1);
        Assert.Contains(Server.Requests, r => r.IsPart);
    }
}
