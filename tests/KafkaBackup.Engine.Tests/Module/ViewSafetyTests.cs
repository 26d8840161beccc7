using System.Text.RegularExpressions;
using System.Xml.Linq;
using KafkaBackup.Engine.Tests.Build;
using KafkaBackup.Formatting;

namespace KafkaBackup.Engine.Tests.Module;

/// <summary>Names, keys and values come from others: a terminal must show them and not carry them out.</summary>
public sealed class ViewSafetyTests
{
    private static readonly Type[] Safe =
    [
        typeof(int),
        typeof(long),
        typeof(double),
        typeof(bool),
        typeof(DateTimeOffset),
        typeof(TimeSpan),
    ];

    [Theory]
    [InlineData("\u001b[31mred\u001b[0m", ".[31mred.[0m")]
    [InlineData("\u001b]0;title\u0007", ".]0;title.")]
    [InlineData("\u009b31m", ".31m")]
    [InlineData("a\rb\nc\td\u0008", "a.b.c.d.")]
    [InlineData("txt.\u202Egpj", "txt..gpj")]
    [InlineData("a\u2028b\u2029c\u2066d\u200Fe\u061Cf", "a.b.c.d.e.f")]
    [InlineData("Grüße, 世界 \U0001F600 e\u0301", "Grüße, 世界 \U0001F600 e\u0301")]
    public void H3_what_a_terminal_would_carry_out_is_shown_as_dots(string text, string shown)
    {
        Assert.Equal(shown, Display.Text(text));
        Assert.Equal(shown, Display.Content(text));
    }

    [Fact]
    public void H3_a_message_keeps_its_lines_and_nothing_else()
    {
        Assert.Equal("a\nb\r\nc.d.e", Display.Message("a\nb\r\nc\rd\u001be"));
        Assert.Equal(".a\n..b", Display.Lines(new[] { "\u001ba", "\n\rb" }));
        Assert.Equal(
            "Error: p.: m. a.",
            Display.Findings([new Finding(FindingSeverity.Error, FindingKind.Gap, "p\u001b", "m\n", "a\u0007")])
        );
        Assert.Equal(
            ("none", "none", "", ""),
            (Display.Findings([]), Display.Lines(Array.Empty<string>(), "none"), Display.Lines(null), Display.Text(null))
        );
    }

    [Fact]
    public void H3_every_text_in_a_view_goes_through_Display()
    {
        var unsafeItems = XDocument
            .Parse(ModuleFiles.Views)
            .Descendants("View")
            .SelectMany(view =>
            {
                var name = view.Descendants("TypeName").Single().Value.Split('#')[0];
                var type = typeof(Finding).Assembly.GetType(name) ?? throw new InvalidOperationException(name);
                return view.Descendants()
                    .Where(e => e.Name.LocalName is "TableColumnItem" or "ListItem")
                    .Where(item => !IsSafe(item, type))
                    .Select(item => $"{name}: {item.Value}");
            });

        Assert.Empty(unsafeItems);
    }

    [Fact]
    public void H3_every_type_with_text_that_is_shown_by_itself_has_a_view()
    {
        var types = XDocument.Load(Path.Combine(BuildOutputs.RepositoryRoot, "module", "KafkaBackup.types.ps1xml"));
        var texts = types
            .Descendants("Type")
            .SelectMany(t =>
            {
                var type = typeof(Finding).Assembly.GetType(t.Element("Name")!.Value)!;
                return t.Descendants("ReferencedProperties")
                    .Elements("Name")
                    .Where(p => !IsSafe(type.GetProperty(p.Value)!.PropertyType))
                    .Select(p => $"{type.Name}.{p.Value}");
            });

        Assert.Empty(texts);
    }

    private static bool IsSafe(XElement item, Type type)
    {
        if (item.Element("PropertyName") is { } property)
        {
            return IsSafe(
                (type.GetProperty(property.Value) ?? throw new InvalidOperationException($"{type.Name}.{property.Value}")).PropertyType
            );
        }

        // What a script uses outside Display must be numbers and the like.
        var script = Regex.Replace(
            item.Element("ScriptBlock")!.Value,
            @"\[KafkaBackup\.Formatting\.Display\]::\w+\((?>[^()]|(?<open>\()|(?<-open>\)))*(?(open)(?!))\)",
            ""
        );
        return Regex
            .Matches(script, @"\$_\.(\w+)(\.Count\b)?")
            .All(used =>
                used.Groups[2].Success
                || used.Groups[1].Value is "TargetTopic" or "Sample" or "Ranges"
                || IsSafe(type.GetProperty(used.Groups[1].Value)!.PropertyType)
            );
    }

    private static bool IsSafe(Type type)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain.IsEnum || Safe.Contains(plain);
    }
}
