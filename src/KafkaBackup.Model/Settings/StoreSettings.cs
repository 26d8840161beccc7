namespace KafkaBackup;

/// <summary>Where backups live. Null means "not given".</summary>
public sealed record StoreSettings
{
    /// <summary>An absolute folder, or <c>s3://bucket/prefix</c>.</summary>
    public string? Path { get; init; }

    /// <summary>
    /// What a store needs besides its path: region, endpoint, path_style, allow_http, sse, sse_kms_key_id, storage_class,
    /// object_lock_days, profile; file_mode for a folder. No secrets in here: results carry these options from one cmdlet to the next.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Options { get; init; }

    public string? AccessKey { get; init; }
    public Secret? SecretKey { get; init; }
    public Secret? SessionToken { get; init; }

    public override string ToString() => Path ?? "";
}
