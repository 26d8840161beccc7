namespace KafkaBackup.Engine.Storage.Files;

/// <summary>Folders whose entries survive a crash of the machine.</summary>
internal static class DurableFolder
{
    /// <summary>
    /// Creates the folder and what is missing above it; a name is only durable once the folder that holds it has been flushed.
    /// </summary>
    /// <param name="rights">Null for its owner alone.</param>
    /// <param name="within">Must be there: it is never created, nor what is above it.</param>
    public static void Create(string folder, FileAccessRights? rights = null, string? within = null)
    {
        rights ??= FileAccessRights.Private;
        if (Directory.Exists(folder))
        {
            return;
        }

        if (folder == within)
        {
            throw new DirectoryNotFoundException($"The folder '{folder}' is gone.");
        }

        var parent = Path.GetDirectoryName(folder);
        if (parent is not null)
        {
            Create(parent, rights, within);
        }

        rights.CreateFolder(folder);
        if (parent is not null)
        {
            Flush(parent);
        }
    }

    /// <summary>NTFS keeps names in its journal: nothing to do on Windows.</summary>
    public static void Flush(string folder)
    {
        if (!OperatingSystem.IsWindows())
        {
            PosixFiles.FlushFolder(folder);
        }
    }
}
