using System.Collections;
using System.Management.Automation;

namespace KafkaBackup.Binding;

/// <summary>
/// The store parameters as settings. Keys among the options are for the engine to find: it knows their names from the file.
/// </summary>
internal static class StoreBinding
{
    public static StoreSettings? Settings(
        SessionState session,
        string? path,
        Hashtable? option,
        PSCredential? credential,
        string parameterPrefix = ""
    )
    {
        if (path is null && option is null && credential is null)
            return null;

        return new StoreSettings
        {
            Path = SessionPath.Store(session, path),
            Options = Maps.OfText(option, parameterPrefix + "StorageOption"),
            AccessKey = credential?.UserName,
            SecretKey = credential is null ? null : new Secret(Maps.Reveal(credential.Password)),
        };
    }
}
