using KafkaBackup.Engine.Storage.Files;
using KafkaBackup.Engine.Storage.S3;

namespace KafkaBackup.Engine.Storage;

/// <summary>From what the user gave to a store that repeats what is worth repeating.</summary>
public static class StoreFactory
{
    /// <summary>The one option of a folder: who may read new files.</summary>
    public const string FileMode = "file_mode";
    public const string PrivateFiles = "private";
    public const string UmaskFiles = "umask";

    private const string ObjectStoreScheme = "s3://";

    /// <param name="onWarning">Hears what the user should know although nothing failed.</param>
    public static IStore Open(
        StoreSettings settings,
        TimeProvider clock,
        Action<RetryNotice>? onRetry = null,
        Action<string>? onWarning = null
    )
    {
        if (string.IsNullOrWhiteSpace(settings.Path))
        {
            throw ErrorIds.MissingSettings.With("No path was given for the store.", "Path");
        }

        RefuseManifestFile(settings.Path);

        // An S3 store repeats by itself: parts and conditional writes can be repeated nowhere else, and twice would multiply.
        return IsObjectStore(settings.Path)
            ? new S3Store(settings, clock, onRetry, onWarning)
            : new RetryingStore(OpenFolder(settings, settings.Path), RetryPolicy.Default, clock, onRetry: onRetry);
    }

    private static FileStore OpenFolder(StoreSettings settings, string path)
    {
        if (path.Contains("://", StringComparison.Ordinal))
        {
            throw ErrorIds.InvalidPath.With($"{Redaction.Show(path)} is neither a folder nor an s3:// address.", path);
        }

        var options = settings.Options ?? new Dictionary<string, string>();
        if (options.Keys.Where(name => name != FileMode).Order(StringComparer.Ordinal).ToArray() is { Length: > 0 } others)
        {
            throw ErrorIds.StoreConfiguration.With(
                $"Store options ({string.Join(", ", others)}) have no meaning for the folder '{path}'.",
                path,
                "Remove them, or give -Path an s3://bucket/prefix."
            );
        }

        var mode = options.GetValueOrDefault(FileMode, PrivateFiles);
        if (mode is not (PrivateFiles or UmaskFiles))
        {
            throw ErrorIds.StoreConfiguration.With(
                $"{FileMode} is '{mode}'.",
                FileMode,
                $"Use {PrivateFiles} (only the owner may read what is stored) or {UmaskFiles}."
            );
        }

        if (File.Exists(path))
        {
            throw ErrorIds.InvalidPath.With($"'{path}' is a file.", path);
        }

        return new FileStore(path, followUmask: mode == UmaskFiles);
    }

    public static bool IsObjectStore(string path) => path.StartsWith(ObjectStoreScheme, StringComparison.OrdinalIgnoreCase);

    /// <summary>Pointing at the manifest itself is a natural slip; the answer spells out what was meant.</summary>
    private static void RefuseManifestFile(string path)
    {
        var parts = path.TrimEnd('/', '\\').Split('/', '\\');
        if (parts.Length > 2 && parts[^1].Equals("manifest.json", StringComparison.OrdinalIgnoreCase))
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
