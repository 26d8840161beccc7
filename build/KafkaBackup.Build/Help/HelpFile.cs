namespace KafkaBackup.Build.Help;

/// <summary>Makes the module's help file from its pages and its compiled cmdlets, and refuses when the two do not tell the same story.</summary>
internal static class HelpFile
{
    public static string Build(string pagesFolder, string moduleAssembly)
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
        if (complaints.Count == 0)
            complaints.AddRange(HelpCheck.Complaints(cmdlets, pages));
        return complaints.Count == 0
            ? MamlWriter.Write(cmdlets.Select(cmdlet => (cmdlet, pages.Single(page => page.Name == cmdlet.Name))))
            : throw new BuildStepException([.. complaints]);
    }

    private static IEnumerable<string> PagesIn(string folder) =>
        Directory.Exists(folder) ? Directory.GetFiles(folder, "*.md").Order(StringComparer.Ordinal) : Enumerable.Empty<string>();
}
