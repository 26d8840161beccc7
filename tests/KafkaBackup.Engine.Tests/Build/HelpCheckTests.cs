using KafkaBackup.Build.Help;
using KafkaBackup.Build.Settings;

namespace KafkaBackup.Engine.Tests.Build;

public class HelpCheckTests
{
    private static readonly HelpPage Page = HelpPageReader.Read(SampleHelp.Page);

    [Fact]
    public void A_complete_page_has_no_complaints() => Assert.Empty(HelpCheck.Complaints([SampleHelp.Cmdlet], [Page]));

    [Fact]
    public void A_cmdlet_without_help_is_found() =>
        Assert.Equal(["Get-Sample has no help: write module/help/Get-Sample.md"], HelpCheck.Complaints([SampleHelp.Cmdlet], []));

    [Fact]
    public void Help_without_a_cmdlet_is_found() =>
        Assert.Equal(["help is there for Get-Sample, which is no cmdlet of the module"], HelpCheck.Complaints([], [Page]));

    [Fact]
    public void A_parameter_without_help_is_found() =>
        Assert.Equal(
            ["Get-Sample: parameter -Kind has no help"],
            HelpCheck.Complaints([SampleHelp.Cmdlet], [Page with { Parameters = [Page.Parameters[0]] }])
        );

    [Fact]
    public void A_parameter_with_an_empty_text_has_no_help() =>
        Assert.Equal(
            ["Get-Sample: parameter -Kind has no help"],
            HelpCheck.Complaints([SampleHelp.Cmdlet], [Page with { Parameters = [Page.Parameters[0], new HelpEntry("Kind", [])] }])
        );

    [Fact]
    public void Help_for_a_parameter_that_does_not_exist_is_found() =>
        Assert.Equal(
            ["Get-Sample: its help names -Colour, which is no parameter of it"],
            HelpCheck.Complaints(
                [SampleHelp.Cmdlet],
                [Page with { Parameters = [.. Page.Parameters, new HelpEntry("Colour", ["Red or blue."])] }]
            )
        );

    [Fact]
    public void WhatIf_may_be_described_only_where_it_exists()
    {
        var page = Page with { Parameters = [.. Page.Parameters, new HelpEntry("WhatIf", ["Only looks."])] };

        Assert.Empty(HelpCheck.Complaints([SampleHelp.Cmdlet], [page]));
        Assert.Single(HelpCheck.Complaints([SampleHelp.Cmdlet with { SupportsShouldProcess = false }], [page]));
    }

    [Fact]
    public void A_page_needs_a_synopsis_a_description_two_examples_and_its_outputs() =>
        Assert.Equal(4, HelpCheck.Complaints([SampleHelp.Cmdlet], [new HelpPage("Get-Sample") { Parameters = Page.Parameters }]).Count());

    [Fact]
    public void Every_mistake_is_told_at_once()
    {
        using var folder = new TemporaryFolder();
        folder.File("Get-Sample.md", "# Get-Sample\n## WRONG\ntext");
        folder.File("Set-Sample.md", "no title");

        var help = HelpFile.Build(folder.Path, SettingsTable.Read(""), BuildOutputs.ModuleAssembly);

        Assert.Contains(help.Complaints, complaint => complaint.Contains("Get-Sample.md: '## WRONG'", StringComparison.Ordinal));
        Assert.Contains(help.Complaints, complaint => complaint.Contains("Set-Sample.md: the page must begin", StringComparison.Ordinal));
        Assert.Contains("Start-KafkaBackup has no help: write module/help/Start-KafkaBackup.md", help.Complaints);
        Assert.DoesNotContain("<command:name>", help.Maml, StringComparison.Ordinal);
    }
}
