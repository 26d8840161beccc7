namespace KafkaBackup.Build.Staging;

/// <summary>Where librdkafka (and on Windows what it needs) comes from: the redist package for every platform, or this machine's own build.</summary>
internal sealed record NativeLibraries(string Description, IReadOnlyList<(string Path, string Source)> Files)
{
    /// <summary>What the module supports. The package holds more; each would make the module bigger for everybody.</summary>
    private static readonly string[] Platforms = ["linux-arm64", "linux-x64", "osx-arm64", "win-x64"];

    public static NativeLibraries Find(string binaries, string? localLibrary, string? localPlatform)
    {
        if (localLibrary is not null)
        {
            if (!File.Exists(localLibrary))
                throw new BuildStepException($"the native library {localLibrary} is not there; run ./build.sh native");
            var path = $"lib/runtimes/{localPlatform}/native/librdkafka{Path.GetExtension(localLibrary)}";
            return new($"this machine's own build, {localPlatform} only", [(path, localLibrary)]);
        }

        var files = new List<(string, string)>();
        foreach (var platform in Platforms)
        {
            var folder = Path.Combine(binaries, "runtimes", platform, "native");
            if (!Directory.Exists(folder))
                throw new BuildStepException($"librdkafka.redist brought no library for {platform} into {folder}; run ./build.sh build, which finds or builds one");
            files.AddRange(Directory.GetFiles(folder).Select(file => ($"lib/runtimes/{platform}/native/{Path.GetFileName(file)}", file)));
        }

        return new($"librdkafka.redist for {string.Join(", ", Platforms)}", files);
    }
}
