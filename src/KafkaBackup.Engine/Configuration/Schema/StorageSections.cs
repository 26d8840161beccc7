using KafkaBackup.Engine.Configuration.Yaml;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Configuration.Schema;

/// <summary>What stands under <c>storage</c>, before it is put together into one path.</summary>
internal sealed record StorageBranch(
    StoreSettings Store,
    string? Backend = null,
    string? Path = null,
    string? Bucket = null,
    string? Prefix = null
);

internal static class StorageSections
{
    /// <summary>What a store needs besides its address, for every kind of store. Read from files and from -StorageOption alike.</summary>
    public static Section<StoreSettings> Options(StoreBackends backends) =>
        backends.Options.Aggregate(new Section<StoreSettings>(), (section, option) => With(section, option));

    public static Section<StorageBranch> Storage(StoreBackends backends) =>
        new Section<StorageBranch>()
            .With(
                "backend",
                Forms.Word([.. backends.All.Select(backend => backend.Name).Order(StringComparer.Ordinal)]),
                (b, v) => b with { Backend = v },
                "Where backups live. Default: what path or bucket say."
            )
            .With("path", Forms.Text, (b, v) => b with { Path = v }, $"{backends.Forms}.")
            .With("bucket", Forms.Text, (b, v) => b with { Bucket = v }, "S3: the bucket.")
            .With("prefix", Forms.Text, (b, v) => b with { Prefix = v }, "What all keys begin with; for filesystem a folder below path.")
            .Including(Options(backends), b => b.Store, (b, v) => b with { Store = v });

    /// <summary>One path of what the file says in parts; null where the file leaves it to a parameter.</summary>
    public static StoreSettings ToStore(StorageBranch branch, ConfigNode node, Reading at, StoreBackends backends)
    {
        var path = string.IsNullOrWhiteSpace(branch.Path) ? null : branch.Path.Trim();
        var named = branch.Backend is null ? null : backends.Named(branch.Backend);
        if (path is not null && branch.Bucket is not null)
        {
            throw at.Conflict(node, "both path and bucket are given.", "Give bucket and prefix, or the whole address as path.");
        }

        if (branch.Bucket is not null && named?.AddressOfBucket(branch.Bucket) is null && named is not null)
        {
            throw at.Conflict(node, $"a bucket is named, but the backend is {named.Name}.", "Write backend: s3, or give a folder as path.");
        }

        var address = path ?? (branch.Bucket is null ? null : BucketAddress(branch.Bucket, named, backends));
        var backend = address is null
            ? named
            : at.Located(node, () => backends.IsAddress(address) ? backends.Of(address) : backends.Of(""));
        if (named is not null && backend != named)
        {
            throw at.Conflict(
                node,
                $"the backend is {named.Name}, but path is not: it is {backend!.AddressForm}.",
                $"Write backend: {backend.Name}, or give {named.AddressForm} as path."
            );
        }

        if (backend is not null && FirstOptionBeyond(backend, branch.Store, backends) is { } unused)
        {
            throw at.Conflict(
                node,
                $"{at.Path}.{unused} has no meaning for backend {backend.Name}.",
                "Remove it, or name another backend."
            );
        }

        return branch.Store with
        {
            Path = address is null ? null : at.Located(node, () => backend!.Normalize(address, branch.Prefix, at.Origin.Folder)),
        };
    }

    private static string? BucketAddress(string bucket, StoreBackend? named, StoreBackends backends) =>
        (named is null ? backends.All : [named])
            .Select(backend => backend.AddressOfBucket(bucket))
            .FirstOrDefault(address => address is not null);

    private static string? FirstOptionBeyond(StoreBackend backend, StoreSettings store, StoreBackends backends) =>
        backends
            .Options.ExceptBy(backend.Options.Select(option => option.Name), option => option.Name)
            .FirstOrDefault(option =>
                option.Kind switch
                {
                    StoreOptionKind.AccessKey => store.AccessKey is not null,
                    StoreOptionKind.SecretKey => store.SecretKey is not null,
                    StoreOptionKind.SessionToken => store.SessionToken is not null,
                    StoreOptionKind.Secret => store.Secrets?.ContainsKey(option.Name) == true,
                    _ => store.Options?.ContainsKey(option.Name) == true,
                }
            )
            ?.Name;

    private static Section<StoreSettings> With(Section<StoreSettings> section, StoreOption option) =>
        option.Kind switch
        {
            StoreOptionKind.Flag => section.With(
                option.Name,
                Forms.Boolean,
                (s, v) => Set(s, option.Name, v ? "true" : "false"),
                option.Help
            ),
            StoreOptionKind.Number => section.With(
                option.Name,
                Forms.Int(option.Least, option.Most),
                (s, v) => Set(s, option.Name, $"{v}"),
                option.Help
            ),
            StoreOptionKind.Word => section.With(option.Name, Forms.Word([.. option.Words]), (s, v) => Set(s, option.Name, v), option.Help),
            StoreOptionKind.Endpoint => section.With(
                option.Name,
                Forms.Text,
                (s, v, node, at) => Set(s, option.Name, CheckEndpoint(v, node, at)),
                option.Help
            ),
            StoreOptionKind.AccessKey => section.With(option.Name, Forms.Text, SetAccessKey, option.Help),
            StoreOptionKind.SecretKey => section.With(option.Name, Forms.Secret, SetSecretKey, option.Help),
            StoreOptionKind.Secret => section.With(option.Name, Forms.Secret, (s, v) => SetSecret(s, option.Name, v), option.Help),
            StoreOptionKind.SessionToken => section.With(option.Name, Forms.Secret, (s, v) => s with { SessionToken = v }, option.Help),
            _ => section.With(option.Name, Forms.Text, (s, v) => Set(s, option.Name, v), option.Help),
        };

    private static StoreSettings Set(StoreSettings store, string name, string value) =>
        store with
        {
            Options = new Dictionary<string, string>(store.Options ?? new Dictionary<string, string>(), StringComparer.Ordinal)
            {
                [name] = value,
            },
        };

    private static StoreSettings SetSecret(StoreSettings store, string name, Secret value) =>
        store with
        {
            Secrets = new Dictionary<string, Secret>(store.Secrets ?? new Dictionary<string, Secret>(), StringComparer.Ordinal)
            {
                [name] = value,
            },
        };

    private static string CheckEndpoint(string value, ConfigNode node, Reading at) =>
        value.Contains('@', StringComparison.Ordinal)
            ? throw ErrorIds.ConfigWrongType.With(
                $"{at.Origin.Locate(node.At)}: {at.Path} holds an @: an endpoint has no user name and no password.",
                at.Path,
                "Give scheme, host and port; keys go into -StorageCredential, or access_key and secret_key."
            )
        : Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? value
        : throw at.WrongType(node, "an address such as https://host:9000");

    private static StoreSettings SetAccessKey(StoreSettings store, string value, ConfigNode node, Reading at) =>
        store.AccessKey is null or "" ? store with { AccessKey = value } : throw at.Conflict(node, "the access key is given twice.");

    private static StoreSettings SetSecretKey(StoreSettings store, Secret value, ConfigNode node, Reading at) =>
        store.SecretKey is null ? store with { SecretKey = value } : throw at.Conflict(node, "the secret key is given twice.");
}
