namespace KafkaBackup.Engine.Storage.S3;

/// <summary><c>s3://bucket/prefix</c>: the only place that takes it apart and puts it together.</summary>
internal static class S3Address
{
    private const string Scheme = "s3://";

    private const string Form = "Give s3://bucket/prefix; keys go into -StorageCredential, or access_key and secret_key.";

    public static string Of(string bucket, string prefix) => Scheme + bucket + (prefix.Length == 0 ? "" : "/" + prefix);

    /// <summary>Bucket and prefix; the prefix has no slash at its end and is otherwise as it was written.</summary>
    /// <exception cref="KafkaBackupException">InvalidPath.</exception>
    public static (string Bucket, string Prefix) Split(string? address)
    {
        if (address is null || !address.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            throw ErrorIds.InvalidPath.With($"{Redaction.Show(address ?? "")} is not an s3://bucket/prefix path.", address, Form);
        }

        var rest = address[Scheme.Length..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var bucket = slash < 0 ? rest : rest[..slash];
        if (bucket.Contains('@', StringComparison.Ordinal))
        {
            // What stands before it may be a key: the path must not be repeated.
            throw ErrorIds.InvalidPath.With(
                "The path has something before its bucket, as in s3://user:password@bucket: keys do not belong there.",
                "Path",
                "Give s3://bucket/prefix, and the keys by -StorageCredential. If a secret key was in the path, it may be in a history or log now: replace it."
            );
        }

        if (bucket.Length is < 3 or > 255 || !bucket.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
        {
            throw ErrorIds.InvalidPath.With($"The address {Redaction.Show(address)} does not begin with a bucket's name.", address, Form);
        }

        return (bucket, slash < 0 ? "" : rest[(slash + 1)..].TrimEnd('/'));
    }
}
