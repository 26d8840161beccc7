namespace KafkaBackup.Build.Staging;

/// <summary>The assemblies that Stage.targets compiled to machine code, for each platform that it was told of.</summary>
internal static class CompiledAssemblies
{
    /// <returns>The path in the module and the source of each file.</returns>
    public static IEnumerable<(string Path, string Source)> Find(string binaries)
    {
        var compiled = new DirectoryInfo(Path.Combine(binaries, "compiled"));
        return !compiled.Exists
            ? []
            : compiled
                .GetDirectories()
                .SelectMany(platform => platform.GetFiles("*.dll"))
                .Select(file => ($"lib/runtimes/{file.Directory!.Name}/compiled/{file.Name}", file.FullName));
    }
}
