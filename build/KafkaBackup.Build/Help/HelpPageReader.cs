using System.Text.RegularExpressions;

namespace KafkaBackup.Build.Help;

/// <summary>
/// Reads a cmdlet's page: "# Name", then SYNOPSIS, DESCRIPTION, EXAMPLES, PARAMETERS, INPUTS, OUTPUTS, NOTES and RELATED LINKS as
/// second-level headings. Any other second-level heading is an error: its text would reach nobody.
/// </summary>
internal static partial class HelpPageReader
{
    private static readonly string[] Sections =
    [
        "SYNOPSIS",
        "DESCRIPTION",
        "EXAMPLES",
        "PARAMETERS",
        "INPUTS",
        "OUTPUTS",
        "NOTES",
        "RELATED LINKS",
    ];

    public static HelpPage Read(string markdown)
    {
        var blocks = MarkdownBlocks.Read(markdown);
        if (blocks.Count == 0 || blocks[0] is not { Kind: BlockKind.Heading, Level: 1 } title)
            throw new FormatException("the page must begin with '# ' and the cmdlet's name");

        var sections = Split(blocks.Skip(1), level: 2).ToList();
        if (sections.FirstOrDefault(section => !Sections.Contains(section.Title)) is { } stray)
            throw new FormatException($"'## {stray.Title}' is none of {string.Join(", ", Sections)}");
        if (sections.GroupBy(section => section.Title).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new FormatException($"'## {twice.Key}' is there twice");

        return new HelpPage(title.Text)
        {
            Synopsis = Paragraphs(Section("SYNOPSIS")),
            Description = Paragraphs(Section("DESCRIPTION")),
            Examples = [.. Split(Section("EXAMPLES"), level: 3).Select(Example)],
            Parameters = Entries("PARAMETERS", name => name.TrimStart('-')),
            Inputs = Entries("INPUTS", name => name),
            Outputs = Entries("OUTPUTS", name => name),
            Notes = Paragraphs(Section("NOTES")),
            Links = [.. Section("RELATED LINKS").SelectMany(block => block.Text.Split('\n')).Select(Link)],
        };

        IReadOnlyList<MarkdownBlock> Section(string name) => sections.FirstOrDefault(section => section.Title == name)?.Blocks ?? [];

        IReadOnlyList<HelpEntry> Entries(string section, Func<string, string> name) =>
            [
                .. Split(Section(section), level: 3)
                    .Select(part => new HelpEntry(MarkdownBlocks.Plain(name(part.Title)), Paragraphs(part.Blocks))),
            ];
    }

    private static HelpExample Example(Part part)
    {
        var code = part.Blocks.ToList().FindIndex(block => block.Kind == BlockKind.Code);
        if (code < 0)
            throw new FormatException($"the example '{part.Title}' has no code");
        return new(part.Title, Paragraphs(part.Blocks.Take(code)), part.Blocks[code].Text, Paragraphs(part.Blocks.Skip(code + 1)));
    }

    private static HelpLink Link(string line)
    {
        var text = line.Trim().TrimStart('-', '*').Trim();
        return Address().Match(text) is { Success: true } address
            ? new(text[..address.Index].TrimEnd(' ', ':', '('), address.Value)
            : new(text, "");
    }

    public static IReadOnlyList<string> Paragraphs(string markdown) => Paragraphs(MarkdownBlocks.Read(markdown));

    /// <summary>Code inside a text keeps its lines, indented, so that it stays recognisable.</summary>
    private static IReadOnlyList<string> Paragraphs(IEnumerable<MarkdownBlock> blocks) =>
        [
            .. blocks.Select(block =>
                block.Kind == BlockKind.Code ? string.Join('\n', block.Text.Split('\n').Select(line => $"    {line}")) : block.Text
            ),
        ];

    private static IEnumerable<Part> Split(IEnumerable<MarkdownBlock> blocks, int level)
    {
        Part? current = null;
        foreach (var block in blocks)
        {
            if (block.Kind == BlockKind.Heading && block.Level == level)
            {
                if (current is not null)
                    yield return current;
                current = new(block.Text, []);
            }
            else if (current is null)
                throw new FormatException(
                    $"'{block.Text.Split('\n')[0]}' stands above the first {new string('#', level)} heading of its part"
                );
            else
                current.Blocks.Add(block);
        }

        if (current is not null)
            yield return current;
    }

    [GeneratedRegex(@"https?://[^\s)]+")]
    private static partial Regex Address();

    private sealed record Part(string Title, List<MarkdownBlock> Blocks);
}
