namespace KafkaBackup.Build.Packaging;

/// <summary>Makes what the PowerShell Gallery takes (.nupkg) and what people copy by hand (.zip) from a staged module.</summary>
internal static class PackageCommand
{
    public static int Run(CommandLine arguments, TextWriter output)
    {
        var module = arguments.Required("--module");
        var target = arguments.Required("--output");
        var manifest = ModuleManifest.Read(Path.Combine(module, "KafkaBackup.psd1"));
        Directory.CreateDirectory(target);
        foreach (var stale in Directory.GetFiles(target, "KafkaBackup.*.nupkg").Concat(Directory.GetFiles(target, "KafkaBackup-*.zip")))
            File.Delete(stale);

        var package = Path.Combine(target, $"KafkaBackup.{manifest.Version}.nupkg");
        GalleryPackage.Write(package, module, manifest, ReleaseNotes(module, manifest));
        var archive = Path.Combine(target, $"KafkaBackup-{manifest.Version}.zip");
        ModuleArchive.Write(archive, module, manifest);

        var platforms = new DirectoryInfo(Path.Combine(module, "lib", "runtimes"))
            .GetDirectories()
            .Select(folder => folder.Name)
            .Order(StringComparer.Ordinal)
            .ToList();
        foreach (var file in new[] { package, archive })
            output.WriteLine($"{file} ({new FileInfo(file).Length / 1024.0 / 1024.0:0.0} MB)");
        output.WriteLine($"native library for: {string.Join(", ", platforms)}");
        return 0;
    }

    /// <summary>The changelog's section on this version, and which platforms there are.</summary>
    private static string ReleaseNotes(string module, ModuleManifest manifest)
    {
        var lines = File.ReadLines(Path.Combine(module, "CHANGELOG.md")).SkipWhile(line => !IsHeading(line)).ToList();
        if (lines.Count == 0)
            throw new BuildStepException($"CHANGELOG.md has no section '## {manifest.Version}'");
        var section = lines.Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal));
        return $"{string.Join('\n', section).Trim()}\n\n{manifest.ReleaseNotes}";

        bool IsHeading(string line) => line.Split(' ') is ["##", var version, ..] && version == manifest.Version;
    }
}
