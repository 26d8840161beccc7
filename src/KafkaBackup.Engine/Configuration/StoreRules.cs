using KafkaBackup.Engine.Configuration.Schema;
using KafkaBackup.Engine.Configuration.Yaml;

namespace KafkaBackup.Engine.Configuration;

/// <summary>What must hold for a store's settings before it is opened.</summary>
internal static class StoreRules
{
    private const string ManifestName = "manifest.json";

    /// <summary>Checks, makes the path absolute, and moves keys that came as options to where secrets belong.</summary>
    /// <exception cref="KafkaBackupException">InvalidPath, ConfigUnknownKey, ConfigWrongType, ConfigOutOfRange, ConfigConflict.</exception>
    public static StoreSettings Check(StoreSettings settings, string baseFolder)
    {
        var options = ReadOptions(settings, baseFolder);
        if (settings.Path is null)
        {
            return options;
        }

        var path = StorePath.Normalize(settings.Path, baseFolder);
        if (!StorePath.IsS3(path))
        {
            RefuseBackupsOwnFolder(path);
            if (options.Options?.Keys.FirstOrDefault(name => name != StorageSections.FolderOption) is { } unused)
            {
                throw ErrorIds.StoreConfiguration.With(
                    $"The option {unused} has no meaning for the folder {path}.",
                    path,
                    "Leave it out, or give -Path s3://bucket/prefix."
                );
            }
        }

        return options with
        {
            Path = path,
        };
    }

    public static IEnumerable<string> Missing(StoreSettings? settings)
    {
        if (settings?.Path is null)
        {
            yield return "the store (-Path, or storage.path or storage.bucket in the file)";
        }

        if (settings is not null && settings.AccessKey is null != settings.SecretKey is null)
        {
            yield return settings.AccessKey is null
                ? "the access key that goes with the secret key (-StorageCredential, or storage.access_key)"
                : "the secret key that goes with the access key (-StorageCredential, or storage.secret_key)";
        }
    }

    /// <summary>Reads the options with the same table that reads them from files, so that both know the same names and values.</summary>
    private static StoreSettings ReadOptions(StoreSettings settings, string baseFolder)
    {
        if (settings.Options is not { Count: > 0 } given)
        {
            return settings;
        }

        var entries = given
            .Select(option => new ConfigEntry(new ConfigScalar(default, option.Key), new ConfigScalar(default, option.Value)))
            .ToArray();
        var reading = new Reading(new ConfigOrigin("-StorageOption", baseFolder, HasLines: false), "", DateTimeOffset.UnixEpoch, _ => { });
        var start = settings with { Options = null };
        return StorageSections.Options.Read(start, new ConfigMap(default, entries), reading);
    }

    /// <summary>The commonest slip: the path that Explorer shows, which is one level too deep.</summary>
    private static void RefuseBackupsOwnFolder(string path)
    {
        var folder = Path.GetFileName(path) == ManifestName && File.Exists(path) ? Path.GetDirectoryName(path)! : path;
        if (File.Exists(Path.Combine(folder, ManifestName)))
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
}
