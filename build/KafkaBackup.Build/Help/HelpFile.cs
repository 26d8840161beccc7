namespace KafkaBackup.Build.Help;

/// <summary>
/// Makes the module's help file from its pages and its compiled cmdlets, and refuses when the two do not tell the same story.
/// </summary>
/// <param name="Maml">The file's text.</param>
/// <param name="Complaints">What is wrong. Cmdlets that are complained of are left out of the file.</param>
internal sealed record HelpFile(string Maml, IReadOnlyList<string> Complaints)
{
    public static HelpFile Build(string pagesFolder, string moduleAssembly)
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
        complaints.AddRange(HelpCheck.Complaints(cmdlets, pages));
        var complete = cmdlets.Where(cmdlet => !HelpCheck.Complaints([cmdlet], [.. pages.Where(page => page.Name == cmdlet.Name)]).Any());
        return new(MamlWriter.Write(complete.Select(cmdlet => (cmdlet, pages.Single(page => page.Name == cmdlet.Name)))), complaints);
    }

    private static IEnumerable<string> PagesIn(string folder) =>
        Directory.Exists(folder) ? Directory.GetFiles(folder, "*.md").Order(StringComparer.Ordinal) : Enumerable.Empty<string>();
}
