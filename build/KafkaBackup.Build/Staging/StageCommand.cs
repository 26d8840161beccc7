using KafkaBackup.Build.Help;
using KafkaBackup.Build.Settings;

namespace KafkaBackup.Build.Staging;

/// <summary>Lays out the importable module, help included.</summary>
internal static class StageCommand
{
    public static int Run(CommandLine arguments, TextWriter output)
    {
        var repository = arguments.Required("--repository");
        var binaries = arguments.Required("--binaries");
        var target = arguments.Required("--output");

        var layout = ModuleLayout.Of(repository, binaries, [.. NativeLibraries.Find(binaries), .. CompiledAssemblies.Find(binaries)]);
        var settings = ReadSettings(repository);
        var help = HelpFile.Build(Path.Combine(repository, "module", "help"), settings, Path.Combine(binaries, "KafkaBackup.dll"));
        if (help.Complaints.Count > 0 && arguments.Optional("--incomplete-help") != "true")
            throw new BuildStepException([.. help.Complaints]);
        foreach (var complaint in help.Complaints)
            output.WriteLine($"help: {complaint}");
        layout.Add("en-US/KafkaBackup.dll-Help.xml", help.Maml);

        var changed = new StageFolder(target).Fill(layout);
        output.WriteLine(
            $"module: {target} ({(changed == 0 ? "up to date" : $"{changed} files changed")}; native library for {string.Join(", ", NativeLibraries.Platforms)})"
        );
        return 0;
    }

    /// <summary>The table, with what each kind of store says of its options.</summary>
    public static SettingsTable ReadSettings(string repository)
    {
        var stores = Directory.GetFiles(
            Path.Combine(repository, "src", "KafkaBackup.Engine", "Storage"),
            "help.md",
            SearchOption.AllDirectories
        );
        var texts = stores.Order(StringComparer.Ordinal).Select(file => $"    {File.ReadAllText(file).Trim()}\n");
        var table = File.ReadAllText(Path.Combine(repository, "src", "settings.table"));
        return SettingsTable.Read(table.Replace("    {Storage/*/help.md}\n", string.Join('\n', texts), StringComparison.Ordinal));
    }
}
