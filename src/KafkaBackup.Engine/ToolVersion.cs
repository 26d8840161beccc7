using System.Reflection;

namespace KafkaBackup.Engine;

/// <summary>What a manifest says it was written by.</summary>
public static class ToolVersion
{
    public static string Text { get; } =
        "KafkaBackup "
        + (
            typeof(ToolVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
            ?? "0.0.0"
        );
}
