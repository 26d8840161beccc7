using System.Management.Automation;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Binding;

/// <summary>
/// Paths as PowerShell users write them: relative to the current location, on PSDrives, with ~. Nothing is expanded: * is a character.
/// </summary>
internal static class SessionPath
{
    public static string? File(SessionState session, string? path) =>
        path is null ? null : Resolve(session, path, "Use a path of the file system.");

    /// <summary>The store's folder, absolute, or its address as it is.</summary>
    public static string? Store(SessionState session, string? path) =>
        path is null || StoreBackends.Known.IsAddress(path)
            ? path
            : Resolve(session, path, $"Use {StoreBackends.Known.Forms}; a relative folder and a PSDrive are fine.");

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
