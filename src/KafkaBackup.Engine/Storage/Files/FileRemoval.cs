namespace KafkaBackup.Engine.Storage.Files;

/// <summary>Takes a file away, and the folders that it leaves empty: a flat space of keys has no empty folders.</summary>
internal static class FileRemoval
{
    /// <summary>Durable when it returns. The root stays; what is not there is no error.</summary>
    public static void Remove(string path, string root)
    {
        try
        {
            if (File.Exists(path))
            {
                File.Delete(path);
                RemoveEmptyFolders(Path.GetDirectoryName(path)!, root);
            }
        }
        catch (DirectoryNotFoundException)
        {
            // Another delete took the folder: what was to be removed is gone.
        }
    }

    private static void RemoveEmptyFolders(string folder, string root)
    {
        while (folder.Length > root.Length && !Directory.EnumerateFileSystemEntries(folder).Any())
        {
            try
            {
                Directory.Delete(folder);
            }
            catch (IOException e) when (e is not DirectoryNotFoundException)
            {
                // Something was created in it meanwhile: it stays, or whoever takes that away takes the folder too.
                break;
            }

            folder = Path.GetDirectoryName(folder)!;
        }

        DurableFolder.Flush(folder);
    }
}
