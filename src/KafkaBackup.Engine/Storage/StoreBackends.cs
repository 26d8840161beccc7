using KafkaBackup.Engine.Rules;
using KafkaBackup.Engine.Storage.Azure;
using KafkaBackup.Engine.Storage.Files;
using KafkaBackup.Engine.Storage.S3;

namespace KafkaBackup.Engine.Storage;

/// <summary>The kinds of stores there are.</summary>
public sealed class StoreBackends
{
    private readonly StoreBackend _folder = new FolderBackend();

    /// <param name="addressed">Those whose addresses have a scheme; a folder is what none of them claims.</param>
    public StoreBackends(params StoreBackend[] addressed) => All = [.. addressed, _folder];

    public static StoreBackends Known { get; } = new(new S3Backend(), new AzureBackend());

    public IReadOnlyList<StoreBackend> All { get; }

    /// <summary>Every form of an address, for messages.</summary>
    public string Forms => string.Join(" or ", All.Reverse().Select(backend => backend.AddressForm));

    /// <summary>Options by name; a name that two kinds of stores share stands once.</summary>
    public IEnumerable<StoreOption> Options => All.SelectMany(backend => backend.Options).DistinctBy(option => option.Name);

    public StoreBackend Of(string path) => All.FirstOrDefault(backend => backend.IsAddress(path)) ?? _folder;

    public StoreBackend Named(string name) => All.First(backend => backend.Name == name);

    /// <summary>Whether a path is an address with a scheme, to be left as it is, and not one of the file system.</summary>
    /// <exception cref="KafkaBackupException">InvalidPath: it looks like an address and is none.</exception>
    public bool IsAddress(string path)
    {
        if (Of(path) != _folder)
        {
            return true;
        }

        return path.Contains("://", StringComparison.Ordinal)
            ? throw ErrorIds.InvalidPath.With($"{Redaction.Show(path)} is not an address of a store.", path, $"Use {Forms}.")
            : false;
    }

    /// <summary>The one form of a store's address.</summary>
    /// <exception cref="KafkaBackupException">InvalidPath.</exception>
    public string Normalize(string path, string baseFolder)
    {
        IsAddress(path);
        return Of(path).Normalize(path, null, baseFolder);
    }

    /// <summary>From what the user gave to a store that repeats what is worth repeating.</summary>
    public IStore Open(StoreSettings settings, TimeProvider clock, Action<RetryNotice>? onRetry = null, Action<string>? onWarning = null)
    {
        if (string.IsNullOrWhiteSpace(settings.Path))
        {
            throw ErrorIds.MissingSettings.With("No path was given for the store.", "Path");
        }

        RefuseManifestFile(settings.Path);
        IsAddress(settings.Path);
        var backend = Of(settings.Path);
        CheckOptions(backend, settings);
        return backend.Open(settings, clock, onRetry, onWarning);
    }

    /// <exception cref="KafkaBackupException">StoreConfiguration: an option that this kind of store does not have.</exception>
    public static void CheckOptions(StoreBackend backend, StoreSettings settings)
    {
        var known = backend.Options.Where(option => !option.IsKey).Select(option => option.Name).ToArray();
        var given = (settings.Options?.Keys ?? []).Concat(settings.Secrets?.Keys ?? []);
        if (given.Where(name => !known.Contains(name)).Order(StringComparer.Ordinal).FirstOrDefault() is { } unknown)
        {
            throw ErrorIds.StoreConfiguration.With(
                $"The store {Redaction.Show(settings.Path ?? "")} has no option '{unknown}'.",
                unknown,
                $"Remove it. The options of {backend.AddressForm} are {string.Join(", ", known)}."
            );
        }
    }

    /// <summary>Pointing at the manifest itself is a natural slip; the answer spells out what was meant.</summary>
    private static void RefuseManifestFile(string path)
    {
        var parts = path.TrimEnd('/', '\\').Split('/', '\\');
        if (parts.Length > 2 && parts[^1].Equals(StoreNames.Manifest, StringComparison.OrdinalIgnoreCase))
        {
            var parent = path[..path.TrimEnd('/', '\\').LastIndexOfAny(['/', '\\'])];
            var root = parent[..parent.LastIndexOfAny(['/', '\\'])];
            throw ErrorIds.InvalidPath.With(
                $"'{path}' is a backup's manifest, not the folder that holds the backups.",
                path,
                $"Use -Path '{root}' -BackupId '{parts[^2]}'."
            );
        }
    }
}
