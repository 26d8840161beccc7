using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Storage.Files;

internal sealed class FolderBackend : StoreBackend
{
    private const string FileMode = "file_mode";
    private const string PrivateFiles = "private";
    private const string UmaskFiles = "umask";

    public override string Name => "filesystem";

    public override string AddressForm => "a folder";

    public override IReadOnlyList<StoreOption> Options { get; } =
    [
        new(FileMode, StoreOptionKind.Word, "Folder, on Linux and macOS: who may read new files. Default: private.")
        {
            Words = [PrivateFiles, UmaskFiles],
        },
    ];

    /// <summary>It takes what no other kind of store claims.</summary>
    public override bool IsAddress(string path) => false;

    public override string Normalize(string path, string? prefix, string baseFolder)
    {
        if (string.IsNullOrWhiteSpace(path) || path.Contains('\0', StringComparison.Ordinal))
        {
            throw ErrorIds.InvalidPath.With("The store's path is empty or holds a NUL character.", path);
        }

        return Path.TrimEndingDirectorySeparator(Path.Combine([Path.GetFullPath(path, baseFolder), .. PartsOf(prefix)]));
    }

    /// <summary>The commonest slip: the path that Explorer shows, which is one level too deep.</summary>
    public override void CheckPlace(string path)
    {
        var folder = Path.GetFileName(path) == StoreNames.Manifest && File.Exists(path) ? Path.GetDirectoryName(path)! : path;
        if (File.Exists(Path.Combine(folder, StoreNames.Manifest)))
        {
            throw ErrorIds.InvalidPath.With(
                $"{path} is a backup itself, not a store of backups.",
                path,
                $"Use -Path '{Path.GetDirectoryName(folder)}' -BackupId '{Path.GetFileName(folder)}'."
            );
        }

        if (File.Exists(path))
        {
            throw ErrorIds.InvalidPath.With($"{path} is a file, not a folder.", path);
        }
    }

    public override IStore Open(StoreSettings settings, TimeProvider clock, Action<RetryNotice>? onRetry, Action<string>? onWarning)
    {
        var path = settings.Path!;
        var mode = settings.Options?.GetValueOrDefault(FileMode) ?? PrivateFiles;
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

        return new RetryingStore(new FileStore(path, followUmask: mode == UmaskFiles), RetryPolicy.Default, clock, onRetry: onRetry);
    }
}
