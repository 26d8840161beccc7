using System.Collections;
using System.Management.Automation;

namespace KafkaBackup.Binding;

/// <summary>The store parameters as settings. Options that are secrets leave the options, which results carry along, for fields that never show.</summary>
internal static class StoreBinding
{
    private static readonly string[] AccessKeyNames = ["access_key", "access_key_id"];
    private static readonly string[] SecretKeyNames = ["secret_key", "secret_access_key"];
    private static readonly string[] SessionTokenNames = ["session_token"];

    public static StoreSettings? Settings(SessionState session, string? path, Hashtable? option, PSCredential? credential, string parameterPrefix = "")
    {
        if (path is null && option is null && credential is null)
            return null;

        var options = Maps.OfText(option, parameterPrefix + "StorageOption")?.ToDictionary(StringComparer.Ordinal);
        var accessKey = Take(options, AccessKeyNames);
        var secretKey = Take(options, SecretKeyNames);
        var sessionToken = Take(options, SessionTokenNames);
        if (credential is not null && (accessKey ?? secretKey) is not null)
        {
            throw ErrorIds.ConfigConflict.With(
                "The keys of the store are given twice, in -StorageCredential and in -StorageOption.", path, "Give them in -StorageCredential only.");
        }

        return new StoreSettings
        {
            Path = SessionPath.Store(session, path),
            Options = options,
            AccessKey = credential?.UserName ?? accessKey,
            SecretKey = Hide(credential is null ? secretKey : Maps.Reveal(credential.Password)),
            SessionToken = Hide(sessionToken),
        };
    }

    private static string? Take(Dictionary<string, string>? options, string[] names)
    {
        string? taken = null;
        foreach (var name in names)
        {
            if (options is not null && options.Remove(name, out var value))
                taken = value;
        }

        return taken;
    }

    private static Secret? Hide(string? value) => value is null ? null : new Secret(value);
}
