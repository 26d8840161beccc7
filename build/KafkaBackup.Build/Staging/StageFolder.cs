namespace KafkaBackup.Build.Staging;

/// <summary>Makes a folder hold exactly a layout: writes what differs, removes what does not belong, touches nothing else.</summary>
internal sealed class StageFolder(string target)
{
    /// <returns>How many files were written or removed.</returns>
    public int Fill(ModuleLayout layout)
    {
        Directory.CreateDirectory(target);
        return RemoveOtherVersions() + RemoveStrangers(layout) + layout.Files.Count(file => Write(file.Key, file.Value));
    }

    /// <summary>Two versions side by side would make it a guess which one a test imports.</summary>
    private int RemoveOtherVersions()
    {
        var versions = Directory.GetParent(Path.GetFullPath(target))!;
        var others = versions.GetDirectories().Where(folder => folder.Name != Path.GetFileName(target)).ToList();
        others.ForEach(folder => folder.Delete(recursive: true));
        return others.Count;
    }

    private int RemoveStrangers(ModuleLayout layout)
    {
        var strangers = Directory
            .GetFiles(target, "*", SearchOption.AllDirectories)
            .Where(file => !layout.Files.ContainsKey(Path.GetRelativePath(target, file).Replace('\\', '/')))
            .ToList();
        strangers.ForEach(File.Delete);
        var folders = Directory.GetDirectories(target, "*", SearchOption.AllDirectories).OrderByDescending(folder => folder.Length);
        foreach (var folder in folders.Where(folder => !Directory.EnumerateFileSystemEntries(folder).Any()))
            Directory.Delete(folder);
        return strangers.Count;
    }

    private bool Write(string path, StagedFile file)
    {
        var destination = Path.Combine(target, path);
        if (IsCurrent(destination, file))
            return false;

        // A PowerShell that has the module loaded maps these files: they are replaced by rename, never overwritten in place.
        Directory.CreateDirectory(Path.GetDirectoryName(destination)!);
        var arriving = $"{destination}.{Environment.ProcessId}.new";
        if (file.Source is { } source)
            source.CopyTo(arriving, overwrite: true);
        else
            File.WriteAllBytes(arriving, file.Content!);
        try
        {
            File.Move(arriving, destination, overwrite: true);
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            File.Delete(arriving);
            throw new BuildStepException(
                $"{destination} can't be replaced ({refusal.Message}): close the PowerShell that has the module loaded"
            );
        }

        return true;
    }

    private static bool IsCurrent(string destination, StagedFile file)
    {
        var present = new FileInfo(destination);
        if (!present.Exists)
            return false;
        return file.Source is { } source
            ? present.Length == source.Length && present.LastWriteTimeUtc == source.LastWriteTimeUtc
            : File.ReadAllBytes(destination).AsSpan().SequenceEqual(file.Content);
    }
}
