using System.Text;
using KafkaBackup.Engine.Configuration.Schema;
using KafkaBackup.Engine.Configuration.Yaml;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Configuration;

/// <summary>Reads YAML files into settings.</summary>
/// <param name="variables">Environment variables by name.</param>
/// <param name="now">What relative times refer to.</param>
/// <param name="warn">Where remarks go: secrets in plain text, keys without meaning.</param>
internal sealed class ConfigFile(Func<string, string?> variables, DateTimeOffset now, Action<string> warn, StoreBackends backends)
{
    private const int MaxBytes = 16 << 20;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <param name="path">Absolute.</param>
    /// <exception cref="KafkaBackupException">Config... ids, with line and column.</exception>
    public BackupSettings ReadBackup(string path) => Read(path, "backup", ConfigSchema.BackupFor(backends), new BackupSettings());

    /// <inheritdoc cref="ReadBackup"/>
    public RestoreSettings ReadRestore(string path) => Read(path, "restore", ConfigSchema.RestoreFor(backends), new RestoreSettings());

    private T Read<T>(string path, string mode, Section<T> schema, T empty)
    {
        var origin = new ConfigOrigin(path, Path.GetDirectoryName(path)!);
        var root = YamlReader.Read(ReadText(path, origin), origin, variables);
        CheckMode(root, origin, mode);
        var reading = new Reading(origin, "", now, warn) { KnownPaths = schema.Keys.Select(key => key.Path).ToArray() };
        return schema.Read(empty, root, reading);
    }

    /// <summary>First of all: a file for the other operation would otherwise be refused for a key that is right in it.</summary>
    private static void CheckMode(ConfigMap root, ConfigOrigin origin, string wanted)
    {
        if (root.Find("mode") is ConfigScalar { Text: "backup" or "restore" } mode && mode.Text != wanted)
        {
            throw ErrorIds.ConfigConflict.With(
                $"{origin.Locate(mode.At)}: this file is for a {mode.Text} (mode: {mode.Text}), but a {wanted} was asked for.",
                "mode",
                wanted == "backup" ? "Use it with Restore-KafkaBackup or Test-KafkaRestore." : "Use it with Start-KafkaBackup."
            );
        }
    }

    private static string ReadText(string path, ConfigOrigin origin)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaxBytes })
            {
                throw ErrorIds.ConfigSyntax.With(
                    $"{path} is larger than {MaxBytes >> 20} MiB: that is no configuration file.",
                    path,
                    "Check the path."
                );
            }

            using var reader = new StreamReader(path, StrictUtf8, detectEncodingFromByteOrderMarks: true);
            return reader.ReadToEnd();
        }
        catch (DecoderFallbackException e)
        {
            throw origin.Syntax(new Position(1, 1), "the file is not UTF-8 text.", "Save it as UTF-8.", e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw ErrorIds.ConfigFileNotFound.With($"The configuration file {path} does not exist.", path, inner: e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw ErrorIds.ConfigFileNotFound.With(
                $"The configuration file {path} cannot be read: {(Directory.Exists(path) ? "it is a folder" : "access is denied")}.",
                path,
                "Name a file that this account may read.",
                e
            );
        }
        catch (IOException e)
        {
            throw ErrorIds.ConfigFileNotFound.With(
                $"The configuration file {path} cannot be read: {e.Message}",
                path,
                "Make the file readable, then run again.",
                e
            );
        }
    }
}
