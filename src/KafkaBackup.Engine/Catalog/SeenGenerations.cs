using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.Files;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// The highest generation of each backup that this user has seen on this machine, in a small file each. Nothing in a store can show that
/// its newest head was removed, or that an older copy of everything was put back; this can. It is an aid: where it cannot be read or
/// written, nothing fails.
/// </summary>
internal sealed class SeenGenerations(string location)
{
    private const string Folder = "kafkabackup";

    /// <summary>Null as long as nothing is wrong, as far as is known here.</summary>
    public Finding? Judge(string backupId, Manifest manifest)
    {
        if (Read(backupId) is not { } seen || seen.CreatedAt != manifest.CreatedAt || seen.Generation <= manifest.Generation)
        {
            return null;
        }

        return new Finding(
            FindingSeverity.Error,
            FindingKind.ManifestDamaged,
            BackupKeys.Of(backupId, BackupKeys.Head(seen.Generation)),
            string.Create(
                CultureInfo.InvariantCulture,
                $"On {seen.SeenAt:u} this computer saw generation {seen.Generation} of backup '{backupId}' in {location}; the newest there now is {manifest.Generation}. "
                    + $"The newer manifest was removed, or an older copy of the backup was put in its place."
            ),
            "Find out who did that and put the newer files back. The next run continues from the files that exist."
        );
    }

    /// <summary>For one that is about to be created: was there one before, which nobody removed by Remove-KafkaBackup from here?</summary>
    public Finding? JudgeNew(string backupId) =>
        Read(backupId) is not { } seen
            ? null
            : new Finding(
                FindingSeverity.Warning,
                FindingKind.ManifestDamaged,
                backupId,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"On {seen.SeenAt:u} this computer saw generation {seen.Generation} of backup '{backupId}' in {location}. Nothing of it is there now; this run begins a new backup."
                ),
                "If you did not remove it, check that the right drive, share or bucket is mounted there."
            );

    /// <summary>Never lowers what is remembered of the same backup.</summary>
    public void Remember(string backupId, Manifest manifest, DateTimeOffset now)
    {
        if (
            FileOf(backupId) is not { } file
            || (Read(backupId) is { } seen && seen.CreatedAt == manifest.CreatedAt && seen.Generation >= manifest.Generation)
        )
        {
            return;
        }

        var next = new SeenGeneration(location, backupId, manifest.CreatedAt, manifest.Generation, now);
        Try(() =>
        {
            using var written = TemporaryFile.Create(file);
            written.Write(JsonSerializer.SerializeToUtf8Bytes(next, SeenJson.Default.SeenGeneration));
            written.Replace();
        });
    }

    public void Forget(string backupId)
    {
        if (FileOf(backupId) is { } file)
        {
            Try(() => File.Delete(file));
        }
    }

    private SeenGeneration? Read(string backupId)
    {
        SeenGeneration? seen = null;
        if (FileOf(backupId) is { } file && File.Exists(file))
        {
            Try(() => seen = JsonSerializer.Deserialize(File.ReadAllBytes(file), SeenJson.Default.SeenGeneration));
        }

        return seen is not null && seen.Location == location && seen.BackupId == backupId ? seen : null;
    }

    /// <summary>Null where there is no such place: a store in memory, a user without a home.</summary>
    private string? FileOf(string backupId)
    {
        if (!Path.IsPathFullyQualified(location) && !location.Contains("://", StringComparison.Ordinal))
        {
            return null;
        }

        var home = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        if (OperatingSystem.IsWindows())
        {
            home = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        }
        else if (string.IsNullOrEmpty(home) || !Path.IsPathFullyQualified(home))
        {
            var user = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            home = user.Length == 0 ? "" : Path.Combine(user, ".local", "state");
        }

        var name = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{location}\n{backupId}")))[..32].ToLowerInvariant();
        return home.Length == 0 ? null : Path.Combine(home, Folder, "seen", name + ".json");
    }

    private static void Try(Action access)
    {
        try
        {
            access();
        }
        catch (Exception e) when (FileFault.IsFileException(e) || e is JsonException or KafkaBackupException)
        {
            // No home, no room, no right, or a file that somebody changed: then nothing is known here, which is no reason to fail.
        }
    }
}

internal sealed record SeenGeneration(string Location, string BackupId, DateTimeOffset CreatedAt, long Generation, DateTimeOffset SeenAt);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(SeenGeneration))]
internal sealed partial class SeenJson : JsonSerializerContext;
