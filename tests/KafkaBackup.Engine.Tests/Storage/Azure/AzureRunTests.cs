using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.Engine.Tests.Restore;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing.Azure;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.Azure;

/// <summary>Whole runs over a blob service that behaves badly, or whose objects were archived.</summary>
[Trait("Run", "Long")]
public sealed class AzureRunTests : ScriptedBlobTest
{
    private const int Count = 3_000;

    [Fact]
    public async Task C4_a_backup_through_a_storm_of_busy_answers_and_broken_lines_is_complete()
    {
        await using var scenario = new BackupScenario(store: Open());
        Fill(scenario);
        var asked = 0;
        Server.On(_ => Interlocked.Increment(ref asked) % 3 != 0, TinyBlobs.Error(503, "ServerBusy"), times: 40);
        Server.On(IsBlock, ScriptedAnswer.Reset(afterBodyBytes: BlockSize / 2), times: 3);
        Server.On(IsPut, ScriptedAnswer.Reset(), times: 2);
        Server.On(IsPut, ScriptedAnswer.Reset(), times: 2, afterTheWork: true);
        Server.On(IsCommit, ScriptedAnswer.Reset(), times: 1, afterTheWork: true);

        var result = await scenario.BackUpAsync();

        Assert.Equal((BackupStatus.Complete, (long)Count), (result.Status, result.RecordCount));
        await scenario.AssertStoredIsSourceAsync("orders");
        Assert.Equal(0, Server.Store.KeysWithBlocks);
        Assert.Contains(Server.Requests, IsBlock);
    }

    [Fact]
    public async Task Q1_archived_segments_are_found_by_the_plan_and_the_check_before_anything_is_written()
    {
        await using var scenario = new RestoreScenario(store: Open());
        Fill(scenario.Source);
        await scenario.Source.BackUpAsync();
        var segments = (await scenario.Source.KeysAsync()).Where(key => key.EndsWith(".kbs", StringComparison.Ordinal)).ToArray();
        foreach (var key in segments)
        {
            Server.Store.Archived.Add($"backups/{key}");
        }

        var report = await scenario.ReportAsync();

        var found = report.Findings.Where(f => f.Kind == FindingKind.Archived).ToArray();
        Assert.Equal(segments.Order(), found.Select(f => f.Place).Order());
        Assert.All(found, f => Assert.Contains("rehydrate", f.Advice, StringComparison.Ordinal));
        Assert.Equal(ReportStatus.Invalid, report.Status);
        await scenario.RefusedAsync();
        Assert.DoesNotContain(Server.Requests, r => r.Method == "GET" && segments.Any(s => r.Path.EndsWith(s, StringComparison.Ordinal)));
    }

    /// <summary>More than a block of data.</summary>
    private static void Fill(BackupScenario scenario)
    {
        var noise = new Random(3);
        byte[] Value(int length)
        {
            var value = new byte[length];
            noise.NextBytes(value);
            return value;
        }

        scenario.Cluster.CreateTopic("orders");
        scenario.Cluster.Append(
            "orders",
            0,
            Enumerable.Range(0, Count).Select(i => new LocalRecord([(byte)i], Value(100), 1_700_000_000_000 + i))
        );
    }
}
