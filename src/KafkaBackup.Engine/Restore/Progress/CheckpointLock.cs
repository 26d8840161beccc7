using KafkaBackup.Engine.Storage.Files;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Who holds it is the only process that restores with this checkpoint. The operating system keeps the lock, so it lasts while the process
/// is suspended and never outlives it. The file beside the checkpoint is empty and goes with the lock.
/// </summary>
internal sealed class CheckpointLock : IDisposable
{
    private readonly FileStream _file;

    private CheckpointLock(FileStream file) => _file = file;

    /// <exception cref="KafkaBackupException">CheckpointInUse while another process holds it; CheckpointWrite where it cannot be
    /// made.</exception>
    public static CheckpointLock Take(string checkpointPath)
    {
        var path = checkpointPath + ".lock";
        try
        {
            DurableFolder.Create(Path.GetDirectoryName(Path.GetFullPath(path))!);
            var there = new FileInfo(path);
            if (there.LinkTarget is not null || Directory.Exists(path) || (there.Exists && there.Length > 0))
            {
                throw ErrorIds.CheckpointWrite.With(
                    $"The checkpoint {checkpointPath} cannot be locked, so nothing was restored: '{path}' is not a lock file of KafkaBackup.",
                    path,
                    "Move that file away, or choose another -CheckpointPath, then run again."
                );
            }

            // Closing deletes before it unlocks, and opening makes sure that what it locked still has its name.
            return new CheckpointLock(
                new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose)
            );
        }
        catch (IOException error) when (IsHeld(error))
        {
            throw ErrorIds.CheckpointInUse.With(
                $"Another restore is using the checkpoint {checkpointPath}, so nothing was restored.",
                checkpointPath,
                inner: error
            );
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ErrorIds.CheckpointWrite.With(
                $"The checkpoint {checkpointPath} cannot be locked, so nothing was restored: {error.Message}",
                checkpointPath,
                "Choose another -CheckpointPath, or make its folder writable, then run again.",
                error
            );
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>ERROR_SHARING_VIOLATION; EWOULDBLOCK on Linux and on macOS.</summary>
    private static bool IsHeld(IOException error) =>
        error.HResult == unchecked((int)0x80070020) || error.HResult == (OperatingSystem.IsMacOS() ? 35 : 11);
}
