namespace KafkaBackup.Engine.Configuration;

/// <summary>
/// Merges what was given as parameters with what a file says. A parameter wins when it was given; a cluster or a store whose address is
/// given is replaced as a whole, so that no credential of the file travels to another place (rule H4).
/// </summary>
internal static partial class SettingsMerge
{
    public static BackupSettings Merge(BackupSettings given, BackupSettings file) =>
        MergeRows(given, file) with
        {
            Source = Merge(given.Source, file.Source),
            Store = Merge(given.Store, file.Store),
            Health = given.Health ?? file.Health,
        };

    public static RestoreSettings Merge(RestoreSettings given, RestoreSettings file) =>
        MergeRows(given, file) with
        {
            Target = Merge(given.Target, file.Target),
            Store = Merge(given.Store, file.Store),
            Health = given.Health ?? file.Health,
        };

    public static ClusterSettings? Merge(ClusterSettings? given, ClusterSettings? file)
    {
        if (given is null || file is null || given.BootstrapServers is not null)
        {
            return given ?? file;
        }

        return new ClusterSettings
        {
            BootstrapServers = file.BootstrapServers,
            SecurityProtocol = given.SecurityProtocol ?? file.SecurityProtocol,
            SaslMechanism = given.SaslMechanism ?? file.SaslMechanism,
            SaslUsername = given.SaslUsername ?? file.SaslUsername,
            SaslPassword = given.SaslPassword ?? file.SaslPassword,
            CaCertificate = given.CaCertificate ?? file.CaCertificate,
            ClientCertificate = given.ClientCertificate ?? file.ClientCertificate,
            ClientKey = given.ClientKey ?? file.ClientKey,
            ClientKeyPassword = given.ClientKeyPassword ?? file.ClientKeyPassword,
            KafkaOptions = Merge(given.KafkaOptions, file.KafkaOptions),
        };
    }

    public static StoreSettings? Merge(StoreSettings? given, StoreSettings? file)
    {
        if (given is null || file is null || given.Path is not null)
        {
            return given ?? file;
        }

        // Keys belong together: a secret of one identity is of no use with the name of another.
        var withOwnKeys = given.AccessKey is not null || given.SecretKey is not null || given.Secrets is not null;
        return new StoreSettings
        {
            Path = file.Path,
            Options = Merge(given.Options, file.Options),
            AccessKey = withOwnKeys ? given.AccessKey : file.AccessKey,
            SecretKey = withOwnKeys ? given.SecretKey : file.SecretKey,
            SessionToken = withOwnKeys ? given.SessionToken : given.SessionToken ?? file.SessionToken,
            Secrets = withOwnKeys ? given.Secrets : file.Secrets,
        };
    }

    private static IReadOnlyDictionary<string, V>? Merge<V>(IReadOnlyDictionary<string, V>? given, IReadOnlyDictionary<string, V>? file)
    {
        if (given is null || file is null)
        {
            return given ?? file;
        }

        var merged = new Dictionary<string, V>(file, StringComparer.Ordinal);
        foreach (var (name, value) in given)
        {
            merged[name] = value;
        }

        return merged;
    }

    /// <summary>
    /// A level means nothing without its compression: when a parameter chooses another one, the file's level stays behind.
    /// </summary>
    private static int? LevelOf(BackupSettings given, BackupSettings file) =>
        given.Compression is null || given.Compression == (file.Compression ?? CompressionKind.Zstd) ? file.CompressionLevel : null;
}
