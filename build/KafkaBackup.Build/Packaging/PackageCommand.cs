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
        GalleryPackage.Write(package, module, manifest);
        var archive = Path.Combine(target, $"KafkaBackup-{manifest.Version}.zip");
        ModuleArchive.Write(archive, module, manifest);

        var platforms = new DirectoryInfo(Path.Combine(module, "lib", "runtimes")).GetDirectories().Select(folder => folder.Name).Order(StringComparer.Ordinal).ToList();
        foreach (var file in new[] { package, archive })
            output.WriteLine($"{file} ({new FileInfo(file).Length / 1024.0 / 1024.0:0.0} MB)");
        output.WriteLine($"native library for: {string.Join(", ", platforms)}");
        if (platforms.Count == 1)
            output.WriteLine("It is this machine's own build: the package works on machines like this one only. Publish from a machine whose NuGet source has librdkafka.redist.");
        return 0;
    }
}
