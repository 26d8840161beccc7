using KafkaBackup.Engine.Configuration.Yaml;

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
    private const string FileSystem = "filesystem";
    private const string S3 = "s3";

    /// <summary>The one option of a folder.</summary>
    public const string FolderOption = "file_mode";

    /// <summary>What a store needs besides its address. Read from files and from -StorageOption alike.</summary>
    public static Section<StoreSettings> Options { get; } =
        new Section<StoreSettings>()
            .With("region", Forms.Text, (s, v) => Set(s, "region", v), "S3: the bucket's region.")
            .With(
                "endpoint",
                Forms.Text,
                (s, v, node, at) => Set(s, "endpoint", CheckEndpoint(v, node, at)),
                "S3: the address of a compatible server, http(s)://host:port."
            )
            .With(
                "path_style",
                Forms.Boolean,
                (s, v) => Set(s, "path_style", v ? "true" : "false"),
                "S3: put the bucket into the path, not the host name. Default: true with an endpoint."
            )
            .With(
                "allow_http",
                Forms.Boolean,
                (s, v) => Set(s, "allow_http", v ? "true" : "false"),
                "S3: allow an endpoint without TLS. Default: false."
            )
            .With(
                "access_key",
                Forms.Text,
                (s, v, node, at) => SetAccessKey(s, v, node, at),
                "S3: the access key. Default: the usual chain of credentials."
            )
            .With("access_key_id", Forms.Text, (s, v, node, at) => SetAccessKey(s, v, node, at), "The same as access_key.")
            .With("secret_key", Forms.Secret, (s, v, node, at) => SetSecretKey(s, v, node, at), "S3: the secret key.")
            .With("secret_access_key", Forms.Secret, (s, v, node, at) => SetSecretKey(s, v, node, at), "The same as secret_key.")
            .With("session_token", Forms.Secret, (s, v) => s with { SessionToken = v }, "S3: the token of temporary credentials.")
            .With("sse", Forms.Word("AES256", "aws:kms", "aws:kms:dsse"), (s, v) => Set(s, "sse", v), "S3: server-side encryption.")
            .With("sse_kms_key_id", Forms.Text, (s, v) => Set(s, "sse_kms_key_id", v), "S3: the key for sse: aws:kms or aws:kms:dsse.")
            .With("storage_class", Forms.Text, (s, v) => Set(s, "storage_class", v), "S3: the storage class of segments.")
            .With(
                "object_lock_days",
                Forms.Int(1, 36_500),
                (s, v) => Set(s, "object_lock_days", $"{v}"),
                "S3: lock what is written for so many days."
            )
            .With("profile", Forms.Text, (s, v) => Set(s, "profile", v), "S3: the profile of the shared credentials file.")
            .With(
                FolderOption,
                Forms.Word("private", "umask"),
                (s, v) => Set(s, FolderOption, v),
                "Folder, on Linux and macOS: who may read new files. Default: private."
            );

    public static Section<StorageBranch> Storage { get; } =
        new Section<StorageBranch>()
            .With(
                "backend",
                Forms.Word(FileSystem, S3),
                (b, v) => b with { Backend = v },
                "Where backups live. Default: what path or bucket say."
            )
            .With("path", Forms.Text, (b, v) => b with { Path = v }, "The folder, or s3://bucket/prefix.")
            .With("bucket", Forms.Text, (b, v) => b with { Bucket = v }, "S3: the bucket.")
            .With("prefix", Forms.Text, (b, v) => b with { Prefix = v }, "What all keys begin with; for filesystem a folder below path.")
            .Including(Options, b => b.Store, (b, v) => b with { Store = v });

    /// <summary>One path of what the file says in parts; null where the file leaves it to a parameter.</summary>
    public static StoreSettings ToStore(StorageBranch branch, ConfigNode node, Reading at)
    {
        var path = string.IsNullOrWhiteSpace(branch.Path) ? null : branch.Path.Trim();
        var isUrl = path is not null && StorePath.IsS3(path);
        var backend = branch.Backend ?? (branch.Bucket is not null || isUrl ? S3 : FileSystem);
        if (backend == FileSystem)
        {
            if (branch.Bucket is not null || isUrl)
            {
                throw at.Conflict(
                    node,
                    "a bucket is named, but the backend is filesystem.",
                    "Write backend: s3, or give a folder as path."
                );
            }

            if ((branch.Backend ?? path) is not null && FirstS3Setting(branch.Store) is { } unused)
            {
                throw at.Conflict(node, $"{at.Path}.{unused} has no meaning for backend filesystem.", "Remove it, or write backend: s3.");
            }

            return branch.Store with
            {
                Path = path is null ? null : Located(node, at, () => StorePath.Folder(path, at.Origin.Folder, branch.Prefix)),
            };
        }

        if (path is not null && (!isUrl || branch.Bucket is not null))
        {
            throw at.Conflict(
                node,
                isUrl ? "both path and bucket are given." : "the backend is s3, but path is a folder.",
                "For S3 give bucket and prefix, or path: s3://bucket/prefix."
            );
        }

        var address = path ?? (branch.Bucket is null ? null : $"s3://{branch.Bucket}");
        return branch.Store with { Path = address is null ? null : Located(node, at, () => StorePath.S3(address, branch.Prefix)) };
    }

    private static string Located(ConfigNode node, Reading at, Func<string> path) => at.Located(node, path);

    private static string? FirstS3Setting(StoreSettings store) =>
        store.Options?.Keys.FirstOrDefault(name => name != FolderOption)
        ?? (
            store.AccessKey is not null ? "access_key"
            : store.SecretKey is not null ? "secret_key"
            : store.SessionToken is not null ? "session_token"
            : null
        );

    private static StoreSettings Set(StoreSettings store, string name, string value) =>
        store with
        {
            Options = new Dictionary<string, string>(store.Options ?? new Dictionary<string, string>(), StringComparer.Ordinal)
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
