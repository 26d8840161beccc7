namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>
/// <c>az://account/container/prefix</c> and <c>https://account.blob.…/container/prefix</c>: the only place that takes them apart and puts
/// them together.
/// </summary>
/// <param name="Prefix">Without a slash at its end.</param>
/// <param name="Service">The host of the https form; null where the address is of the public cloud, or the option endpoint names it.</param>
internal sealed record AzureAddress(string Account, string Container, string Prefix, Uri? Service)
{
    public const string PublicHost = ".blob.core.windows.net";

    private const string Scheme = "az://";
    private const string Form =
        "Give az://account/container/prefix; keys and SAS tokens go into -StorageCredential, or account_key and sas_token.";

    /// <summary>In whatever form, even a mistaken one: the portal shows several addresses of one account.</summary>
    public static bool IsAddress(string path) =>
        path.StartsWith("az:", StringComparison.OrdinalIgnoreCase) || (WebHost(path) is { } host && IsStorageHost(host));

    public override string ToString()
    {
        var root = Service is null ? Scheme + Account : Service.GetLeftPart(UriPartial.Authority);
        return $"{root}/{Container}{(Prefix.Length == 0 ? "" : "/" + Prefix)}";
    }

    /// <exception cref="KafkaBackupException">InvalidPath. It repeats nothing that may be a key or a signature.</exception>
    public static AzureAddress Parse(string? address)
    {
        if (address is null || !IsAddress(address))
        {
            throw ErrorIds.InvalidPath.With(
                $"{Redaction.Show(address ?? "")} is not an az://account/container/prefix path.",
                address,
                Form
            );
        }

        if (address.IndexOfAny(['?', '#']) >= 0 || address.Contains("sig=", StringComparison.OrdinalIgnoreCase))
        {
            // A SAS, most likely: the path must not be repeated.
            throw ErrorIds.InvalidPath.With(
                "The path has a query, as in https://account.blob.core.windows.net/container?sv=…: a SAS token does not belong there.",
                "Path",
                "Give az://account/container/prefix, and the token by -StorageCredential or sas_token. The token in the path may be in a history or log now: replace it if it is still valid."
            );
        }

        var start = address.IndexOf("://", StringComparison.Ordinal);
        var parts = start < 0 ? [] : address[(start + 3)..].Split('/', 3);
        if (parts.Length > 0 && parts[0].Contains('@', StringComparison.Ordinal))
        {
            throw ErrorIds.InvalidPath.With(
                "The path has something before its account, with an @ behind it: keys do not belong there.",
                "Path",
                Form + " If a key was in the path, it may be in a history or log now: replace it."
            );
        }

        if (parts.Length < 2 || parts[1].Length == 0)
        {
            throw ErrorIds.InvalidPath.With($"The address {Redaction.Show(address)} names no container.", address, Form);
        }

        var service = address.StartsWith("az:", StringComparison.OrdinalIgnoreCase) ? null : ServiceOf(address);
        var account = service is null ? parts[0] : service.Host[..service.Host.IndexOf('.', StringComparison.Ordinal)];
        CheckNames(account, parts[1], address);
        var isPublic = service is null || service.Host == account + PublicHost;
        return new AzureAddress(account, parts[1], parts.Length > 2 ? parts[2].TrimEnd('/') : "", isPublic ? null : service);
    }

    private static Uri ServiceOf(string address)
    {
        if (address.StartsWith("http:", StringComparison.OrdinalIgnoreCase))
        {
            throw ErrorIds.InvalidPath.With(
                $"The address {Redaction.Show(address)} is plain HTTP: records would cross the network unencrypted.",
                address,
                "Give it with https; for an emulator give az://account/container, and endpoint and allow_http: true."
            );
        }

        var service = Uri.TryCreate(address, UriKind.Absolute, out var uri) ? new Uri(uri.GetLeftPart(UriPartial.Authority)) : null;
        return service is not null && service.Host.Contains(".blob.", StringComparison.Ordinal)
            ? service
            : throw ErrorIds.InvalidPath.With(
                $"The address {Redaction.Show(address)} is not that of a blob service.",
                address,
                "Take the account's blob service endpoint, with .blob. in its name. It serves accounts with a hierarchical namespace too."
            );
    }

    private static void CheckNames(string account, string container, string address)
    {
        if (account.Length is < 3 or > 24 || !account.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c)))
        {
            throw ErrorIds.InvalidPath.With(
                $"The address {Redaction.Show(address)} does not begin with a storage account's name: 3 to 24 lower-case letters and digits.",
                address,
                Form
            );
        }

        if (
            container.Length is < 3 or > 63
            || !container.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')
            || container[0] == '-'
            || container[^1] == '-'
            || container.Contains("--", StringComparison.Ordinal)
        )
        {
            throw ErrorIds.InvalidPath.With(
                $"'{container}' in the address {Redaction.Show(address)} cannot be a container's name: 3 to 63 lower-case letters, digits and single hyphens.",
                address,
                Form
            );
        }
    }

    private static string? WebHost(string path)
    {
        var scheme =
            path.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? 8
            : path.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? 7
            : 0;
        return scheme == 0 ? null : path[scheme..].Split('/', '?', '#')[0];
    }

    /// <summary>All of an account's services, so that the wrong one is named as such.</summary>
    private static bool IsStorageHost(string host) =>
        ((string[])[".blob.", ".dfs.", ".file.", ".queue.", ".table."]).Any(kind => host.Contains(kind, StringComparison.OrdinalIgnoreCase))
        && (
            host.Contains(".core.", StringComparison.OrdinalIgnoreCase)
            || host.Contains(".storage.azure.", StringComparison.OrdinalIgnoreCase)
        );
}
