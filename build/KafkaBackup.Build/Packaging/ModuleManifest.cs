using System.Text.RegularExpressions;

namespace KafkaBackup.Build.Packaging;

/// <summary>
/// What a package has to know of the psd1. Read as text: its values are plain quoted words, and a build must not need PowerShell.
/// </summary>
internal sealed partial record ModuleManifest(
    string Version,
    string Guid,
    string Author,
    string CompanyName,
    string Copyright,
    string Description,
    string LicenseUri,
    string ProjectUri,
    string ReleaseNotes,
    IReadOnlyList<string> Cmdlets,
    IReadOnlyList<string> Aliases,
    IReadOnlyList<string> Tags
)
{
    public static ModuleManifest Read(string file) => Parse(File.ReadAllText(file));

    public static ModuleManifest Parse(string text)
    {
        var values = Value()
            .Matches(text)
            .ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value.Replace("''", "'", StringComparison.Ordinal));
        return new(
            One("ModuleVersion"),
            One("GUID"),
            One("Author"),
            One("CompanyName"),
            One("Copyright"),
            One("Description"),
            One("LicenseUri"),
            One("ProjectUri"),
            One("ReleaseNotes"),
            Many("CmdletsToExport"),
            Many("AliasesToExport"),
            Many("Tags")
        );

        string One(string name) =>
            values.TryGetValue(name, out var value) ? value : throw new BuildStepException($"KafkaBackup.psd1 has no {name} = '...'");

        IReadOnlyList<string> Many(string name) =>
            Regex.Match(text, $@"(?m)^\s*{name}\s*=\s*@\(([^)]*)\)") is { Success: true } list
                ? [.. Quoted().Matches(list.Groups[1].Value).Select(match => match.Groups[1].Value)]
                : [];
    }

    [GeneratedRegex(@"(?m)^\s*(\w+)\s*=\s*'((?:[^']|'')*)'")]
    private static partial Regex Value();

    [GeneratedRegex("'([^']*)'")]
    private static partial Regex Quoted();
}
