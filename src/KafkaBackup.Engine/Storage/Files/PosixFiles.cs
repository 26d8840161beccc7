using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KafkaBackup.Engine.Storage.Files;

/// <summary>
/// What the class library lacks on Linux and macOS: flushing a folder, giving a file its name only if nobody has it, writing past the page
/// cache.
/// </summary>
internal static partial class PosixFiles
{
    private const int ReadOnly = 0;
    private const int RenameNoReplace = 1;
    private const int RenameExclusive = 4;
    private const int CurrentFolder = -100;
    private const int GetFlags = 3;
    private const int SetFlags = 4;

    /// <summary>Of statx and fstat: larger than either's answer, and where it says what the file is.</summary>
    private const int StatusBytes = 256;
    private const int LinuxModeAt = 28;
    private const int MacModeAt = 4;
    private const int EmptyPath = 0x1000;
    private const uint TypeWanted = 1;
    private const int FromHere = 1;
    private const int TypeMask = 0xF000;
    private const int RegularType = 0x8000;
    private const int FolderType = 0x4000;

    private const int OperationNotPermitted = 1;
    private const int NotFound = 2;
    private const int AlreadyExists = 17;
    private const int AccessDenied = 13;
    private const int NotAFolder = 20;
    private const int InvalidArgument = 22;
    private const int TooManyLinks = 31;

