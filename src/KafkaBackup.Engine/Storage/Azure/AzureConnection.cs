using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;

namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>
/// One client with one HTTP connection pool of its own. The SDK's retries, logs and traces are off: <see cref="AzureCalls"/> is the only
/// place that tries again, and nothing of a request, which may hold a signature, is written anywhere.
/// </summary>
internal sealed class AzureConnection : IDisposable
{
    /// <summary>
    /// The oldest version that has all that is used here (the Cold tier), so that stacks behind the public cloud and emulators serve it.
    /// </summary>
    private const BlobClientOptions.ServiceVersion Version = BlobClientOptions.ServiceVersion.V2021_12_02;

    private readonly HttpClient _http;
    private readonly BlobContainerClient _container;

    public AzureConnection(AzureOptions options, AzureLimits limits, TimeProvider time, AzureSeams? seams)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            ConnectTimeout = limits.ConnectTimeout,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        };
        seams?.Configure?.Invoke(handler);
        Transport = new AzureTransport(handler, time);
        _http = new HttpClient(Transport) { Timeout = Timeout.InfiniteTimeSpan };

        var client = new BlobClientOptions(Version)
        {
            Transport = new HttpClientTransport(_http),
            Request100ContinueOptions = new Request100ContinueOptions { Mode = Request100ContinueMode.Never },
        };
        client.Retry.MaxRetries = 0;
        client.Retry.NetworkTimeout = TimeSpan.FromHours(1);
        client.Diagnostics.IsLoggingEnabled = false;
        client.Diagnostics.IsDistributedTracingEnabled = false;
        client.Diagnostics.ApplicationId = "KafkaBackup";

        Address = options.Service.AbsoluteUri.TrimEnd('/');
        var container = new Uri($"{Address}/{options.Address.Container}");
        var login = options.Login;
        _container =
            login.AccountKey is { } key
                ? new BlobContainerClient(container, new StorageSharedKeyCredential(options.Address.Account, key), client)
            : login.Sas is { } sas ? new BlobContainerClient(container, new AzureSasCredential(sas), client)
            : new BlobContainerClient(container, seams?.Token ?? AzureTokens.Create(login, options.Service), client);
    }

    public BlobContainerClient Container => _container;

    public AzureTransport Transport { get; }

    /// <summary>For messages: which server this is.</summary>
    public string Address { get; }

    public BlockBlobClient Blob(string fullKey) => _container.GetBlockBlobClient(fullKey);

    public void Dispose() => _http.Dispose();
}

/// <summary>What tests put in the place of the network's and the identity service's.</summary>
internal sealed record AzureSeams(TokenCredential? Token = null, Action<SocketsHttpHandler>? Configure = null);
