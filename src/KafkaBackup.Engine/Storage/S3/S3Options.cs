using System.Globalization;
using System.Text.RegularExpressions;

namespace KafkaBackup.Engine.Storage.S3;

/// <summary>The settings of an S3 store, checked: what can be refused is refused here, before the first request.</summary>
internal sealed partial record S3Options
{
    private const string Kms = "aws:kms";
    private const string KmsTwice = "aws:kms:dsse";
    public const int LongestLockDays = 36_500;

    /// <summary>
    /// What lies in these classes is readable hours after it was asked for: no restore, no check, no second run could read it.
    /// </summary>
    private static readonly string[] Archives = ["GLACIER", "DEEP_ARCHIVE"];

    public required string Bucket { get; init; }

    /// <summary>"" or ending in '/'.</summary>
    public required string Prefix { get; init; }

    public string? Region { get; init; }
    public Uri? Endpoint { get; init; }
    public bool PathStyle { get; init; }
    public bool AllowHttp { get; init; }
    public string? Encryption { get; init; }
    public string? KmsKeyId { get; init; }
    public string? StorageClass { get; init; }
    public int? ObjectLockDays { get; init; }
    public string? Profile { get; init; }
    public string? AccessKey { get; init; }
    public Secret? SecretKey { get; init; }
    public Secret? SessionToken { get; init; }

    public string Location => S3Address.Of(Bucket, Prefix.TrimEnd('/'));

    public static S3Options From(StoreSettings settings)
    {
        var (bucket, prefix) = S3Address.Split(settings.Path);
        if (prefix.Length > 0)
        {
            CheckPrefix(prefix, settings.Path!);
            prefix += "/";
        }

        var given = settings.Options ?? new Dictionary<string, string>();
        var allowHttp = Flag(given, "allow_http") ?? false;
        var endpoint = EndpointFrom(Text(given, "endpoint"), allowHttp);
        if ((settings.AccessKey is null) != (settings.SecretKey is null))
        {
            var missing = settings.AccessKey is null ? "access_key" : "secret_key";
            throw Refuse(
                missing,
                $"Only one half of the S3 credentials is given: {missing} is missing.",
                "Give both keys, or neither to use the AWS credential chain (environment, profile, role)."
            );
        }

        if (settings.AccessKey is not null && (string.IsNullOrWhiteSpace(settings.AccessKey) || settings.SecretKey!.Reveal().Length == 0))
        {
            var empty = string.IsNullOrWhiteSpace(settings.AccessKey) ? "access_key" : "secret_key";
            throw Refuse(
                empty,
                $"The S3 credentials are given, but {empty} is empty.",
                "Check the variable or vault that it comes from; leave both keys out to use the AWS credential chain."
            );
        }

        if (settings.SessionToken is not null && settings.AccessKey is null)
        {
            throw Refuse(
                "session_token",
                "A session token is given without the keys that belong to it.",
                "Give access_key and secret_key beside session_token."
            );
        }

        var profile = Text(given, "profile");
        if (profile is not null && settings.AccessKey is not null)
        {
            throw Refuse("profile", "Both a profile and an access key are given.", "Give one of the two.");
        }

        var encryption = EncryptionFrom(Text(given, "sse"));
        var kmsKey = Text(given, "sse_kms_key_id");
        if (kmsKey is not null && encryption is not (Kms or KmsTwice))
        {
            throw Refuse(
                "sse_kms_key_id",
                "sse_kms_key_id has a meaning only with sse: aws:kms or aws:kms:dsse.",
                "Add sse: aws:kms, or remove sse_kms_key_id."
            );
        }

        return new S3Options
        {
            Bucket = bucket,
            Prefix = prefix,
            Region = Text(given, "region"),
            Endpoint = endpoint,
            PathStyle = Flag(given, "path_style") ?? endpoint is not null,
            AllowHttp = allowHttp,
            Encryption = encryption,
            KmsKeyId = kmsKey,
            StorageClass = StorageClassFrom(Text(given, "storage_class")),
            ObjectLockDays = Days(given, "object_lock_days"),
            Profile = profile,
            AccessKey = settings.AccessKey,
            SecretKey = settings.SecretKey,
            SessionToken = settings.SessionToken,
        };
    }

    public static Uri? EndpointFrom(string? text, bool allowHttp)
    {
        if (text is null)
        {
            return null;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.Host.Length == 0)
        {
            throw Refuse(
                "endpoint",
                $"The S3 endpoint {Redaction.Show(text)} is not an http or https address.",
                "Give it with its scheme and port: https://s3.example.com:9000."
            );
        }

        if (uri.UserInfo.Length > 0)
        {
            throw Refuse("endpoint", "The S3 endpoint holds a user name or a password.", "Give credentials as access_key and secret_key.");
        }

        if (uri.Query.Length > 0 || uri.Fragment.Length > 0)
        {
            throw Refuse(
                "endpoint",
                $"The S3 endpoint {Redaction.Show(text)} has a query or a fragment.",
                "Give scheme, host and port only: https://s3.example.com:9000."
            );
        }

        if (uri.Scheme == "http" && !allowHttp)
        {
            throw Refuse(
                "endpoint",
                $"The S3 endpoint {Redaction.Show(text)} is plain HTTP: records would cross the network unencrypted.",
                "Use https, or set allow_http: true if that network can be trusted."
            );
        }

        return uri;
    }

    /// <summary>It becomes a part of host names and signatures.</summary>
    public static string CheckedRegion(string region) =>
        RegionName().IsMatch(region)
            ? region
            : throw Refuse(
                "region",
                $"'{region}' is not the name of a region.",
                "Give a name such as eu-central-1: letters, digits and '-'. Without the option it is taken from AWS_REGION or the profile."
            );

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

    private static string? EncryptionFrom(string? text) =>
        text switch
        {
            null => null,
            _ when text.Equals("AES256", StringComparison.OrdinalIgnoreCase) => "AES256",
            _ when text.Equals(Kms, StringComparison.OrdinalIgnoreCase) => Kms,
            _ when text.Equals(KmsTwice, StringComparison.OrdinalIgnoreCase) => KmsTwice,
            _ => throw Refuse(
                "sse",
                $"{Redaction.Show(text)} is not a server-side encryption that S3 stores know.",
                $"Use AES256, {Kms} or {KmsTwice}."
            ),
        };

    private static string? StorageClassFrom(string? text)
    {
        if (text is not null && Archives.Contains(text, StringComparer.OrdinalIgnoreCase))
        {
            throw Refuse(
                "storage_class",
                $"Storage class {text} cannot be read without being thawed for hours first: neither checks nor restores would work.",
                "Use GLACIER_IR, STANDARD_IA or INTELLIGENT_TIERING."
            );
        }

        return text?.ToUpperInvariant();
    }

    private static string? Text(IReadOnlyDictionary<string, string> given, string name) =>
        given.TryGetValue(name, out var value) && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;

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

    [GeneratedRegex("^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$")]
    private static partial Regex RegionName();

    private static KafkaBackupException Refuse(string option, string message, string advice) =>
        ErrorIds.StoreConfiguration.With(message, option, advice);
}
