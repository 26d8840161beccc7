using KafkaBackup.Engine.Configuration.Schema;
using KafkaBackup.Engine.Configuration.Yaml;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Configuration;

/// <summary>What must hold for a store's settings before it is opened.</summary>
internal static class StoreRules
{
    /// <summary>Checks, makes the path absolute, and moves keys that came as options to where secrets belong.</summary>
    /// <exception cref="KafkaBackupException">InvalidPath, StoreConfiguration, ConfigUnknownKey, ConfigWrongType, ConfigOutOfRange, ConfigConflict.</exception>
    public static StoreSettings Check(StoreSettings settings, string baseFolder, StoreBackends backends)
    {
        var options = ReadOptions(settings, baseFolder, backends);
        if (settings.Path is null)
        {
            return options;
        }

        var path = backends.Normalize(settings.Path, baseFolder);
        var backend = backends.Of(path);
        backend.CheckPlace(path);
        StoreBackends.CheckOptions(backend, options with { Path = path });
        return options with { Path = path };
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
    private static StoreSettings ReadOptions(StoreSettings settings, string baseFolder, StoreBackends backends)
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
        return StorageSections.Options(backends).Read(start, new ConfigMap(default, entries), reading);
    }
}
