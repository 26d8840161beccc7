namespace KafkaBackup;

/// <summary>Where backups live. Null means "not given".</summary>
public sealed record StoreSettings
{
    /// <summary>An absolute folder, <c>s3://bucket/prefix</c> or <c>az://account/container/prefix</c>.</summary>
    public string? Path { get; init; }

    /// <summary>
    /// What a store needs besides its path, as each kind of store names it: region, endpoint, access_tier, file_mode. No secrets in here:
    /// results carry these options from one cmdlet to the next.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Options { get; init; }

    public string? AccessKey { get; init; }
    public Secret? SecretKey { get; init; }
    public Secret? SessionToken { get; init; }

    /// <summary>
    /// Secrets that only one kind of store knows, by the option's name: account_key, sas_token, connection_string, client_secret.
    /// </summary>
    public IReadOnlyDictionary<string, Secret>? Secrets { get; init; }

    public override string ToString() => Path ?? "";
}
