namespace KafkaBackup.Build.Help;

/// <summary>One cmdlet's help as its author wrote it. Texts are paragraphs, plain: the marks of Markdown are gone.</summary>
internal sealed record HelpPage(string Name)
{
    public IReadOnlyList<string> Synopsis { get; init; } = [];

    public IReadOnlyList<string> Description { get; init; } = [];

    public IReadOnlyList<HelpExample> Examples { get; init; } = [];

    public IReadOnlyList<HelpEntry> Parameters { get; init; } = [];

    public IReadOnlyList<HelpEntry> Inputs { get; init; } = [];

    public IReadOnlyList<HelpEntry> Outputs { get; init; } = [];

    public IReadOnlyList<string> Notes { get; init; } = [];

    public IReadOnlyList<HelpLink> Links { get; init; } = [];
}

/// <param name="Code">The first fenced block.</param>
/// <param name="Before">What stands above it.</param>
/// <param name="After">What stands below it, later blocks included.</param>
internal sealed record HelpExample(string Title, IReadOnlyList<string> Before, string Code, IReadOnlyList<string> After);

/// <summary>A heading of its own with a text: a parameter, an input, an output.</summary>
internal sealed record HelpEntry(string Name, IReadOnlyList<string> Text);

internal sealed record HelpLink(string Text, string Address);
