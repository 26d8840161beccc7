namespace KafkaBackup.Engine.Storage.S3;

internal sealed class S3Backend : StoreBackend
{
    public override string Name => "s3";

    public override string AddressForm => "s3://bucket/prefix";

    public override IReadOnlyList<StoreOption> Options { get; } =
    [
        new("region", StoreOptionKind.Text, "S3: the bucket's region."),
        new("endpoint", StoreOptionKind.Endpoint, "The server's address, http(s)://host:port, where it is not the public cloud's."),
        new("path_style", StoreOptionKind.Flag, "S3: put the bucket into the path, not the host name. Default: true with an endpoint."),
        new("allow_http", StoreOptionKind.Flag, "Allow an endpoint without TLS. Default: false."),
        new("access_key", StoreOptionKind.AccessKey, "S3: the access key. Default: the usual chain of credentials."),
        new("access_key_id", StoreOptionKind.AccessKey, "The same as access_key."),
        new("secret_key", StoreOptionKind.SecretKey, "S3: the secret key."),
        new("secret_access_key", StoreOptionKind.SecretKey, "The same as secret_key."),
        new("session_token", StoreOptionKind.SessionToken, "S3: the token of temporary credentials."),
        new("sse", StoreOptionKind.Word, "S3: server-side encryption.") { Words = ["AES256", "aws:kms", "aws:kms:dsse"] },
        new("sse_kms_key_id", StoreOptionKind.Text, "S3: the key for sse: aws:kms or aws:kms:dsse."),
        new("storage_class", StoreOptionKind.Text, "S3: the storage class of segments."),
        new("object_lock_days", StoreOptionKind.Number, "S3: lock what is written for so many days.")
        {
            Least = 1,
            Most = S3Options.LongestLockDays,
        },
        new("profile", StoreOptionKind.Text, "S3: the profile of the shared credentials file."),
    ];

    public override bool IsAddress(string path) => path.StartsWith("s3:", StringComparison.OrdinalIgnoreCase);

    public override string Normalize(string path, string? prefix, string baseFolder)
    {
        var (bucket, own) = S3Address.Split(path);
        return S3Address.Of(bucket, string.Join('/', [.. PartsOf(own), .. PartsOf(prefix)]));
    }

    public override string? AddressOfBucket(string bucket) => S3Address.Of(bucket, "");

    // It repeats by itself: parts and conditional writes can be repeated nowhere else, and twice would multiply.
    public override IStore Open(StoreSettings settings, TimeProvider clock, Action<RetryNotice>? onRetry, Action<string>? onWarning) =>
        new S3Store(settings, clock, onRetry, onWarning);
}
