using System.Text;
using System.Text.RegularExpressions;

namespace KafkaBackup.Build.Help;

/// <summary>Cuts Markdown into headings, fenced code and paragraphs: as much of the language as our help uses.</summary>
internal static partial class MarkdownBlocks
{
    public static IReadOnlyList<MarkdownBlock> Read(string markdown)
    {
        var blocks = new List<MarkdownBlock>();
        var paragraph = new StringBuilder();
        List<string>? code = null;
        foreach (var line in markdown.ReplaceLineEndings("\n").Split('\n'))
        {
            if (line.TrimStart().StartsWith("```", StringComparison.Ordinal))
            {
                EndParagraph();
                if (code is not null)
                    blocks.Add(new(BlockKind.Code, 0, string.Join('\n', code)));
                code = code is null ? [] : null;
            }
            else if (code is not null)
                code.Add(line);
            else if (Heading().Match(line) is { Success: true } heading)
            {
                EndParagraph();
                blocks.Add(new(BlockKind.Heading, heading.Groups[1].Length, heading.Groups[2].Value.Trim()));
            }
            else if (string.IsNullOrWhiteSpace(line))
                EndParagraph();
            else
                Continue(line);
        }

        if (code is not null)
            throw new FormatException("a block of code is never closed: ``` is missing at its end");
        EndParagraph();
        return blocks;

        void Continue(string line)
        {
            // Items of a list and rows of a table keep their lines; anything else is one flowing text.
            var ownLine = ListItemOrRow().IsMatch(line);
            if (paragraph.Length > 0)
                paragraph.Append(ownLine ? '\n' : ' ');
            paragraph.Append(ownLine ? line.TrimEnd() : line.Trim());
        }

        void EndParagraph()
        {
            if (paragraph.Length > 0)
                blocks.Add(new(BlockKind.Paragraph, 0, Plain(paragraph.ToString())));
            paragraph.Clear();
        }
    }

    /// <summary>Text as a console shows it: no emphasis, no back-ticks, links with their address behind them.</summary>
    public static string Plain(string text)
    {
        var plain = Link()
            .Replace(
                text,
                match =>
                    match.Groups[2].Value.Length == 0 || match.Groups[2].Value.EndsWith(".md", StringComparison.Ordinal)
                        ? match.Groups[1].Value
                        : $"{match.Groups[1].Value} ({match.Groups[2].Value})"
            );
        plain = Emphasis().Replace(plain, "$1");
        return CodeSpan().Replace(plain, "$1");
    }

    [GeneratedRegex(@"^(#{1,6})\s+(.+)$")]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\s*([-*]\s|\d+\.\s|\|)")]
    private static partial Regex ListItemOrRow();

    [GeneratedRegex(@"\[([^\]]+)\]\(([^)]*)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\*\*(.+?)\*\*")]
    private static partial Regex Emphasis();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex CodeSpan();
}

internal enum BlockKind
{
    Heading,
    Paragraph,
    Code,
}

internal sealed record MarkdownBlock(BlockKind Kind, int Level, string Text);
