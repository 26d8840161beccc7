using KafkaBackup.Build.Help;
using KafkaBackup.Build.Settings;
using KafkaBackup.Build.Staging;
using KafkaBackup.Engine.Configuration.Schema;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Tests.Build;

public class SettingsTableTests
{
    private const string Small = """
        # A remark.
        [restore: RestoreSettings, RestoreOptions, RestorePlanCmdlet; help of Restore-KafkaBackup, Test-KafkaRestore]
        restore.checkpoint_interval_secs | CheckpointInterval | -CheckpointInterval | seconds 1..604800 | 60
            Save the progress
            this often:

            - as a TimeSpan,
              for instance
            - as `30s`
        restore.rate | RecordsPerSecond | -RecordsPerSecond | whole 1..max | "no limit"

        [any]
        - | - | -RecordsPerSecond
            At most this many records.
        """;

    private static readonly SettingsTable Table = StageCommand.ReadSettings(BuildOutputs.RepositoryRoot);

    [Fact]
    public void Help_of_a_parameter_is_in_paragraphs_with_its_default() =>
        Assert.Equal(
            "Save the progress this often:\n\n- as a TimeSpan, for instance\n- as `30s`\n\nDefault: 60s.",
            SettingsTable.Read(Small).HelpOf("Restore-KafkaBackup", "CheckpointInterval")
        );

    [Fact]
    public void Help_that_several_jobs_share_comes_from_any_and_the_default_from_the_job()
    {
        var table = SettingsTable.Read(Small);
        Assert.Equal("At most this many records.\n\nDefault: no limit.", table.HelpOf("Test-KafkaRestore", "RecordsPerSecond"));
        Assert.Equal("At most this many records.", table.HelpOf("Start-KafkaBackup", "RecordsPerSecond"));
        Assert.Null(table.HelpOf("Start-KafkaBackup", "CheckpointInterval"));
    }

    [Theory]
    [InlineData("a | B", "line 1: a setting stands before the first [group]")]
    [InlineData("[g]\n    help", "line 2: help stands before the first setting")]
    [InlineData("[g]\na | b | c | d | e | f | g", "line 2: a setting has 6 columns at most")]
    public void A_mistake_in_the_table_names_its_line(string text, string message) =>
        Assert.EndsWith(message, Assert.Throws<FormatException>(() => SettingsTable.Read(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A1_every_key_of_a_job_is_a_row_and_every_row_with_a_key_is_read_from_files()
    {
        foreach (var (job, keys) in new[] { ("backup", ConfigSchema.Backup.Keys), ("restore", ConfigSchema.Restore.Keys) })
        {
            var known = keys.Select(key => key.Path).ToArray();
            var rows = Table.Groups.Single(group => group.Name == job).Settings.Where(row => row.Key.Length > 0).ToArray();
            Assert.All(rows, row => Assert.Contains(row.Key, known));
            Assert.Equal(
                known.Where(key => key.StartsWith($"{job}.", StringComparison.Ordinal)),
                rows.Where(row => !row.Has("own key")).Select(row => row.Key)
            );
        }
    }

    [Fact]
    public void Every_parameter_of_the_table_exists_and_no_page_repeats_its_help()
    {
        var cmdlets = CmdletReader.Read(BuildOutputs.ModuleAssembly);
        foreach (var group in Table.Groups)
        {
            foreach (var name in group.Settings.Select(setting => setting.Parameter).Where(name => name.Length > 0))
            {
                var owners = cmdlets.Where(cmdlet => cmdlet.AllParameters().Contains(name)).Select(cmdlet => cmdlet.Name).ToArray();
                Assert.True(owners.Length > 0, $"-{name} of [{group.Name}]");
                Assert.All(group.Pages, page => Assert.Contains(page, owners));
            }
        }

        foreach (var file in Directory.GetFiles(Path.Combine(BuildOutputs.RepositoryRoot, "module", "help"), "*.md"))
        {
            var page = HelpPageReader.Read(File.ReadAllText(file));
            Assert.All(
                page.Parameters,
                entry =>
                    Assert.NotEqual(
                        Table.HelpOf(page.Name, entry.Name) is { } text ? HelpPageReader.Paragraphs(text) : [],
                        entry.Text.ToArray()
                    )
            );
        }
    }

    [Fact]
    public void Q2_every_option_of_a_store_is_in_the_help()
    {
        var help = Table.HelpOf("Get-KafkaBackup", "StorageOption")!;
        foreach (var option in StoreBackends.Known.Options.Where(option => !option.Help.StartsWith("The same", StringComparison.Ordinal)))
            Assert.Contains($"`{option.Name}`", help, StringComparison.Ordinal);
        Assert.DoesNotContain("{", help, StringComparison.Ordinal);
    }
}
