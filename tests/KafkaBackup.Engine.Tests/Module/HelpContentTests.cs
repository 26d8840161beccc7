using Xunit;

namespace KafkaBackup.Engine.Tests.Module;

/// <summary>What help must say beyond being there; that every cmdlet and parameter has help, the build sees to.</summary>
public class HelpContentTests
{
    [Theory]
    [InlineData("Start-KafkaBackup")]
    [InlineData("Restore-KafkaBackup")]
    public void Long_running_cmdlets_say_that_they_block_and_show_Start_ThreadJob(string cmdlet)
    {
        var page = ModuleFiles.Help(cmdlet);
        Assert.Contains(page.Description, paragraph => paragraph.Contains("blocks", StringComparison.Ordinal));
        Assert.Contains(page.Examples, example => example.Code.Contains("Start-ThreadJob", StringComparison.Ordinal));
    }

    [Fact]
    public void E2_the_price_of_transactional_delivery_is_stated()
    {
        var notes = string.Join('\n', ModuleFiles.Help("Restore-KafkaBackup").Notes);
        foreach (var price in new[] { "markers take offsets", "read_uncommitted", "rights" })
            Assert.Contains(price, notes, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_example_of_every_page_runs_against_a_local_broker_as_it_is() =>
        Assert.All(
            ModuleFiles.Cmdlets,
            cmdlet =>
            {
                var code = ModuleFiles.Help(cmdlet.Name).Examples[0].Code;
                Assert.Contains(cmdlet.Name, code, StringComparison.Ordinal);
                Assert.DoesNotContain("kafka-1", code, StringComparison.Ordinal);
                Assert.DoesNotContain("-ConfigPath", code, StringComparison.Ordinal);
            }
        );

    [Fact]
    public void A5a_the_forms_of_times_are_named_where_a_time_is_taken() =>
        Assert.All(
            ModuleFiles.Cmdlets.SelectMany(cmdlet =>
                ModuleFiles.Help(cmdlet.Name).Parameters.Where(parameter => parameter.Name == "FromTime")
            ),
            parameter => Assert.Contains(parameter.Text, text => text.Contains("ISO 8601 with a zone", StringComparison.Ordinal))
        );
}
