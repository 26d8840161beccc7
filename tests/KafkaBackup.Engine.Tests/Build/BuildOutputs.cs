using System.Reflection;

namespace KafkaBackup.Engine.Tests.Build;

/// <summary>Where the repository and the compiled module lie; written into this assembly by its project file.</summary>
internal static class BuildOutputs
{
    public static string RepositoryRoot { get; } = Metadata("RepositoryRoot");

    public static string ModuleBinaries { get; } = Metadata("ModuleBinaries");

    public static string ModuleAssembly { get; } = Path.Combine(ModuleBinaries, "KafkaBackup.dll");

    public static string EngineAssembly { get; } = Path.Combine(ModuleBinaries, "KafkaBackup.Engine.dll");

    public static string ModelAssembly { get; } = Path.Combine(ModuleBinaries, "KafkaBackup.Model.dll");

    private static string Metadata(string name) =>
        typeof(BuildOutputs).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == name).Value!;
}