    /// <summary>Makes the folder's entries (names that were created, renamed or removed) survive a crash of the machine.</summary>
    public static void FlushFolder(string path)
    {
        var descriptor = Open(path, ReadOnly | CloseOnExec);
        if (descriptor < 0)
        {
            throw Marshal.GetLastPInvokeError() == NotFound
                ? new DirectoryNotFoundException($"The folder '{path}' is gone.")
                : LastError(path);
        }

        try
        {
            // Network and FUSE file systems may not know how to flush a folder; they keep names in their own way.
            if (Flush(descriptor) != 0 && Marshal.GetLastPInvokeError() is not InvalidArgument and var error && !IsNotSupported(error))
            {
                throw LastError(path);
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>
    /// Moves source to target in one atomic step, unless the target exists: then false, and the source stays. A hard link does that on
    /// every file system that has them, NFS too; those without (FAT, some shares) know a rename that does not replace.
    /// </summary>
    public static bool TryMoveWithoutReplacing(string source, string target)
    {
        if (Link(source, target) == 0)
        {
            File.Delete(source);
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        if (error == AlreadyExists)
        {
            return false;
        }

        if (error is OperationNotPermitted or TooManyLinks || IsNotSupported(error))
        {
            if (RenameExclusively(source, target) == 0)
            {
                return true;
            }

            error = Marshal.GetLastPInvokeError();
            if (error == AlreadyExists)
            {
                return false;
            }

            if (error == InvalidArgument || IsNotSupported(error))
            {
                throw ErrorIds.StoreConfiguration.With(
                    $"The file system below '{target}' can neither link files nor rename them without replacing, so two runs could overwrite each other.",
                    target,
                    "Keep backups on a file system that has hard links (ext4, XFS, NTFS, APFS, NFS), or in an object store."
                );
            }
        }

        throw ErrorFor(error, target);
    }

    /// <summary>
    /// Opens what lies below the root, a folder at a time and without following a link; the root itself may be one. Never waits, whatever
    /// the file is.
    /// </summary>
    public static SafeFileHandle OpenBelow(string root, string key, string path)
    {
        var folder = Checked(Open(root, FolderFlags(followsLink: true)), path);
        try
        {
            var parts = key.Split('/');
            for (var i = 0; i < parts.Length - 1; i++)
            {
                var next = Checked(OpenAt(folder, parts[i], FolderFlags(followsLink: false)), path);
                _ = Close(folder);
                folder = next;
            }

            return new SafeFileHandle(
                Checked(OpenAt(folder, parts[^1], ReadOnly | NoFollow | NonBlocking | CloseOnExec), path),
                ownsHandle: true
            );
        }
        finally
        {
            _ = Close(folder);
        }
    }

    /// <summary>
    /// One folder, and none above it: a root that went away meanwhile must not come back. One that is there already is no error.
    /// </summary>
    public static void MakeFolder(string path, UnixFileMode mode)
    {
        if (MakeDirectory(path, (uint)mode) != 0 && Marshal.GetLastPInvokeError() != AlreadyExists)
        {
            _ = Checked(-1, path);
        }
    }

    public static PosixFileKind KindOf(SafeFileHandle file)
    {
        var status = new byte[StatusBytes];
        int type;
        if (OperatingSystem.IsMacOS())
        {
            type = FileStatus(file, status) == 0 ? BitConverter.ToUInt16(status, MacModeAt) & TypeMask : 0;
        }
        else
        {
            type = LinuxType(file, status);
        }

        return type switch
        {
            RegularType => PosixFileKind.Regular,
            FolderType => PosixFileKind.Folder,
            _ => PosixFileKind.Other,
        };
    }

    private static int LinuxType(SafeFileHandle file, byte[] status)
    {
        try
        {
            if (ExtendedStatus(file, "", EmptyPath, TypeWanted, status) == 0)
            {
                return BitConverter.ToUInt16(status, LinuxModeAt) & TypeMask;
            }

            if (Marshal.GetLastPInvokeError() is var error && error != OperationNotPermitted && !IsNotSupported(error))
            {
                return 0;
            }
        }
        catch (EntryPointNotFoundException)
        {
            // A C library from before statx.
        }

        // A kernel or a container that does not allow statx, or a C library without it. What can be positioned is no pipe and no socket.
        return Position(file, 0, FromHere) >= 0 ? RegularType : 0;
    }

    /// <summary>
    /// Turns writing past the page cache (O_DIRECT) on or off; false where the platform or the file system has no such thing.
    /// </summary>
    public static bool TrySetUncached(SafeFileHandle file, bool on)
    {
        var direct = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 or Architecture.X86 => 0x4000,
            Architecture.Arm64 or Architecture.Arm => 0x10000,
            _ => 0,
        };
        if (!OperatingSystem.IsLinux() || direct == 0)
        {
            return false;
        }

        var flags = Control(file, GetFlags, 0);
        return flags >= 0 && Control(file, SetFlags, on ? flags | direct : flags & ~direct) == 0;
    }

    private static int CloseOnExec => OperatingSystem.IsMacOS() ? 0x1000000 : 0x80000;

    private static int NonBlocking => OperatingSystem.IsMacOS() ? 0x4 : 0x800;

    private static int NoFollow =>
        OperatingSystem.IsMacOS() ? 0x100
        : IsArm ? 0x8000
        : 0x20000;

    private static int OnlyFolders =>
        OperatingSystem.IsMacOS() ? 0x100000
        : IsArm ? 0x4000
        : 0x10000;

    /// <summary>O_PATH: going through a folder needs no right to list it. macOS has no such flag.</summary>
    private static int OnlyPath => OperatingSystem.IsMacOS() ? 0 : 0x200000;

    /// <summary>Linux numbers these flags differently there.</summary>
    private static bool IsArm => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm or Architecture.Ppc64le;

    private static int FolderFlags(bool followsLink) => ReadOnly | OnlyFolders | OnlyPath | CloseOnExec | (followsLink ? 0 : NoFollow);

    private static int Checked(int descriptor, string path) =>
        descriptor >= 0
            ? descriptor
            : throw (
                Marshal.GetLastPInvokeError() switch
                {
                    NotFound => new DirectoryNotFoundException($"'{path}' does not exist."),
                    NotAFolder => new DirectoryNotFoundException($"A part of '{path}' is no folder."),
                    AccessDenied => new UnauthorizedAccessException($"Access to the path '{path}' is denied."),
                    var error => ErrorFor(error, path),
                }
            );

    private static int RenameExclusively(string source, string target) =>
        OperatingSystem.IsMacOS()
            ? RenameMac(source, target, RenameExclusive)
            : RenameLinux(CurrentFolder, source, CurrentFolder, target, RenameNoReplace);

    private static bool IsNotSupported(int error) => OperatingSystem.IsMacOS() ? error is 45 or 78 or 102 : error is 38 or 95;

    private static IOException LastError(string path) => ErrorFor(Marshal.GetLastPInvokeError(), path);

    private static IOException ErrorFor(int error, string path) => new($"{Marshal.GetPInvokeErrorMessage(error)} : '{path}'", error);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenAt(int folder, string name, int flags);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeDirectory(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "fstat", SetLastError = true)]
    private static partial int FileStatus(SafeFileHandle file, byte[] status);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ExtendedStatus(SafeFileHandle file, string path, int flags, uint mask, byte[] status);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long Position(SafeFileHandle file, long offset, int from);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(SafeFileHandle file, int command, int argument);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string source, string target);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameLinux(int sourceFolder, string source, int targetFolder, string target, uint flags);

    [LibraryImport("libc", EntryPoint = "renamex_np", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameMac(string source, string target, uint flags);
}
