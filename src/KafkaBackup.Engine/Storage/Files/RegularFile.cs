using Microsoft.Win32.SafeHandles;

namespace KafkaBackup.Engine.Storage.Files;

/// <summary>
/// Opens files below a root for reading, and only files: no pipe that waits for a writer, no device. On Linux and macOS every folder on the
/// way is opened from the one above without following links, so swapping one for a link between check and use gains nothing.
/// </summary>
internal static class RegularFile
{
    private const FileShare EverythingShared = FileShare.ReadWrite | FileShare.Delete;

    /// <param name="path">Root and key as one path, for messages.</param>
    public static SafeFileHandle Open(string root, string key, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, EverythingShared, FileOptions.Asynchronous);
        }

        var file = PosixFiles.OpenBelow(root, key, path);
        var kind = PosixFiles.KindOf(file);
        if (kind == PosixFileKind.Regular)
        {
            return file;
        }

        file.Dispose();
        throw kind == PosixFileKind.Folder
            ? new UnauthorizedAccessException($"'{path}' is a folder.")
            : ErrorIds.StoreRead.With(
                $"'{path}' is a pipe, a socket or a device; only files are opened.",
                path,
                "Find out who put it there, and remove it."
            );
    }
}

internal enum PosixFileKind
{
    Regular,
    Folder,
    Other,
}
