using KafkaBackup.Build.Settings;

namespace KafkaBackup.Build.Help;

/// <summary>
/// Makes the module's help file from its pages and its compiled cmdlets, and refuses when the two do not tell the same story.
/// </summary>
/// <param name="Maml">The file's text.</param>
/// <param name="Complaints">What is wrong. Cmdlets that are complained of are left out of the file.</param>
internal sealed record HelpFile(string Maml, IReadOnlyList<string> Complaints)
{
    /// <param name="settings">The table that has the parameters which no page describes.</param>
    public static HelpFile Build(string pagesFolder, SettingsTable settings, string moduleAssembly)
    {
        var complaints = new List<string>();
        var pages = new List<HelpPage>();
        foreach (var file in PagesIn(pagesFolder))
        {
            try
            {
                pages.Add(HelpPageReader.Read(File.ReadAllText(file)));
            }
            catch (FormatException mistake)
            {
                complaints.Add($"{file}: {mistake.Message}");
            }
        }

        var cmdlets = CmdletReader.Read(moduleAssembly);
        pages = [.. pages.Select(page => Complete(page, cmdlets, settings))];
        complaints.AddRange(HelpCheck.Complaints(cmdlets, pages));
        var complete = cmdlets.Where(cmdlet => !HelpCheck.Complaints([cmdlet], [.. pages.Where(page => page.Name == cmdlet.Name)]).Any());
        return new(MamlWriter.Write(complete.Select(cmdlet => (cmdlet, pages.Single(page => page.Name == cmdlet.Name)))), complaints);
    }

    /// <summary>A page with the parameters of its cmdlet that only the table describes.</summary>
    public static HelpPage Complete(HelpPage page, IEnumerable<CmdletDescription> cmdlets, SettingsTable settings)
    {
        var missing = cmdlets
            .Where(cmdlet => cmdlet.Name == page.Name)
            .SelectMany(cmdlet => cmdlet.AllParameters())
            .Except(page.Parameters.Select(entry => entry.Name))
            .Select(name => (Name: name, Text: settings.HelpOf(page.Name, name)))
            .Where(parameter => parameter.Text is not null)
            .Select(parameter => new HelpEntry(parameter.Name, HelpPageReader.Paragraphs(parameter.Text!)));
        return page with { Parameters = [.. page.Parameters, .. missing] };
    }

    private static IEnumerable<string> PagesIn(string folder) =>
        Directory.Exists(folder) ? Directory.GetFiles(folder, "*.md").Order(StringComparer.Ordinal) : Enumerable.Empty<string>();
}
