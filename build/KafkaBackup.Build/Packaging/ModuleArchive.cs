using System.IO.Compression;

namespace KafkaBackup.Build.Packaging;

/// <summary>A .zip to unpack into a folder of PSModulePath: KafkaBackup/VERSION/... inside.</summary>
internal static class ModuleArchive
{
    public static void Write(string file, string module, ModuleManifest manifest)
    {
        using var archive = new ZipArchive(File.Create(file), ZipArchiveMode.Create);
        foreach (var (path, source) in FilesOf(module))
            archive.CreateEntryFromFile(source, $"KafkaBackup/{manifest.Version}/{path}", CompressionLevel.Optimal);
    }

    public static IEnumerable<(string Path, string Source)> FilesOf(string module) =>
        Directory
            .GetFiles(module, "*", SearchOption.AllDirectories)
            .Select(file => (Path.GetRelativePath(module, file).Replace('\\', '/'), file))
            .OrderBy(file => file.Item1, StringComparer.Ordinal);
}
