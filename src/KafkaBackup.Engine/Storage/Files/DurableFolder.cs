namespace KafkaBackup.Engine.Storage.Files;

/// <summary>Folders whose entries survive a crash of the machine.</summary>
internal static class DurableFolder
{
    /// <summary>Creates the folder and what is missing above it; a name is only durable once the folder that holds it has been flushed.</summary>
    public static void Create(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        var parent = Path.GetDirectoryName(folder);
        if (parent is not null)
        {
            Create(parent);
        }

        Directory.CreateDirectory(folder);
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
