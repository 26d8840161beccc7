using System.Runtime.CompilerServices;

namespace KafkaBackup.Engine.Tests;

/// <summary>
/// What the engine remembers of stores goes into a folder of this test run, not into the developer's home; child processes inherit it.
/// </summary>
internal static class StateFolder
{
#pragma warning disable CA2255 // The tests are the program here: this has to come before anything opens a store.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Set()
    {
        var folder = Directory.CreateTempSubdirectory("kafkabackup-state-");
        Environment.SetEnvironmentVariable("XDG_STATE_HOME", folder.FullName);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Delete(recursive: true);
    }
}
