using System.IO.Enumeration;

namespace KafkaBackup.Engine.Storage.Files;

/// <summary>
/// Walks a folder tree in the ordinal order of keys, a folder at a time. Links are not followed and not shown: they could lead out of the
/// store or in circles.
/// </summary>
internal static class FileTree
{
    private static readonly EnumerationOptions EverythingHere = new()
    {
        AttributesToSkip = FileAttributes.None,
        IgnoreInaccessible = false,
        RecurseSubdirectories = false,
        ReturnSpecialDirectories = false,
    };

    /// <param name="Order">What the entry's keys begin with; a folder's ends in '/', which sorts after '-' and '.'.</param>
    public readonly record struct Entry(string Name, string Order, bool IsFolder, long Size, DateTimeOffset LastModified)
    {
        public bool IsTemporary => TemporaryFile.IsTemporaryName(Name);
    }

    /// <summary>Temporary files are among them. Files that vanish meanwhile are left out.</summary>
    public static List<Entry> Read(string folder, string namePrefix)
    {
        var entries = new List<Entry>();
        var found = new FileSystemEnumerable<Entry?>(folder, Describe, EverythingHere)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => entry.FileName.StartsWith(namePrefix, StringComparison.Ordinal),
        };
        foreach (var entry in found)
        {
            if (entry is { } known)
            {
                entries.Add(known);
            }
        }

        entries.Sort(static (left, right) => string.CompareOrdinal(left.Order, right.Order));
        return entries;
    }

    public static bool IsLink(FileSystemInfo entry) =>
        (entry.Attributes & FileAttributes.ReparsePoint) != 0 && entry.LinkTarget is not null;

    private static Entry? Describe(ref FileSystemEntry entry)
    {
        // De-duplicated and cloud files on Windows are reparse points as well, but no links.
        if ((entry.Attributes & FileAttributes.ReparsePoint) != 0 && entry.ToFileSystemInfo().LinkTarget is not null)
        {
            return null;
        }

        var name = entry.FileName.ToString();
        if (entry.IsDirectory)
        {
            return new Entry(name, name + "/", true, 0, default);
        }

        var modified = entry.LastWriteTimeUtc;
        return modified.Year <= 1601 ? null : new Entry(name, name, false, entry.Length, modified);
    }
}
