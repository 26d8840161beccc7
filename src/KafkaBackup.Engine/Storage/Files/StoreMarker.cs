using System.Text;

namespace KafkaBackup.Engine.Storage.Files;

/// <summary>
/// A small file in the root by which a folder that is a store is known again. Once seen it must stay: a folder without it is another one,
/// such as the empty folder beneath a mount point whose drive went away. Nothing is read or written there then.
/// </summary>
internal sealed class StoreMarker(string root, FileAccessRights rights)
{
    public const string Name = ".kafkabackup-store";

    private const int LongestId = 64;

    private readonly object _gate = new();
    private readonly string _path = Path.Combine(root, Name);
    private volatile string? _id;

    /// <summary>Before a write: the first one creates the folder and the marker where they are missing.</summary>
    public void RequireForWriting()
    {
        if (_id is null)
        {
            lock (_gate)
            {
                _id ??= Begin();
            }
        }

        Require();
    }

    /// <summary>Before it is said that something is not there. Throws StoreLost; does nothing as long as no marker was seen.</summary>
    public void Require()
    {
        var there = Read();
        _id ??= there;
        if (_id is { } id && there != id)
        {
            throw Lost(there is null ? "is missing" : "is another one");
        }
    }

    /// <summary>True when this folder was a store before, so that its absence is a loss.</summary>
    public bool WasSeen => _id is not null;

    public KafkaBackupException Lost(string how, Exception? cause = null) =>
        ErrorIds.StoreLost.With(
            $"The folder '{root}' is not the store that it was when this command began: its marker '{Name}' {how}. Nothing more was written there.",
            root,
            inner: cause
        );

    private string Begin()
    {
        DurableFolder.Create(root, rights);
        if (Read() is { } there)
        {
            return there;
        }

        using (var file = TemporaryFile.Create(_path, rights: rights))
        {
            file.Write(Encoding.ASCII.GetBytes(Guid.NewGuid().ToString("n")));

            // Another process may have put its own there meanwhile: that one counts then.
            file.TryTakeName();
        }

        return Read() ?? throw Lost("is missing");
    }

    private string? Read()
    {
        try
        {
            using var file = RegularFile.Open(root, Name, _path);
            Span<byte> content = stackalloc byte[LongestId];
            return Encoding.ASCII.GetString(content[..RandomAccess.Read(file, content, 0)]);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
