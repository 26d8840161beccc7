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
            throw ErrorIds.CheckpointDamaged.With(
                $"The checkpoint {path} cannot be read: {error.Message}",
                path,
                "Correct the path or its permissions, then run again.",
                error
            );
        }

        try
        {
            var checkpoint =
                JsonSerializer.Deserialize(bytes, CheckpointJson.Default.Checkpoint)
                ?? throw ErrorIds.CheckpointDamaged.With($"The checkpoint {path} is empty.", path);
            if (checkpoint.Version > Checkpoint.CurrentVersion)
            {
                throw ErrorIds.FormatTooNew.With(
                    $"The checkpoint {path} has version {checkpoint.Version}; this version of KafkaBackup knows {Checkpoint.CurrentVersion}.",
                    path
                );
            }

            return FileSoundness.FaultOf(checkpoint) is { } fault
                ? throw ErrorIds.CheckpointDamaged.With($"The checkpoint {path} is damaged: {fault}.", path)
                : checkpoint;
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
            LocalFile.RequireWritable(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.CheckpointWrite.With(
                $"The checkpoint {path} cannot be written, so nothing was restored: {error.Message}",
                path,
                "Choose another -CheckpointPath, or make this one writable, then run again.",
                error
            );
        }
    }

    public void Write(Checkpoint checkpoint)
    {
        try
        {
            LocalFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(checkpoint, CheckpointJson.Default.Checkpoint));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.CheckpointWrite.With($"The checkpoint {path} cannot be written: {error.Message}", path, inner: error);
        }
    }

    public void Remove()
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.CheckpointWrite.With(
                $"The restore is complete, but its checkpoint {path} cannot be deleted: {error.Message}",
                path,
                "Delete it before this backup is restored again with this checkpoint.",
                error
            );
        }
    }

    /// <summary>Refuses a checkpoint of another restore, naming what differs.</summary>
    public void RequireSameSettings(Checkpoint checkpoint, RestoreFingerprint fingerprint)
    {
        var differing = fingerprint.DifferencesFrom(checkpoint.Config);
        if (differing.Count > 0)
        {
            throw Mismatch(differing);
        }

        if (checkpoint.ConfigHash != fingerprint.Hash)
        {
            throw ErrorIds.CheckpointDamaged.With(
                $"The checkpoint {path} was edited or damaged: its config_hash is not the one of the settings that it lists.",
                path
            );
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

    /// <summary>Between planning and now another restore may have begun with this checkpoint, or ended (it removes it then).</summary>
    public void RequireAsPlanned(Checkpoint? planned, Checkpoint? found)
    {
        if ((planned?.StartTime, planned?.LastCheckpointTime) != (found?.StartTime, found?.LastCheckpointTime))
        {
            var what =
                found is null ? "is gone"
                : planned is null ? "is new"
                : planned.StartTime != found.StartTime ? "belongs to another restore"
                : "was written again";
            throw ErrorIds.CheckpointMismatch.With(
                $"The checkpoint {path} {what} since this restore was planned: another restore used it meanwhile.",
                path,
                "Look at what the target holds, then plan again by running the same command."
            );
        }
    }

    private KafkaBackupException Mismatch(IReadOnlyList<string> differing) =>
        ErrorIds.CheckpointMismatch.With(
            $"The checkpoint {path} belongs to a restore with other settings. They differ in: {string.Join(", ", differing)}.",
            path
        );
}
