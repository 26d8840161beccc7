namespace KafkaBackup.Engine.Storage;

/// <summary>
/// A kind of store: how its addresses look, which options it takes and how it is opened. Configuration, paths, messages and help ask it, so
/// a new kind is a folder of its own and one line in <see cref="StoreBackends"/>.
/// </summary>
public abstract class StoreBackend
{
    /// <summary>As the key <c>storage.backend</c> spells it.</summary>
    public abstract string Name { get; }

    /// <summary>An address as messages show it: <c>s3://bucket/prefix</c>.</summary>
    public abstract string AddressForm { get; }

    /// <summary>What it needs besides its address. Kinds of stores that share a name share the option's meaning and form.</summary>
    public abstract IReadOnlyList<StoreOption> Options { get; }

    /// <summary>Whether a path is one of its addresses, in whatever form it understands, even a mistaken one.</summary>
    public abstract bool IsAddress(string path);

    /// <summary>The one form of an address, absolute and without a slash at its end; nothing is connected.</summary>
    /// <param name="prefix">What is appended; null for nothing.</param>
    /// <exception cref="KafkaBackupException">InvalidPath. Its message repeats no secret that stands in the address.</exception>
    public abstract string Normalize(string path, string? prefix, string baseFolder);

    /// <summary>The address of what <c>storage.bucket</c> names; null where there are no buckets.</summary>
    public virtual string? AddressOfBucket(string bucket) => null;

    /// <summary>Refuses a normalized address that cannot hold backups, as far as that is seen without a network.</summary>
    /// <exception cref="KafkaBackupException">InvalidPath.</exception>
    public virtual void CheckPlace(string path) { }

    /// <summary>A store that repeats what is worth repeating. The caller disposes of it.</summary>
    /// <param name="onWarning">Hears what the user should know although nothing failed.</param>
    /// <exception cref="KafkaBackupException">InvalidPath, StoreConfiguration.</exception>
    public abstract IStore Open(StoreSettings settings, TimeProvider clock, Action<RetryNotice>? onRetry, Action<string>? onWarning);

    // A store key never leaves its prefix (rule A8).
    private protected static string[] PartsOf(string? prefix)
    {
        var parts = (prefix ?? "").Split('/', '\\').Where(part => part.Length > 0).ToArray();
        return parts.Any(part => part is "." or "..")
            ? throw ErrorIds.InvalidPath.With(
                $"The prefix {Redaction.Show(prefix!)} has a '.' or '..' in it.",
                prefix,
                "Name the folder or prefix itself."
            )
            : parts;
    }
}

/// <summary>How an option is read, from files and from -StorageOption alike.</summary>
public enum StoreOptionKind
{
    Text,
    Flag,

    /// <summary>A whole number from <see cref="StoreOption.Least"/> to <see cref="StoreOption.Most"/>.</summary>
    Number,

    /// <summary>One of <see cref="StoreOption.Words"/>.</summary>
    Word,

    /// <summary>http(s)://host:port.</summary>
    Endpoint,
    AccessKey,
    SecretKey,
    SessionToken,

    /// <summary>A secret of this kind of store's own; it never shows.</summary>
    Secret,
}

public sealed record StoreOption(string Name, StoreOptionKind Kind, string Help)
{
    public IReadOnlyList<string> Words { get; init; } = [];
    public int Least { get; init; }
    public int Most { get; init; } = int.MaxValue;

    /// <summary>Kept apart from the other options: results carry those from one cmdlet to the next.</summary>
    public bool IsKey => Kind is StoreOptionKind.AccessKey or StoreOptionKind.SecretKey or StoreOptionKind.SessionToken;
}
