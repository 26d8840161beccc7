using System.Xml.Linq;
using KafkaBackup.Build.Help;

namespace KafkaBackup.Engine.Tests.Build;

public class MamlTests
{
    private static readonly XElement Help = XDocument
        .Parse(MamlWriter.Write([(SampleHelp.Cmdlet, HelpPageReader.Read(SampleHelp.Page))]))
        .Root!;

    [Fact]
    public void Syntax_puts_positional_parameters_first()
    {
        var names = Parameters("syntaxItem").Select(Name);
        Assert.Equal(["Path", "Kind", "WhatIf", "Confirm"], names);
    }

    [Fact]
    public void A_parameter_tells_how_it_is_given()
    {
        var path = Parameters("parameters").Single(parameter => Name(parameter) == "Path");

        Assert.Equal("true", (string?)path.Attribute("required"));
        Assert.Equal("0", (string?)path.Attribute("position"));
        Assert.Equal("true (ByValue, ByPropertyName)", (string?)path.Attribute("pipelineInput"));
        Assert.Equal("PSPath, Folder", (string?)path.Attribute("aliases"));
        Assert.Equal("true", (string?)path.Attribute("globbing"));
        Assert.Equal("String[]", Value(path, "parameterValue"));
    }

    [Fact]
    public void An_enumeration_shows_its_values_in_the_syntax()
    {
        var kind = Parameters("syntaxItem").Single(parameter => Name(parameter) == "Kind");
        Assert.Equal(["New", "Old"], Descendants(kind, "parameterValue").Select(value => value.Value));
    }

    [Fact]
    public void A_default_fills_its_own_column_and_leaves_the_text()
    {
        var kind = Parameters("parameters").Single(parameter => Name(parameter) == "Kind");

        Assert.Equal("New", Value(kind, "defaultValue"));
        Assert.Equal(["Which ones."], Descendants(kind, "para").Select(text => text.Value));
    }

    [Fact]
    public void Code_is_kept_to_the_letter() =>
        Assert.Equal(
            ["Get-Sample -Path ./backups |\n    Format-Table", "Get-Sample ./backups -Kind Old <now> & 'then'"],
            Descendants(Help, "code").Select(code => code.Value)
        );

    [Fact]
    public void A_parameter_is_shown_only_in_the_sets_that_it_belongs_to()
    {
        var cmdlet = new CmdletDescription(
            "Get",
            "Sample",
            [
                new("First", "Int32", [new("Ends", false, null, false, false, false)]),
                new("Key", "String", [new("Keys", true, 1, false, false, false)]),
                new("Path", "String", [new(ParameterBinding.AllSets, false, 0, false, false, false)]),
            ]
        )
        {
            DefaultParameterSet = "Keys",
        };
        var page = new HelpPage("Get-Sample") { Parameters = [new("First", ["a"]), new("Key", ["b"]), new("Path", ["c"])] };

        var items = Descendants(XDocument.Parse(MamlWriter.Write([(cmdlet, page)])).Root!, "syntaxItem");

        Assert.Equal(["Path Key", "Path First"], items.Select(item => string.Join(' ', Descendants(item, "parameter").Select(Name))));
    }

    private static IEnumerable<XElement> Parameters(string parent) => Descendants(Descendants(Help, parent).Single(), "parameter");

    private static string Name(XElement parameter) => Value(parameter, "name");

    private static string Value(XElement element, string name) => element.Elements().First(child => child.Name.LocalName == name).Value;

    private static IEnumerable<XElement> Descendants(XElement element, string name) =>
        element.Descendants().Where(child => child.Name.LocalName == name);
}
