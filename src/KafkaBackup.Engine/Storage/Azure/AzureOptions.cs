using System.Globalization;
using System.Net;
using Azure.Storage.Blobs.Models;

namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>The settings of an Azure store, checked: what can be refused is refused here, before the first request.</summary>
internal sealed record AzureOptions
{
    /// <summary>What Azure allows.</summary>
    public const int LongestLockDays = 146_000;

    public required AzureAddress Address { get; init; }

    /// <summary>The blob service, without a slash at its end.</summary>
    public required Uri Service { get; init; }

    public required AzureLogin Login { get; init; }

    public AccessTier? SegmentTier { get; init; }
    public AccessTier? ManifestTier { get; init; }
    public int? ImmutabilityDays { get; init; }
    public bool CreateContainer { get; init; }

    /// <summary>"" or ending in '/'.</summary>
    public string Prefix => Address.Prefix.Length == 0 ? "" : Address.Prefix + "/";

    public string Location => Address.ToString();

    public static AzureOptions From(StoreSettings settings)
    {
        var address = AzureAddress.Parse(settings.Path);
        if (address.Prefix.Length > 0)
        {
            CheckPrefix(address.Prefix, settings.Path!);
        }

        var given = settings.Options ?? new Dictionary<string, string>();
        var allowHttp = Flag(given, "allow_http") ?? false;
        var login = AzureLogin.From(settings, address.Account);
        var service =
            ServiceFrom(Text(given, "endpoint") ?? login.Endpoint, address.Account, allowHttp)
            ?? address.Service
            ?? new Uri($"https://{address.Account}{AzureAddress.PublicHost}");
        if (service.Scheme == "http" && login.IsToken)
        {
            throw Refuse(
                "endpoint",
                $"{AzureLogin.Capital(login.Origin)} cannot be used over plain HTTP: the token would cross the network unencrypted.",
                "Give an https endpoint, or account_key or sas_token for an emulator."
            );
        }

        return new AzureOptions
        {
            Address = address,
            Service = service,
            Login = login,
            SegmentTier = Tier(given, "access_tier"),
            ManifestTier = Tier(given, "manifest_access_tier"),
            ImmutabilityDays = Days(given, "immutability_days"),
            CreateContainer = Flag(given, "create_container") ?? false,
        };
    }

    public static string? Text(IReadOnlyDictionary<string, string> given, string name) =>
        given.TryGetValue(name, out var value) && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;

    public static KafkaBackupException Refuse(string option, string message, string advice) =>
        ErrorIds.StoreConfiguration.With(message, option, advice);

    /// <summary>The account stands in the host name, or behind it where the host is an emulator's.</summary>
    private static Uri? ServiceFrom(string? text, string account, bool allowHttp)
    {
        if (text is null)
        {
            return null;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.Host.Length == 0)
        {
            throw Refuse(
                "endpoint",
                $"The endpoint {Redaction.Show(text)} is not an http or https address.",
                "Give the account's blob service endpoint: https://account.blob.core.usgovcloudapi.net."
            );
        }

        if (uri.UserInfo.Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
        {
            throw Refuse(
                "endpoint",
                "The endpoint has a user name, a query or a fragment, which may be a secret.",
                "Give scheme, host and port only; a SAS token goes into sas_token."
            );
        }

        if (uri.Scheme == "http" && !allowHttp)
        {
            throw Refuse(
                "endpoint",
                $"The endpoint {Redaction.Show(text)} is plain HTTP: records would cross the network unencrypted.",
                "Use https, or set allow_http: true if that network can be trusted."
            );
        }

        if (((string[])[".dfs.", ".file.", ".queue.", ".table."]).Any(kind => uri.Host.Contains(kind, StringComparison.OrdinalIgnoreCase)))
        {
            throw Refuse(
                "endpoint",
                $"The endpoint {Redaction.Show(text)} is not that of a blob service.",
                "Take the one with .blob. in its name. It serves accounts with a hierarchical namespace too."
            );
        }

        var root = uri.GetLeftPart(UriPartial.Authority);
        var path = uri.AbsolutePath.Trim('/');
        if (path.Length > 0)
        {
            return path == account
                ? new Uri($"{root}/{path}")
                : throw Refuse(
                    "endpoint",
                    $"The endpoint {Redaction.Show(text)} has a path that is not the account's name '{account}'.",
                    "Account and container are named in the path az://account/container/prefix only."
                );
        }

        return uri.Host.StartsWith("blob.", StringComparison.OrdinalIgnoreCase) ? new Uri($"{uri.Scheme}://{account}.{uri.Authority}")
            : IPAddress.TryParse(uri.Host.Trim('[', ']'), out _) || !uri.Host.Contains('.', StringComparison.Ordinal)
                ? new Uri($"{root}/{account}")
            : new Uri(root);
    }

    /// <summary>The rule is that of keys; what it says of manifests does not fit what a user typed.</summary>
    private static void CheckPrefix(string prefix, string path)
    {
        try
        {
            StoreKey.Check(prefix);
        }
        catch (KafkaBackupException e)
        {
            throw ErrorIds.InvalidPath.With(
                $"The prefix '{prefix}' cannot be used.",
                path,
                "A prefix has no ':', '\\' or control character in it, and no part that is empty, '.' or '..'.",
                e
            );
        }
    }

    private static AccessTier? Tier(IReadOnlyDictionary<string, string> given, string name)
    {
        var text = Text(given, name);
        if (text is null)
        {
            return null;
        }

        if (text.Equals("Archive", StringComparison.OrdinalIgnoreCase))
        {
            throw Refuse(
                name,
                "The Archive tier cannot be read without being rehydrated for hours first: neither checks nor restores would work.",
                "Use Hot, Cool or Cold."
            );
        }

        return ((AccessTier[])[AccessTier.Hot, AccessTier.Cool, AccessTier.Cold])
                .Where(tier => tier.ToString().Equals(text, StringComparison.OrdinalIgnoreCase))
                .Select(tier => (AccessTier?)tier)
                .FirstOrDefault()
            ?? throw Refuse(name, $"{Redaction.Show(text)} is not a value for {name}.", "Use Hot, Cool or Cold.");
    }

    private static bool? Flag(IReadOnlyDictionary<string, string> given, string name) =>
        Text(given, name) switch
        {
            null => null,
            var text when bool.TryParse(text, out var flag) => flag,
            var text => throw Refuse(name, $"{Redaction.Show(text)} is not a value for {name}.", "Use true or false."),
        };

    private static int? Days(IReadOnlyDictionary<string, string> given, string name)
    {
        var text = Text(given, name);
        if (text is null)
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var days) && days is >= 1 and <= LongestLockDays
            ? days
            : throw Refuse(
                name,
                $"{Redaction.Show(text)} is not a value for {name}.",
                $"Give a number of days from 1 to {LongestLockDays}."
            );
    }
}
