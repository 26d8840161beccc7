using KafkaBackup.Engine.Restore;
using KafkaBackup.Engine.Storage.Files;
using KafkaBackup.Testing;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>Files that a restore writes beside the store: they replace what they are meant to replace and touch nothing else.</summary>
public sealed class LocalFileTests
{
    [Fact]
    public async Task E3_links_and_files_beside_checkpoint_and_report_are_left_alone()
    {
        await using var scenario = await FaultTests.FilledAsync(10);
        var victim = Path.Combine(scenario.Folder, "victim");
        await File.WriteAllTextAsync(victim, "mine");
        File.CreateSymbolicLink(scenario.CheckpointPath + ".new", victim);
        await File.WriteAllTextAsync(scenario.ReportPath + ".new", "mine too");
        var before = Directory.GetFiles(scenario.Folder).Order().ToArray();

        await scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                CheckpointPath = scenario.CheckpointPath,
                OffsetReportPath = scenario.ReportPath,
            }
        );

        Assert.Equal("mine", await File.ReadAllTextAsync(victim));
        Assert.Equal("mine too", await File.ReadAllTextAsync(scenario.ReportPath + ".new"));
        Assert.Equal(victim, new FileInfo(scenario.CheckpointPath + ".new").LinkTarget);
        Assert.Equal(
            [.. before, scenario.ReportPath],
            Directory.GetFiles(scenario.Folder).Order().ToArray().OrderBy(f => f == scenario.ReportPath)
        );
    }

    [Fact]
    public void E3_a_link_at_the_place_itself_is_replaced_and_what_it_leads_to_is_not()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("victim"), "mine");
        File.CreateSymbolicLink(folder.File("report"), folder.File("victim"));

        LocalFile.RequireWritable(folder.File("report"));
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
        LocalFile.Replace(folder.File("report"), "ours"u8);

        Assert.Equal(("mine", "ours"), (File.ReadAllText(folder.File("victim")), File.ReadAllText(folder.File("report"))));
        Assert.Null(new FileInfo(folder.File("report")).LinkTarget);
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
    }

    [Fact]
    public void F4_saved_offsets_never_take_the_place_of_another_file()
    {
        using var folder = new TemporaryFolder();
        LocalFile.Create(folder.File("saved"), "first"u8);

        Assert.Throws<IOException>(() => LocalFile.Create(folder.File("saved"), "second"u8));

        Assert.Equal("first", File.ReadAllText(folder.File("saved")));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public async Task E3_an_edited_checkpoint_says_what_is_wrong_with_it()
    {
        await using var scenario = await FaultTests.FilledAsync(3000);
        var settings = RestoreScenario.Asked() with { CheckpointPath = scenario.CheckpointPath };
        await FaultTests.StopAtAsync(scenario, settings, 500);
        var text = await File.ReadAllTextAsync(scenario.CheckpointPath);
        var at = text.IndexOf("\"config_hash\": \"", StringComparison.Ordinal) + 16;
        await File.WriteAllTextAsync(scenario.CheckpointPath, text[..at] + "0000" + text[(at + 4)..]);

        var refused = await scenario.RefusedAsync(settings);

        Assert.Equal(ErrorIds.CheckpointDamaged, refused.Definition);
        Assert.Contains("config_hash", refused.Message, StringComparison.Ordinal);
    }
}
