using System.Globalization;
using System.Xml.Linq;

namespace KafkaBackup.Build.Help;

/// <summary>Writes pages and cmdlets in MAML, the XML that Get-Help reads.</summary>
internal static class MamlWriter
{
    private static readonly XNamespace Maml = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace Command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace Dev = "http://schemas.microsoft.com/maml/dev/2004/10";
    private static readonly XNamespace Shell = "http://msh";

    public static string Write(IEnumerable<(CmdletDescription Cmdlet, HelpPage Page)> help)
    {
        var root = new XElement(
            Shell + "helpItems",
            new XAttribute("schema", "maml"),
            help.Select(item => CommandHelp(item.Cmdlet, item.Page))
        );
        return $"""<?xml version="1.0" encoding="utf-8"?>{"\n"}{root}{"\n"}""".ReplaceLineEndings("\n");
    }

    private static XElement CommandHelp(CmdletDescription cmdlet, HelpPage page)
    {
        var parameters = InPageOrder(cmdlet, page);
        return new XElement(
            Command + "command",
            new XAttribute(XNamespace.Xmlns + "maml", Maml),
            new XAttribute(XNamespace.Xmlns + "command", Command),
            new XAttribute(XNamespace.Xmlns + "dev", Dev),
            new XElement(
                Command + "details",
                new XElement(Command + "name", cmdlet.Name),
                new XElement(Command + "verb", cmdlet.Verb),
                new XElement(Command + "noun", cmdlet.Noun),
                new XElement(Maml + "description", Paragraphs(page.Synopsis))
            ),
            new XElement(Maml + "description", Paragraphs(page.Description)),
            new XElement(Command + "syntax", cmdlet.ParameterSets().Select(set => SyntaxItem(cmdlet, set, parameters))),
            new XElement(
                Command + "parameters",
                parameters.Select(parameter =>
                    Parameter(parameter.Parameter, parameter.Parameter.Bindings[0], parameter.Text, inSyntax: false)
                )
            ),
            new XElement(Command + "inputTypes", Types(page.Inputs, Command + "inputType")),
            new XElement(Command + "returnValues", Types(page.Outputs, Command + "returnValue")),
            new XElement(Maml + "alertSet", new XElement(Maml + "alert", Paragraphs(Notes(cmdlet, page)))),
            new XElement(Command + "examples", page.Examples.Select(Example)),
            new XElement(Command + "relatedLinks", page.Links.Select(Link))
        );
    }

    private static IEnumerable<string> Notes(CmdletDescription cmdlet, HelpPage page) =>
        cmdlet.Aliases.Count == 0 ? page.Notes : page.Notes.Append($"Also known as {string.Join(", ", cmdlet.Aliases)}.");

    private static List<(ParameterDescription Parameter, IReadOnlyList<string> Text)> InPageOrder(CmdletDescription cmdlet, HelpPage page)
    {
        var all = cmdlet.SupportsShouldProcess
            ? cmdlet.Parameters.Concat(ShouldProcessParameters.All.Where(common => cmdlet.Parameters.All(own => own.Name != common.Name)))
            : cmdlet.Parameters;
        var entries = page.Parameters.Concat(ShouldProcessParameters.Texts).ToList();
        return
        [
            .. all.Select(parameter => (Parameter: parameter, Place: entries.FindIndex(entry => entry.Name == parameter.Name)))
                .OrderBy(item => item.Place)
                .Select(item => (item.Parameter, entries[item.Place].Text)),
        ];
    }

    private static XElement SyntaxItem(
        CmdletDescription cmdlet,
        string set,
        IEnumerable<(ParameterDescription Parameter, IReadOnlyList<string> Text)> parameters
    ) =>
        new(
            Command + "syntaxItem",
            new XElement(Maml + "name", cmdlet.Name),
            parameters
                .Select(item => (item.Parameter, item.Text, Binding: item.Parameter.In(set)))
                .Where(item => item.Binding is not null)
                .OrderBy(item => item.Binding!.Position ?? int.MaxValue)
                .ThenByDescending(item => item.Binding!.Mandatory)
                .Select(item => Parameter(item.Parameter, item.Binding!, item.Text, inSyntax: true))
        );

