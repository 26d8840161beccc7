namespace KafkaBackup.Engine.Configuration;

/// <summary>The one form of a store's address: an absolute folder, or <c>s3://bucket/prefix</c> without a slash at its end.</summary>
public static class StorePath
{
    private const string Scheme = "s3://";

    public static bool IsS3(string path) => path.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase);

    /// <exception cref="KafkaBackupException">InvalidPath.</exception>
    public static string Normalize(string path, string baseFolder) => IsS3(path) ? S3(path, null) : Folder(path, baseFolder, null);

    internal static string Folder(string path, string baseFolder, string? prefix)
    {
        if (path.Contains("://", StringComparison.Ordinal))
        {
            throw ErrorIds.InvalidPath.With(
                $"{Redaction.Show(path)} is neither a folder nor s3://bucket/prefix: other stores are not supported.",
                path
            );
        }

        if (string.IsNullOrWhiteSpace(path) || path.Contains('\0', StringComparison.Ordinal))
        {
            throw ErrorIds.InvalidPath.With("The store's path is empty or holds a NUL character.", path);
        }

        var folder = Path.GetFullPath(path, baseFolder);
        return Path.TrimEndingDirectorySeparator(string.IsNullOrEmpty(prefix) ? folder : Path.Combine([folder, .. Parts(prefix)]));
    }

    internal static string S3(string address, string? prefix)
    {
        var parts = address[Scheme.Length..].Split('/', 2);
        var bucket = parts[0];
        if (bucket.Length is < 3 or > 255 || !bucket.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
        {
            throw ErrorIds.InvalidPath.With(
                $"The address {Redaction.Show(address)} does not begin with a bucket's name.",
                address,
                "Give s3://bucket/prefix; keys go into -StorageCredential, or access_key and secret_key."
            );
        }

        string[] keys = [.. parts.Length > 1 ? Parts(parts[1]) : [], .. Parts(prefix ?? "")];
        return Scheme + string.Join('/', [bucket, .. keys]);
    }

    // A store key never leaves its prefix (rule A8).
    private static string[] Parts(string prefix)
    {
        var parts = prefix.Split('/', '\\').Where(part => part.Length > 0).ToArray();
        return parts.Any(part => part is "." or "..")
            ? throw ErrorIds.InvalidPath.With(
                $"The prefix {Redaction.Show(prefix)} has a '.' or '..' in it.",
                prefix,
                "Name the folder or prefix itself."
            )
            : parts;
    }
}
