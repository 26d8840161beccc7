using System.Text.RegularExpressions;
using KafkaBackup.Build.Help;
using KafkaBackup.Build.Settings;
using KafkaBackup.Build.Staging;
using KafkaBackup.Engine.Tests.Build;

namespace KafkaBackup.Engine.Tests.Module;

/// <summary>The module as its files tell it: compiled cmdlets, manifest, help.</summary>
internal static class ModuleFiles
{
    public static IReadOnlyList<CmdletDescription> Cmdlets { get; } = CmdletReader.Read(BuildOutputs.ModuleAssembly);

    public static string Manifest { get; } = File.ReadAllText(Path.Combine(BuildOutputs.RepositoryRoot, "KafkaBackup.psd1"));

    public static string Views { get; } =
        File.ReadAllText(Path.Combine(BuildOutputs.RepositoryRoot, "module", "KafkaBackup.format.ps1xml"));

    private static SettingsTable Settings { get; } = StageCommand.ReadSettings(BuildOutputs.RepositoryRoot);

    public static HelpPage Help(string cmdlet)
    {
        var page = HelpPageReader.Read(File.ReadAllText(Path.Combine(BuildOutputs.RepositoryRoot, "module", "help", cmdlet + ".md")));
        return HelpFile.Complete(page, Cmdlets, Settings);
    }

    /// <summary>The names in one of the manifest's lists.</summary>
    public static IReadOnlyList<string> Listed(string key)
    {
        var list = Regex.Match(Manifest, $@"\b{key}\s*=\s*@\(([^)]*)\)", RegexOptions.Singleline).Groups[1].Value;
        return [.. Regex.Matches(list, "'([^']*)'").Select(match => match.Groups[1].Value)];
    }
}
