using System.Globalization;

namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>
/// Which identity was given (rule Q1): a key, a SAS, an application's secret or certificate; with none of them the chain of Azure.Identity
/// is asked. Holds what was given and connects to nothing.
/// </summary>
internal sealed record AzureLogin
{
    /// <summary>For messages: whose identity this is, never the secret.</summary>
    public required string Origin { get; init; }

    public string? AccountKey { get; init; }

    /// <summary>Without a question mark.</summary>
    public string? Sas { get; init; }

    public string? TenantId { get; init; }
    public string? ClientId { get; init; }
    public string? ClientSecret { get; init; }

    /// <summary>A file, or a thumbprint.</summary>
    public string? Certificate { get; init; }

    public string? CertificatePassword { get; init; }

    /// <summary>What a connection string says about the service.</summary>
    public string? Endpoint { get; init; }

    public bool IsToken => AccountKey is null && Sas is null;

    /// <summary>When the SAS ends, as it says itself.</summary>
    public DateTimeOffset? SasExpiry =>
        Sas is { } sas
        && sas.Split('&').FirstOrDefault(p => p.StartsWith("se=", StringComparison.Ordinal)) is { } part
        && DateTimeOffset.TryParse(
            Uri.UnescapeDataString(part[3..]),
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var end
        )
            ? end
            : null;

    public static AzureLogin From(StoreSettings settings, string account)
    {
        var options = settings.Options ?? new Dictionary<string, string>();
        var tenant = AzureOptions.Text(options, "tenant_id");
        var client = AzureOptions.Text(options, "client_id");
        var certificate = AzureOptions.Text(options, "client_certificate");
        RefuseTwo(settings, certificate);
        if (Given(settings, "connection_string") is { } connection)
        {
            return FromConnectionString(connection, account);
        }

        if (Given(settings, "account_key") is { } key)
        {
            return Key(key, "account_key");
        }

        if (Given(settings, "sas_token") is { } sas)
        {
            return SharedAccess(sas, "sas_token");
        }

        var password = settings.SecretKey?.Reveal();
        if (certificate is not null)
        {
            return new AzureLogin
            {
                Origin = $"the certificate of application '{Required(client, "client_id", "client_certificate")}'",
                TenantId = Required(tenant, "tenant_id", "client_certificate"),
                ClientId = client,
                Certificate = certificate,
                CertificatePassword = password,
            };
        }

        if (Given(settings, "client_secret") is { } secret)
        {
            return Application(Required(tenant, "tenant_id", "client_secret"), Required(client, "client_id", "client_secret"), secret);
        }

        return password is not null ? FromCredential(settings.AccessKey ?? "", password, tenant, account) : Chain(tenant, client);
    }

    /// <summary>-StorageCredential: an application's id and secret beside tenant_id, else a SAS, else the account and its key.</summary>
    private static AzureLogin FromCredential(string user, string password, string? tenant, string account)
    {
        if (tenant is not null)
        {
            return Application(tenant, user, NotEmpty(password, "-StorageCredential"));
        }

        if (password.Contains("sig=", StringComparison.Ordinal))
        {
            return SharedAccess(password, "-StorageCredential");
        }

        return user == account
            ? Key(password, "-StorageCredential")
            : throw AzureOptions.Refuse(
                "StorageCredential",
                $"The user name of -StorageCredential is not the account '{account}', and its password is no SAS token.",
                "Give the account's name with its key, or any name with a SAS token, or an application's id with its secret and the option tenant_id."
            );
    }

    private static AzureLogin FromConnectionString(string text, string account)
    {
        var parts = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var pair = part.Split('=', 2);
            parts[pair[0]] = pair.Length == 2 ? pair[1] : "";
        }

        if (parts.TryGetValue("AccountName", out var named) && named != account)
        {
            throw AzureOptions.Refuse(
                "connection_string",
                $"The connection string is for the account '{named}', and the path names '{account}'.",
                "Give the path of that account, or the other account's connection string."
            );
        }

