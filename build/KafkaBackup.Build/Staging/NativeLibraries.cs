namespace KafkaBackup.Build.Staging;

/// <summary>librdkafka and what it needs, for each platform, from the librdkafka.redist package.</summary>
internal static class NativeLibraries
{
    /// <summary>
    /// What the module runs on. Alpine (musl) is left out: the package has it only for x64, under linux-x64, where glibc's is tried first.
    /// </summary>
    public static readonly IReadOnlyList<string> Platforms = ["linux-arm64", "linux-x64", "osx-arm64", "osx-x64", "win-x64"];

    /// <returns>The path in the module and the source of each file.</returns>
    public static IReadOnlyList<(string Path, string Source)> Find(string binaries)
    {
        var files = new List<(string, string)>();
        foreach (var platform in Platforms)
        {
            var folder = Path.Combine(binaries, "runtimes", platform, "native");
            if (!Directory.Exists(folder))
                throw new BuildStepException($"librdkafka.redist brought no library for {platform} into {folder}");
            files.AddRange(Directory.GetFiles(folder).Select(file => ($"lib/runtimes/{platform}/native/{Path.GetFileName(file)}", file)));
        }

        return files;
    }
}