    private static XElement Parameter(ParameterDescription parameter, ParameterBinding binding, IReadOnlyList<string> text, bool inSyntax)
    {
        var isArray = parameter.Type.EndsWith("[]", StringComparison.Ordinal);
        var element = new XElement(
            Command + "parameter",
            new XAttribute("required", Bool(binding.Mandatory)),
            new XAttribute("variableLength", Bool(isArray)),
            new XAttribute("globbing", Bool(parameter.SupportsWildcards)),
            new XAttribute("pipelineInput", binding.Pipeline),
            new XAttribute("position", binding.Position?.ToString(CultureInfo.InvariantCulture) ?? "named"),
            new XAttribute("aliases", parameter.Aliases.Count == 0 ? "none" : string.Join(", ", parameter.Aliases)),
            new XElement(Maml + "name", parameter.Name),
            new XElement(Maml + "description", Paragraphs(text.Where(paragraph => DefaultIn(paragraph) is null)))
        );
        if (inSyntax && parameter.Values.Count > 0)
        {
            element.Add(
                new XElement(
                    Command + "parameterValueGroup",
                    parameter.Values.Select(value => new XElement(
                        Command + "parameterValue",
                        new XAttribute("required", "false"),
                        new XAttribute("variableLength", "false"),
                        value
                    ))
                )
            );
        }

        // A switch is given without a value: with this element Get-Help's syntax would ask for one.
        if (!(inSyntax && (parameter.IsSwitch || parameter.Values.Count > 0)))
            element.Add(
                new XElement(
                    Command + "parameterValue",
                    new XAttribute("required", Bool(!parameter.IsSwitch)),
                    new XAttribute("variableLength", Bool(isArray)),
                    parameter.Type
                )
            );
        element.Add(
            new XElement(Dev + "type", new XElement(Maml + "name", parameter.Type), new XElement(Maml + "uri")),
            new XElement(
                Dev + "defaultValue",
                text.Select(DefaultIn).FirstOrDefault(value => value is not null) ?? (parameter.IsSwitch ? "False" : "None")
            )
        );
        return element;
    }

    /// <summary>A paragraph "Default: VALUE." of its own fills Get-Help's column of that name.</summary>
    private static string? DefaultIn(string paragraph) =>
        paragraph.StartsWith("Default: ", StringComparison.Ordinal) && !paragraph.Contains('\n', StringComparison.Ordinal)
            ? paragraph["Default: ".Length..].TrimEnd('.')
            : null;

    private static IEnumerable<XElement> Types(IEnumerable<HelpEntry> entries, XName name) =>
        entries.Select(entry => new XElement(
            name,
            new XElement(Dev + "type", new XElement(Maml + "name", entry.Name), new XElement(Maml + "uri")),
            new XElement(Maml + "description", Paragraphs(entry.Text))
        ));

    /// <summary>
    /// Get-Help puts no line between an introduction and the code, nor between two examples: the ends of both bring their own.
    /// </summary>
    private static XElement Example(HelpExample example, int index) =>
        new(
            Command + "example",
            new XElement(Maml + "title", $"---------- Example {index + 1}: {example.Title} ----------"),
            new XElement(Maml + "introduction", Paragraphs(example.Before.Select(text => text + "\n\n"))),
            new XElement(Dev + "code", example.Code),
            new XElement(Dev + "remarks", Paragraphs(example.After.Append("")))
        );

    private static XElement Link(HelpLink link) =>
        new(Maml + "navigationLink", new XElement(Maml + "linkText", link.Text), new XElement(Maml + "uri", link.Address));

    private static IEnumerable<XElement> Paragraphs(IEnumerable<string> paragraphs) =>
        paragraphs.Select(paragraph => new XElement(Maml + "para", paragraph));

    private static string Bool(bool value) => value ? "true" : "false";
}
