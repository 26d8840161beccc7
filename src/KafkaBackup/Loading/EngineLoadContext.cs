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

    private readonly string _libraryFolder;
    private readonly string _nativeFolder;

    public EngineLoadContext(string moduleFolder)
        : base("KafkaBackup")
    {
        _libraryFolder = Path.Combine(moduleFolder, "lib");
        _nativeFolder = Path.Combine(_libraryFolder, "runtimes", RuntimeIdentifier, "native");
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
        var file = Path.Combine(_libraryFolder, assemblyName.Name + ".dll");
        return File.Exists(file) ? LoadFromAssemblyPath(file) : null;
    }

    protected override nint LoadUnmanagedDll(string unmanagedDllName)
    {
        foreach (var fileName in FileNames(unmanagedDllName))
        {
            var file = Path.Combine(_nativeFolder, fileName);
            if (File.Exists(file))
                return LoadUnmanagedDllFromPath(file);
        }

        // Zero lets the operating system look for it: libzstd on Linux and macOS is the system's own, if it has one.
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
