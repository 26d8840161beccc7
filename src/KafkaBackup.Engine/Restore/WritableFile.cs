using KafkaBackup.Engine.Storage.Files;

namespace KafkaBackup.Engine.Restore;

/// <summary>Tries out whether a local file that is written at the end, or again and again, can be written at all.</summary>
internal static class WritableFile
{
    /// <summary>Throws what the file system throws. What is there already stays as it is; the folder is made.</summary>
    public static void Require(string path)
    {
        if (Directory.Exists(path))
        {
            throw new IOException("It is a folder.");
        }

        DurableFolder.Create(Path.GetDirectoryName(Path.GetFullPath(path))!);

        // Files are written beside their place and then moved there, so that is what has to work.
        var beside = path + ".new";
        using (new FileStream(beside, FileMode.Create, FileAccess.Write))
        {
        }

        File.Delete(beside);
    }
}
