using System.Text.Json;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>The checkpoint: what it says, when it is refused, when it goes.</summary>
public sealed class CheckpointTests
{
    [Fact]
    public async Task E3_a_stopped_restore_leaves_a_checkpoint_inside_a_segment_and_goes_on_there()
    {
        await using var scenario = await FaultTests.FilledAsync(6000, segment: 2500);
        var settings = RestoreScenario.Asked() with { CheckpointPath = scenario.CheckpointPath };
        var stopped = await FaultTests.StopAtAsync(scenario, settings, 1500);

        using var checkpoint = JsonDocument.Parse(await File.ReadAllTextAsync(scenario.CheckpointPath));
        var root = checkpoint.RootElement;
        Assert.Equal("b", root.GetProperty("backup_id").GetString());
        Assert.Equal(stopped.RecordCount, root.GetProperty("records_restored").GetInt64());
        var under = root.GetProperty("segments_in_progress")
            .EnumerateArray()
            .Concat(root.GetProperty("segments_completed").EnumerateArray())
            .ToArray();
        Assert.NotEmpty(under);
        Assert.All(under, s => Assert.StartsWith("b/topics/", (s.ValueKind == JsonValueKind.Array ? s[0] : s).GetString()));
        Assert.All(["start_time", "last_checkpoint_time", "bytes_restored"], name => Assert.True(root.GetProperty(name).GetInt64() > 0));
        Assert.Equal(64, root.GetProperty("config_hash").GetString()!.Length);

        var resumed = await scenario.RestoredAsync(settings);
        Assert.Equal(
            (true, stopped.RecordCount, 6000 - stopped.RecordCount),
            (resumed.Resumed, resumed.RecordsSkippedOnResume, resumed.RecordCount)
        );
        Assert.Contains(scenario.Events.VerboseLines, l => l.Contains("records are there already", StringComparison.Ordinal));
        Assert.False(File.Exists(scenario.CheckpointPath));
        scenario.AssertEqual("orders");
        var range = Assert.Single(resumed.OffsetMapping.Single().Ranges);
        Assert.Equal((0L, 0L, 6000L), (range.SourceStart, range.TargetStart, range.Length));
    }

    [Fact]
    public async Task E3_a_checkpoint_of_other_settings_is_refused_with_the_keys_named()
    {
        await using var scenario = await FaultTests.FilledAsync(5000);
        var settings = RestoreScenario.Asked() with { CheckpointPath = scenario.CheckpointPath };
        await FaultTests.StopAtAsync(scenario, settings, 1000);

        var refused = await scenario.RefusedAsync(
            settings with
            {
                IncludeOriginalOffsetHeader = true,
                TimeWindowStart = 1_700_000_000_001,
            }
        );

        Assert.Equal(ErrorIds.CheckpointMismatch, refused.Definition);
        Assert.Contains("include_original_offset_header", refused.Message, StringComparison.Ordinal);
        Assert.Contains("time_window_start", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task E3_a_damaged_checkpoint_is_never_taken_for_none()
    {
        await using var scenario = await FaultTests.FilledAsync(10);
        await File.WriteAllTextAsync(scenario.CheckpointPath, "{\"version\": 1, \"back");

        Assert.Equal(
            ErrorIds.CheckpointDamaged,
            (await scenario.RefusedAsync(RestoreScenario.Asked() with { CheckpointPath = scenario.CheckpointPath })).Definition
        );
    }

    [Fact]
    public async Task E3_a_checkpoint_that_cannot_be_written_is_an_error_before_the_first_record()
    {
        await using var scenario = await FaultTests.FilledAsync(10);
        await File.WriteAllTextAsync(Path.Combine(scenario.Folder, "file"), "");

        var refused = await scenario.RefusedAsync(
            RestoreScenario.Asked() with
            {
                CheckpointPath = Path.Combine(scenario.Folder, "file", "checkpoint.json"),
            }
        );

        Assert.Equal(ErrorIds.CheckpointWrite, refused.Definition);
        Assert.Empty(scenario.Target.TopicNames);
    }

    [Fact]
    public async Task E7_an_offset_report_that_cannot_be_written_is_an_error_before_the_first_topic()
    {
        await using var scenario = await FaultTests.FilledAsync(10);

        var refused = await scenario.RefusedAsync(RestoreScenario.Asked() with { OffsetReportPath = scenario.Folder });

        Assert.Equal(ErrorIds.StoreWrite, refused.Definition);
        Assert.Contains("-OffsetReportPath", refused.Advice, StringComparison.Ordinal);
        Assert.Empty(scenario.Target.TopicNames);
    }

    [Fact]
    public async Task E3_a_full_disk_under_the_checkpoint_stops_the_restore_and_a_resume_is_exact()
    {
        await using var scenario = await FaultTests.FilledAsync(6000);
        var settings = RestoreScenario.Asked() with
        {
            CheckpointPath = scenario.CheckpointPath,
            CheckpointInterval = TimeSpan.FromMilliseconds(100),
        };
        var running = scenario.RestoreAsync(settings with { RecordsPerSecond = 1500 });
        await FaultTests.ReachedAsync(scenario, 1000);

        // Where the next version goes there is something that cannot be replaced.
        var last = Array.Empty<byte>();
        await scenario.Source.WaitAsync(() => TryBlock(scenario.CheckpointPath, ref last), "the file's absence");
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => running);
        Assert.Equal(ErrorIds.CheckpointWrite, error.Definition);

        Directory.Delete(scenario.CheckpointPath);
        await File.WriteAllBytesAsync(scenario.CheckpointPath, last);
        await scenario.RestoredAsync(settings);
        scenario.AssertEqual("orders");
    }

    [Fact]
    public async Task E3_a_target_that_was_emptied_between_two_runs_is_noticed()
    {
        await using var scenario = await FaultTests.FilledAsync(5000);
        var settings = RestoreScenario.Asked() with { CheckpointPath = scenario.CheckpointPath };
        await FaultTests.StopAtAsync(scenario, settings, 1000);
        scenario.Target.RecreateTopic("orders");
        scenario.Target.Append("orders", 0, LocalRecord.Of("a", "b"));

        var result = await scenario.RestoreAsync(settings);

        Assert.Equal((RestoreStatus.Failed, nameof(ErrorIds.TargetChanged)), (result.Status, result.Partitions.Single().ErrorId));
    }

    private static bool TryBlock(string path, ref byte[] last)
    {
        try
        {
            last = File.ReadAllBytes(path);
            File.Delete(path);
            Directory.CreateDirectory(path);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
