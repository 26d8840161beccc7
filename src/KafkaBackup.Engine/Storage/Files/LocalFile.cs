namespace KafkaBackup.Engine.Storage.Files;

/// <summary>
/// Small files of ours outside every store: the checkpoint, the offset report, saved offsets. A new version is written under a random name
/// that did not exist before, so it follows no link and takes no file of the user's, and only that file is ever deleted. Throws what the
/// file system throws.
/// </summary>
internal static class LocalFile
{
    /// <summary>Whole or not at all, and durable. A link at the path is replaced; what it leads to stays as it is.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        using var file = Write(path, content);
        try
        {
            file.Replace();
        }
        catch (KafkaBackupException inUse)
        {
            throw new IOException(inUse.Message, inUse);
        }
    }

    /// <summary>The same for a path that must be free.</summary>
    public static void Create(string path, ReadOnlySpan<byte> content)
    {
        using var file = Write(path, content);
        if (!file.TryTakeName())
        {
            throw new IOException($"'{path}' exists already.");
        }
    }

    /// <summary>Tries whether Replace can work. What is at the path stays as it is; the folder is made.</summary>
    public static void RequireWritable(string path)
    {
        if (Directory.Exists(path))
        {
            throw new IOException("It is a folder.");
        }

        Write(path, []).Dispose();
    }

    private static TemporaryFile Write(string path, ReadOnlySpan<byte> content)
    {
        var file = TemporaryFile.Create(Path.GetFullPath(path));
        try
        {
            file.Write(content);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