        var login =
            parts.TryGetValue("SharedAccessSignature", out var sas) ? SharedAccess(sas, "connection_string")
            : parts.TryGetValue("AccountKey", out var key) ? Key(key, "connection_string")
            : throw AzureOptions.Refuse(
                "connection_string",
                "The connection string has neither an AccountKey nor a SharedAccessSignature.",
                "Copy it whole from the account's access keys; for an emulator give endpoint and account_key."
            );
        var suffix = parts.GetValueOrDefault("EndpointSuffix");
        return login with
        {
            Endpoint =
                parts.TryGetValue("BlobEndpoint", out var endpoint) ? endpoint
                : suffix is null ? null
                : $"{parts.GetValueOrDefault("DefaultEndpointsProtocol") ?? "https"}://{account}.blob.{suffix}",
        };
    }

    private static AzureLogin Key(string key, string option)
    {
        var bytes = new byte[key.Length];
        return key.Length > 0 && Convert.TryFromBase64String(key, bytes, out _)
            ? new AzureLogin { Origin = $"the account key of {option}", AccountKey = key }
            : throw AzureOptions.Refuse(
                option,
                $"The account key of {option} is not one: it must be Base64 text.",
                "Copy it whole from the account's access keys."
            );
    }

    /// <summary>At the beginning of a sentence.</summary>
    public static string Capital(string origin) => char.ToUpperInvariant(origin[0]) + origin[1..];

    private static AzureLogin SharedAccess(string text, string option)
    {
        var sas = text[(text.IndexOf('?', StringComparison.Ordinal) + 1)..].Trim();
        return sas.Contains("sig=", StringComparison.Ordinal)
            ? new AzureLogin { Origin = $"the SAS token of {option}", Sas = sas }
            : throw AzureOptions.Refuse(
                option,
                $"The SAS token of {option} is not one: it has no signature, the part that begins with sig.",
                "Copy it whole; in PowerShell put it in single quotes."
            );
    }

    private static AzureLogin Application(string tenant, string client, string secret) =>
        new()
        {
            Origin = $"the secret of application '{client}'",
            TenantId = tenant,
            ClientId = client,
            ClientSecret = secret,
        };

    private static AzureLogin Chain(string? tenant, string? client) =>
        new()
        {
            Origin = client is null
                ? "the Azure identity chain (environment, workload identity, managed identity, Azure CLI, Azure PowerShell)"
                : $"the managed identity or application '{client}'",
            TenantId = tenant,
            ClientId = client,
        };

    private static void RefuseTwo(StoreSettings settings, string? certificate)
    {
        var given = ((string[])["connection_string", "account_key", "sas_token", "client_secret"])
            .Where(name => settings.Secrets?.ContainsKey(name) is true)
            .ToList();
        if (certificate is not null)
        {
            given.Add("client_certificate");
        }

        if (settings.SecretKey is not null && certificate is null)
        {
            given.Add("-StorageCredential");
        }

        if (given.Count > 1)
        {
            throw AzureOptions.Refuse(given[1], $"Both {given[0]} and {given[1]} are given.", "Give one of the two.");
        }
    }

    private static string? Given(StoreSettings settings, string name) =>
        settings.Secrets?.TryGetValue(name, out var secret) is true ? NotEmpty(secret.Reveal().Trim(), name) : null;

    private static string NotEmpty(string value, string name) =>
        value.Length > 0
            ? value
            : throw AzureOptions.Refuse(
                name,
                $"{name} is given, but empty.",
                "Check the variable or vault that it comes from; leave it out to use the Azure identity chain."
            );

    private static string Required(string? value, string name, string beside) =>
        value ?? throw AzureOptions.Refuse(name, $"{beside} is given without {name}.", $"Give tenant_id and client_id beside {beside}.");
}
