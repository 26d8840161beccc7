using KafkaBackup.Build.Help;

namespace KafkaBackup.Engine.Tests.Build;

public class HelpPageTests
{
    [Fact]
    public void Every_part_of_a_page_is_read()
    {
        var page = HelpPageReader.Read(SampleHelp.Page);

        Assert.Equal("Get-Sample", page.Name);
        Assert.Equal(["Gets samples."], page.Synopsis);
        Assert.Equal(["Gets samples from a store. Several lines are one text.", "- first item\n- second item"], page.Description);
        Assert.Equal(["Path", "Kind"], page.Parameters.Select(parameter => parameter.Name));
        Assert.Equal(["System.String"], page.Inputs.Select(input => input.Name));
        Assert.Equal(["KafkaBackup.Sample"], page.Outputs.Select(output => output.Name));
        Assert.Equal(["Costs nothing."], page.Notes);
        Assert.Equal([new HelpLink("Set-Sample", ""), new HelpLink("Apache Kafka", "https://kafka.apache.org")], page.Links);
    }

    [Fact]
    public void An_example_keeps_what_stands_above_and_below_its_code()
    {
        var example = HelpPageReader.Read(SampleHelp.Page).Examples[0];

        Assert.Equal("All samples", example.Title);
        Assert.Equal(["Look around first."], example.Before);
        Assert.Equal("Get-Sample -Path ./backups |\n    Format-Table", example.Code);
        Assert.Equal(["Shows a table.", "    it also shows\n      how it looks"], example.After);
    }

    [Theory]
    [InlineData("a `code span` and **strong** words", "a code span and strong words")]
    [InlineData("see [the docs](https://example.org/x)", "see the docs (https://example.org/x)")]
    [InlineData("see [Get-Sample](Get-Sample.md)", "see Get-Sample")]
    [InlineData("a*b and 2 * 3 * 4 and $env:X_Y", "a*b and 2 * 3 * 4 and $env:X_Y")]
    public void Marks_of_markdown_do_not_reach_the_console(string markdown, string plain) =>
        Assert.Equal(plain, MarkdownBlocks.Plain(markdown));

    [Theory]
    [InlineData("## SYNOPSIS\nNo title.", "must begin with '# '")]
    [InlineData("# X\n## SYNOPSYS\ntext", "'## SYNOPSYS' is none of")]
    [InlineData("# X\n## NOTES\na\n## NOTES\nb", "'## NOTES' is there twice")]
    [InlineData("# X\ntext in the air\n## NOTES\na", "stands above the first ##")]
    [InlineData("# X\n## EXAMPLES\n### One\nonly words", "the example 'One' has no code")]
    [InlineData("# X\n## EXAMPLES\n### One\n```powershell\nGet-X", "never closed")]
    public void Text_that_would_reach_nobody_is_refused(string markdown, string message)
    {
        var mistake = Assert.Throws<FormatException>(() => HelpPageReader.Read(markdown));
        Assert.Contains(message, mistake.Message, StringComparison.Ordinal);
    }
}
