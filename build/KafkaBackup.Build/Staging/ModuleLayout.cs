using System.Text;

namespace KafkaBackup.Build.Staging;

/// <summary>
/// Which file lies where in the module. The root holds what PowerShell itself loads; lib/ holds what the module's own load context
/// loads. Model lies in the root only and PowerShell's assemblies nowhere: a second copy of either breaks casts between the two worlds.
/// </summary>
internal sealed class ModuleLayout
{
    private static readonly string[] RootAssemblies = ["KafkaBackup.dll", "KafkaBackup.Model.dll"];

    private static readonly string[] Documents = ["CHANGELOG.md", "LICENSE", "README.md", "THIRD-PARTY-NOTICES.md"];

    private readonly SortedDictionary<string, StagedFile> _files = new(StringComparer.Ordinal);

    private ModuleLayout() { }

    public IReadOnlyDictionary<string, StagedFile> Files => _files;

    /// <param name="platformFiles">What only one platform needs: native libraries, and assemblies with its machine code.</param>
    public static ModuleLayout Of(string repository, string binaries, IEnumerable<(string Path, string Source)> platformFiles)
    {
        var layout = new ModuleLayout();
        layout.Add("KafkaBackup.psd1", Existing(Path.Combine(repository, "KafkaBackup.psd1")));
        foreach (var document in Documents)
            layout.Add(document, Existing(Path.Combine(repository, document)));
        foreach (var assembly in RootAssemblies)
            layout.Add(assembly, Existing(Path.Combine(binaries, assembly)));
        foreach (var assembly in Directory.GetFiles(binaries, "*.dll").Where(file => !StaysOutOfLib(Path.GetFileName(file))))
            layout.Add($"lib/{Path.GetFileName(assembly)}", Existing(assembly));
        foreach (var (path, source) in platformFiles)
            layout.Add(path, Existing(source));

        var module = Path.Combine(repository, "module");
        foreach (var file in FilesOf(module, "*.ps1xml"))
            layout.Add(Path.GetFileName(file), Existing(file));
        foreach (var file in FilesOf(Path.Combine(module, "en-US"), "about_*.help.txt"))
            layout.Add($"en-US/{Path.GetFileName(file)}", Existing(file));
        return layout;
    }

    public void Add(string path, string text) => _files.Add(path, new StagedFile(null, Encoding.UTF8.GetBytes(text)));

    private void Add(string path, FileInfo source) => _files.Add(path, new StagedFile(source, null));

    private static FileInfo Existing(string path) =>
        File.Exists(path) ? new FileInfo(path) : throw new BuildStepException($"{path} is missing: build the solution first");

    private static string[] FilesOf(string folder, string pattern) => Directory.Exists(folder) ? Directory.GetFiles(folder, pattern) : [];

    private static bool StaysOutOfLib(string assembly) =>
        RootAssemblies.Contains(assembly, StringComparer.OrdinalIgnoreCase)
        || assembly.Equals("System.Management.Automation.dll", StringComparison.OrdinalIgnoreCase);
}

/// <summary>A file to copy, or text made by the build.</summary>
internal sealed record StagedFile(FileInfo? Source, byte[]? Content);
