namespace KafkaBackup.Engine.Storage.Files;

/// <summary>From what the operating system says to what an administrator can act on.</summary>
internal static class FileFault
{
    private const int WindowsCode = unchecked((int)0x80070000);

    public static bool IsFileException(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or NotSupportedException or System.Security.SecurityException;

    public static KafkaBackupException Reading(Exception cause, string root, string path) => Translate(cause, root, path, writing: false);

    public static KafkaBackupException Writing(Exception cause, string root, string path) => Translate(cause, root, path, writing: true);

    private static KafkaBackupException Translate(Exception cause, string root, string path, bool writing)
    {
        if (writing && IsReadOnly(cause.HResult))
        {
            return ErrorIds.StoreAccessDenied.With(
                $"'{path}' cannot be written: the file system is read-only.",
                path,
                "Mount it for writing, or choose another -Path.",
                cause
            );
        }

        var verb = writing ? "written" : "read";
        if (cause is UnauthorizedAccessException or System.Security.SecurityException || IsDenied(cause.HResult))
        {
            return ErrorIds.StoreAccessDenied.With($"'{path}' cannot be {verb}: {FirstLine(cause)}", path, inner: cause);
        }

        if (IsFull(cause.HResult))
        {
            return ErrorIds.StoreFull.With($"The disk or quota of '{root}' is full: '{path}' was not written.", path, inner: cause);
        }

        if (cause is FileNotFoundException or DirectoryNotFoundException or DriveNotFoundException && !Directory.Exists(root))
        {
            return MissingRoot(root, cause);
        }

        if (cause is FileNotFoundException or DirectoryNotFoundException && !writing)
        {
            return ErrorIds.StoreObjectMissing.With($"'{path}' does not exist.", path, inner: cause);
        }

        if (cause is PathTooLongException)
        {
            return ErrorIds.InvalidPath.With(
                $"The path '{path}' is too long for this file system.",
                path,
                "Choose a shorter -Path or -BackupId.",
                cause
            );
        }

        if (writing && cause is IOException && FileAbove(path) is { } file)
        {
            return ErrorIds.StoreWrite.With(
                $"'{path}' cannot be written: '{file}' is a file, where a folder is needed.",
                path,
                "Choose another -Path or -BackupId, or move that file away.",
                cause
            );
        }

        var error = (writing ? ErrorIds.StoreWrite : ErrorIds.StoreRead).With(
            $"'{path}' cannot be {verb}: {FirstLine(cause)}",
            path,
            inner: cause
        );
        return IsTransient(cause.HResult) ? error.AsTransient() : error;
    }

    public static KafkaBackupException MissingRoot(string root, Exception? cause = null) =>
        ErrorIds.StoreNotFound.With(
            $"The folder '{root}' does not exist.",
            root,
            "Check the path, and that the drive or share is mounted.",
            cause
        );

    private static string? FileAbove(string path)
    {
        var folder = Path.GetDirectoryName(path);
        while (folder is not null && !Path.Exists(folder))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return File.Exists(folder) ? folder : null;
    }

    private static string FirstLine(Exception cause) => cause.Message.Split('\n', 2)[0].TrimEnd();

    /// <summary>ENOSPC, EDQUOT, EFBIG; ERROR_DISK_FULL, ERROR_HANDLE_DISK_FULL, ERROR_DISK_QUOTA_EXCEEDED.</summary>
    private static bool IsFull(int code) =>
        OperatingSystem.IsWindows()
            ? code is WindowsCode + 112 or WindowsCode + 39 or WindowsCode + 1295
            : code is 28 or 27 || code == (OperatingSystem.IsMacOS() ? 69 : 122);

    /// <summary>EPERM, EACCES.</summary>
    private static bool IsDenied(int code) => !OperatingSystem.IsWindows() && code is 1 or 13;

    /// <summary>EROFS; ERROR_WRITE_PROTECT.</summary>
    private static bool IsReadOnly(int code) => code == (OperatingSystem.IsWindows() ? WindowsCode + 19 : 30);

    /// <summary>
    /// Somebody holds the file for a moment (virus scanners do), or a network file system lost its server for a moment. EINTR, EAGAIN,
    /// EBUSY, ENFILE, EMFILE, ETIMEDOUT, ECONNRESET, ENETUNREACH, EHOSTUNREACH, ESTALE; sharing and lock violations, lost network names.
    /// </summary>
    private static bool IsTransient(int code)
    {
        if (OperatingSystem.IsWindows())
        {
            return code - WindowsCode is 32 or 33 or 53 or 54 or 59 or 64 or 121 or 170 or 1231;
        }

        return OperatingSystem.IsMacOS()
            ? code is 4 or 35 or 16 or 23 or 24 or 60 or 54 or 51 or 65 or 70
            : code is 4 or 11 or 16 or 23 or 24 or 110 or 104 or 101 or 113 or 116;
    }
}
