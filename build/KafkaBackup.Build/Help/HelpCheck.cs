namespace KafkaBackup.Build.Help;

/// <summary>What is missing from the help, and what it tells of things that do not exist.</summary>
internal static class HelpCheck
{
    public static IEnumerable<string> Complaints(IReadOnlyList<CmdletDescription> cmdlets, IReadOnlyList<HelpPage> pages)
    {
        foreach (var stray in pages.Where(page => cmdlets.All(cmdlet => cmdlet.Name != page.Name)))
            yield return $"help is there for {stray.Name}, which is no cmdlet of the module";
        foreach (var cmdlet in cmdlets)
        {
            var own = pages.Where(page => page.Name == cmdlet.Name).ToList();
            if (own.Count == 1)
            {
                foreach (var complaint in Complaints(cmdlet, own[0]))
                    yield return $"{cmdlet.Name}: {complaint}";
            }
            else
                yield return own.Count == 0
                    ? $"{cmdlet.Name} has no help: write module/help/{cmdlet.Name}.md"
                    : $"{cmdlet.Name} has {own.Count} help pages";
        }
    }

    private static IEnumerable<string> Complaints(CmdletDescription cmdlet, HelpPage page)
    {
        if (page.Synopsis.Count == 0)
            yield return "its help has no SYNOPSIS";
        if (page.Description.Count == 0)
            yield return "its help has no DESCRIPTION";
        if (page.Examples.Count < 2)
            yield return $"its help needs at least two examples and has {page.Examples.Count}";
        if (page.Outputs.Count == 0 && cmdlet.OutputTypes.Count > 0)
            yield return "its help has no OUTPUTS";

        foreach (var parameter in cmdlet.Parameters)
        {
            var entries = page.Parameters.Where(entry => entry.Name == parameter.Name).ToList();
            if (entries.Count == 0 || entries[0].Text.Count == 0)
                yield return $"parameter -{parameter.Name} has no help";
            else if (entries.Count > 1)
                yield return $"parameter -{parameter.Name} has help twice";
        }

        foreach (var entry in page.Parameters.Where(entry => !Exists(cmdlet, entry.Name)))
            yield return $"its help names -{entry.Name}, which is no parameter of it";
    }

    private static bool Exists(CmdletDescription cmdlet, string parameter) =>
        cmdlet.Parameters.Any(existing => existing.Name == parameter)
        || (cmdlet.SupportsShouldProcess && ShouldProcessParameters.All.Any(common => common.Name == parameter));
}
