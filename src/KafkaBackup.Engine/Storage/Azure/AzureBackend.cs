namespace KafkaBackup.Engine.Storage.Azure;

internal sealed class AzureBackend : StoreBackend
{
    public override string Name => "azure";

    public override string AddressForm => "az://account/container/prefix";

    public override IReadOnlyList<StoreOption> Options { get; } =
    [
        new("endpoint", StoreOptionKind.Endpoint, "The server's address, http(s)://host:port, where it is not the public cloud's."),
        new("allow_http", StoreOptionKind.Flag, "Allow an endpoint without TLS. Default: false."),
        new("account_key", StoreOptionKind.Secret, "Azure: the storage account's key."),
        new("sas_token", StoreOptionKind.Secret, "Azure: a SAS token."),
        new("connection_string", StoreOptionKind.Secret, "Azure: a connection string of the account."),
        new("tenant_id", StoreOptionKind.Text, "Azure: the Entra tenant of client_id."),
        new("client_id", StoreOptionKind.Text, "Azure: the application, or the user-assigned managed identity."),
        new("client_secret", StoreOptionKind.Secret, "Azure: the application's secret."),
        new("client_certificate", StoreOptionKind.Text, "Azure: the application's certificate: a PFX or PEM file, or a thumbprint."),
        new("access_tier", StoreOptionKind.Text, "Azure: the access tier of segments: Hot, Cool or Cold."),
        new("manifest_access_tier", StoreOptionKind.Text, "Azure: the access tier of manifests: Hot, Cool or Cold."),
        new("immutability_days", StoreOptionKind.Number, "Azure: lock what is written for so many days.")
        {
            Least = 1,
            Most = AzureOptions.LongestLockDays,
        },
        new("create_container", StoreOptionKind.Flag, "Azure: create the container at the first write. Default: false."),
    ];

    public override bool IsAddress(string path) => AzureAddress.IsAddress(path);

    public override string Normalize(string path, string? prefix, string baseFolder)
    {
        var address = AzureAddress.Parse(path);
        return (address with { Prefix = string.Join('/', [.. PartsOf(address.Prefix), .. PartsOf(prefix)]) }).ToString();
    }

    // It repeats by itself: blocks and conditional writes can be repeated nowhere else, and twice would multiply.
    public override IStore Open(StoreSettings settings, TimeProvider clock, Action<RetryNotice>? onRetry, Action<string>? onWarning) =>
        new AzureStore(settings, clock, onRetry, onWarning);
}
