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

        var layout = ModuleLayout.Of(repository, binaries, NativeLibraries.Find(binaries));
        var settings = SettingsTable.Read(File.ReadAllText(Path.Combine(repository, "src", "settings.table")));
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
}
