using System.Management.Automation;
using System.Runtime.Loader;

namespace KafkaBackup.Loading;

/// <summary>
/// Hooks the engine's load context in when the module is imported and out when it is removed. Each import of each runspace adds one hook
/// and each removal takes one away, so removing the module in one runspace leaves the others alone.
/// </summary>
public sealed class ModuleHooks : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    // One for the process: the default context remembers the engine that it was given, and a second copy would have types of its own.
    private static readonly EngineLoadContext Context = new(Path.GetDirectoryName(typeof(ModuleHooks).Assembly.Location)!);

    public void OnImport() => AssemblyLoadContext.Default.Resolving += Context.ResolveEngine;

    public void OnRemove(PSModuleInfo psModuleInfo) => AssemblyLoadContext.Default.Resolving -= Context.ResolveEngine;
}
