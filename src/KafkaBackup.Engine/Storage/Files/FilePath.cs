namespace KafkaBackup.Engine.Storage.Files;

/// <summary>From keys to paths, without ever leaving the root.</summary>
internal static class FilePath
{
    /// <summary>A part at a time: a link on the way could lead anywhere.</summary>
    public static string Follow(string root, string key)
    {
        var path = root;
        foreach (var part in key.Split('/'))
        {
            path = Path.Join(path, part);
            if (FileTree.IsLink(new FileInfo(path)))
            {
                throw ErrorIds.InvalidPath.With(
                    $"'{path}' is a link; links inside a store are not followed.",
                    path,
                    "Put the real folder there, or give -Path the folder that the link leads to."
                );
            }
        }

        return path;
    }

    /// <summary>"Exists" also says no where a folder above may not be entered; attributes tell the two apart by what they throw.</summary>
    public static void CheckReadable(string path)
    {
        try
        {
            _ = File.GetAttributes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // Really not there.
        }
    }
}
