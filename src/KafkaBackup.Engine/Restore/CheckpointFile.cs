using System.Text.Json;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Storage.Files;

namespace KafkaBackup.Engine.Restore;

/// <summary>The checkpoint on disk: replaced whole or not at all, removed after success.</summary>
internal sealed class CheckpointFile(string path)
{
    public string Path => path;

    /// <summary>Null when there is none.</summary>
    public Checkpoint? Read()
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.CheckpointDamaged.With($"The checkpoint {path} cannot be read: {error.Message}", path, "Correct the path or its permissions, then run again.", error);
        }

        try
        {
            var checkpoint = JsonSerializer.Deserialize(bytes, CheckpointJson.Default.Checkpoint)
                ?? throw ErrorIds.CheckpointDamaged.With($"The checkpoint {path} is empty.", path);
            if (checkpoint.Version > Checkpoint.CurrentVersion)
            {
                throw ErrorIds.FormatTooNew.With($"The checkpoint {path} has version {checkpoint.Version}; this version of KafkaBackup knows {Checkpoint.CurrentVersion}.", path);
            }

            return FileSoundness.FaultOf(checkpoint) is { } fault ? throw ErrorIds.CheckpointDamaged.With($"The checkpoint {path} is damaged: {fault}.", path) : checkpoint;
        }
        catch (JsonException error)
        {
            throw ErrorIds.CheckpointDamaged.With($"The checkpoint {path} cannot be understood: {error.Message}", path, inner: error);
        }
    }

    /// <summary>Asked before the restore changes anything.</summary>
    public void RequireWritable()
    {
        try
        {
            WritableFile.Require(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.CheckpointWrite.With(
                $"The checkpoint {path} cannot be written, so nothing was restored: {error.Message}", path, "Choose another -CheckpointPath, or make this one writable, then run again.", error);
        }
    }

    public void Write(Checkpoint checkpoint)
    {
        try
        {
            var folder = System.IO.Path.GetDirectoryName(path)!;
            DurableFolder.Create(folder);
            var next = path + ".new";
            using (var file = new FileStream(next, FileMode.Create, FileAccess.Write))
            {
                JsonSerializer.Serialize(file, checkpoint, CheckpointJson.Default.Checkpoint);
                file.Flush(flushToDisk: true);
            }

            File.Move(next, path, overwrite: true);
            DurableFolder.Flush(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.CheckpointWrite.With($"The checkpoint {path} cannot be written: {error.Message}", path, inner: error);
        }
    }

    public void Remove() => File.Delete(path);

    /// <summary>Refuses a checkpoint of another restore, naming what differs.</summary>
    public void RequireSameSettings(Checkpoint checkpoint, RestoreFingerprint fingerprint)
    {
        var differing = fingerprint.DifferencesFrom(checkpoint.Config);
        if (differing.Count > 0 || checkpoint.ConfigHash != fingerprint.Hash)
        {
            throw Mismatch(differing);
        }
    }

    /// <summary>The same brokers' names may lead to another cluster.</summary>
    public void RequireSameTarget(Checkpoint checkpoint, string? clusterId)
    {
        if (checkpoint.TargetClusterId is { } before && clusterId is { } now && before != now)
        {
            throw Mismatch([$"target (cluster {before}, now {now})"]);
        }
    }

    private KafkaBackupException Mismatch(IReadOnlyList<string> differing) => ErrorIds.CheckpointMismatch.With(
        $"The checkpoint {path} belongs to a restore with other settings. They differ in: {string.Join(", ", differing)}.", path);
}
