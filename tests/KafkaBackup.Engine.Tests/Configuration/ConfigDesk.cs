using KafkaBackup.Engine.Configuration;
using Xunit;

namespace KafkaBackup.Engine.Tests.Configuration;

/// <summary>A folder, an environment, a clock and an ear for warnings: everything that configuration takes from outside.</summary>
internal sealed class ConfigDesk : IDisposable
{
    public const string Cluster = "bootstrap_servers: [localhost:9092]";

    public static DateTimeOffset Now { get; } = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public string Folder { get; } = Directory.CreateTempSubdirectory("kafkabackup-config-").FullName;

    public Dictionary<string, string?> Variables { get; } = [];

    public ListeningEvents Events { get; } = new();

    public static string RepositoryRoot
    {
        get
        {
            var folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "KafkaBackup.sln")))
            {
                folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("KafkaBackup.sln is not above the tests.");
            }

            return folder;
        }
    }

    public OptionsResolver Resolver => new(Folder, Events, new FixedClock(), name => Variables.GetValueOrDefault(name));

    public string Write(string yaml, string name = "config.yaml")
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, yaml);
        return path;
    }

    public BackupOptions Backup(string yaml, BackupSettings? given = null) =>
        Resolver.Resolve((given ?? new BackupSettings()) with { ConfigPath = Write(yaml) });

    public RestoreOptions Restore(string yaml, RestoreSettings? given = null) =>
        Resolver.Resolve((given ?? new RestoreSettings()) with { ConfigPath = Write(yaml) });

    public KafkaBackupException RefusedBackup(string yaml) => Assert.Throws<KafkaBackupException>(() => Backup(yaml));

    public KafkaBackupException RefusedRestore(string yaml) => Assert.Throws<KafkaBackupException>(() => Restore(yaml));

    /// <summary>A whole file for a backup with lines under <c>backup:</c>.</summary>
    public static string BackupYaml(string under = "") => Yaml("source", "backup", under);

    /// <summary>A whole file for a restore with lines under <c>restore:</c>.</summary>
    public static string RestoreYaml(string under = "") => $"backup_id: nightly\n{Yaml("target", "restore", under)}";

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static string Yaml(string side, string job, string under) =>
        $"{side}:\n  {Cluster}\nstorage:\n  path: store\n{(under.Length == 0 ? "" : $"{job}:\n  {under.Replace("\n", "\n  ", StringComparison.Ordinal)}\n")}";

    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Now;
    }

    internal sealed class ListeningEvents : IEngineEvents
    {
        public List<string> Warnings { get; } = [];

        public void Verbose(string message) { }

        public void Warning(string message) => Warnings.Add(message);

        public void Error(KafkaBackupException error) => throw error;

        public void Progress(ProgressInfo progress) { }
    }
}
