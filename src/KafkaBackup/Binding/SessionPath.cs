using System.Management.Automation;

namespace KafkaBackup.Binding;

/// <summary>
/// Paths as PowerShell users write them: relative to the current location, on PSDrives, with ~. Nothing is expanded: * is a character.
/// </summary>
internal static class SessionPath
{
    private const string ObjectStore = "s3://";
    private const string StoreForms = "Use a folder (./backups, a PSDrive is fine) or s3://bucket/prefix.";

    public static string? File(SessionState session, string? path) =>
        path is null ? null : Resolve(session, path, "Use a path of the file system.");

    /// <summary>The store's folder, absolute, or its <c>s3://</c> address as it is.</summary>
    public static string? Store(SessionState session, string? path)
    {
        if (path is null)
            return null;
        if (path.StartsWith(ObjectStore, StringComparison.OrdinalIgnoreCase))
            return ObjectStore + path[ObjectStore.Length..];
        if (path.StartsWith("s3:", StringComparison.OrdinalIgnoreCase) || path.Contains("://", StringComparison.Ordinal))
            throw ErrorIds.InvalidPath.With($"{Redaction.Show(path)} is not an address of a store.", path, StoreForms);

        return Resolve(session, path, StoreForms);
    }

    private static string Resolve(SessionState session, string path, string forms)
    {
        try
        {
            var resolved = session.Path.GetUnresolvedProviderPathFromPSPath(path, out var provider, out _);
            return provider.Name == "FileSystem"
                ? resolved
                : throw ErrorIds.InvalidPath.With($"{Redaction.Show(path)} is a path of the provider {provider.Name}.", path, forms);
        }
        catch (Exception failure)
            when (failure is SessionStateException or ArgumentException or PSInvalidOperationException or NotSupportedException)
        {
            throw ErrorIds.InvalidPath.With($"{Redaction.Show(path)} is not a path: {failure.Message}", path, forms, failure);
        }
    }
}
