namespace KafkaBackup.Engine.Storage.Files;

/// <summary>
/// Who may read what is created. Backups hold the records of every topic, so by default only their owner may; Windows inherits from the
/// folder above.
/// </summary>
/// <param name="FollowUmask">Leave it to the umask and to default ACLs, as other programs do.</param>
internal sealed record FileAccessRights(bool FollowUmask)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>0600 for files, 0700 for folders.</summary>
    public static FileAccessRights Private { get; } = new(FollowUmask: false);

    public static FileAccessRights Umask { get; } = new(FollowUmask: true);

    private bool IsSet => !FollowUmask && !OperatingSystem.IsWindows();

    public FileStream CreateFile(string path)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            Options = FileOptions.Asynchronous,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows() && IsSet)
        {
            options.UnixCreateMode = OwnerOnly;
        }

        return new FileStream(path, options);
    }

    public void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            // The umask takes from this what it takes from all.
            PosixFiles.MakeFolder(path, (UnixFileMode)(FollowUmask ? 0b111_111_111 : 0b111_000_000));
        }
    }
}
