using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace KafkaBackup.Loading;

/// <summary>
/// The engine's own world. PowerShell keeps one load context for all modules, and other modules bring other versions of the same libraries;
/// whatever lies in <c>lib/</c> is therefore loaded here and nowhere else. What does not lie there (the runtime, and KafkaBackup.Model,
/// whose types both worlds exchange) is left to the default context.
/// </summary>
internal sealed class EngineLoadContext : AssemblyLoadContext
{
    private const string EngineAssembly = "KafkaBackup.Engine";

    private readonly string _nativeFolder;

    /// <summary>First the assemblies with this machine's own code, then the same ones for any machine.</summary>
    private readonly string[] _assemblyFolders;

    public EngineLoadContext(string moduleFolder)
        : base("KafkaBackup")
    {
        var libraries = Path.Combine(moduleFolder, "lib");
        var platform = Path.Combine(libraries, "runtimes", RuntimeIdentifier);
        _nativeFolder = Path.Combine(platform, "native");
        _assemblyFolders = [Path.Combine(platform, "compiled"), libraries];
    }

    /// <summary>The name of the folder that holds this machine's native libraries.</summary>
    internal static string RuntimeIdentifier
    {
        get
        {
            var system =
                OperatingSystem.IsWindows() ? "win"
                : OperatingSystem.IsMacOS() ? "osx"
                : "linux";
            return system
                + "-"
                + RuntimeInformation.ProcessArchitecture switch
                {
                    Architecture.X64 => "x64",
                    Architecture.Arm64 => "arm64",
                    var other => other.ToString().ToLowerInvariant(),
                };
        }
    }

    /// <summary>
    /// Answers the default context when it looks for the engine: the one step from the cmdlets' world into this one. Only that name is
    /// answered, so other modules never get our libraries.
    /// </summary>
    public Assembly? ResolveEngine(AssemblyLoadContext asking, AssemblyName name) =>
        name.Name == EngineAssembly ? LoadFromAssemblyName(name) : null;

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        var file = _assemblyFolders.Select(folder => Path.Combine(folder, assemblyName.Name + ".dll")).FirstOrDefault(File.Exists);
        return file is null ? null : LoadFromAssemblyPath(file);
    }

    protected override nint LoadUnmanagedDll(string unmanagedDllName)
    {
        foreach (var fileName in FileNames(unmanagedDllName))
        {
            var file = Path.Combine(_nativeFolder, fileName);
            if (File.Exists(file))
                return LoadUnmanagedDllFromPath(file);
        }

        // Zero lets the operating system look for it.
        return 0;
    }

    private static IEnumerable<string> FileNames(string name)
    {
        var extension =
            OperatingSystem.IsWindows() ? ".dll"
            : OperatingSystem.IsMacOS() ? ".dylib"
            : ".so";
        yield return name;
        yield return name + extension;
        yield return "lib" + name + extension;
    }
}
