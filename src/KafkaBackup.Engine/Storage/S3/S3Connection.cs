using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using KafkaBackup.Engine.Storage.Remote;

namespace KafkaBackup.Engine.Storage.S3;

/// <summary>
/// One client with one HTTP connection pool of its own. Everything is set on the instance, nothing on the SDK's process-wide switches:
/// several stores, and other users of the SDK, share the process. The SDK's retries are off: <see cref="S3Calls"/> is the only place that
/// tries again.
/// </summary>
internal sealed class S3Connection : IDisposable
{
    /// <summary>Where neither the settings nor the environment name a region; servers other than Amazon's mostly do not care.</summary>
    private const string DefaultRegion = "us-east-1";

    private readonly HttpClient _http;

    public S3Connection(S3Options options, S3Limits limits, TimeProvider time)
    {
        var profile =
            (options.Profile ?? Variable("AWS_PROFILE")) is { } name && options.AccessKey is null ? S3Credentials.FindProfile(name) : null;
        var endpoint =
            options.Endpoint
            ?? S3Options.EndpointFrom(
                Variable("AWS_ENDPOINT_URL_S3") ?? Variable("AWS_ENDPOINT_URL") ?? profile?.EndpointUrl,
                options.AllowHttp
            );
        Region = S3Options.CheckedRegion(
            options.Region ?? Variable("AWS_REGION") ?? Variable("AWS_DEFAULT_REGION") ?? profile?.Region?.SystemName ?? DefaultRegion
        );

        var config = new AmazonS3Config
        {
            MaxErrorRetry = 0,
            MaxStaleConnectionRetries = 0,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            ForcePathStyle = options.PathStyle || (options.Endpoint is null && endpoint is not null),
            IgnoreConfiguredEndpointUrls = true,
            DisableLogging = true,
            BufferSize = UploadBuffers.ChunkSize,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (endpoint is null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(Region);
            Address = $"Amazon S3 ({Region})";
        }
        else
        {
            config.ServiceURL = endpoint.AbsoluteUri;
            config.AuthenticationRegion = Region;
            Address = endpoint.AbsoluteUri.TrimEnd('/');
        }

        Transport = new S3Transport(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                ConnectTimeout = limits.ConnectTimeout,
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            },
            time
        );
        _http = new HttpClient(Transport) { Timeout = Timeout.InfiniteTimeSpan };
        config.HttpClientFactory = new OneClient(_http);
        Credentials = new S3Credentials(options, config);
        Client = new AmazonS3Client(Credentials, config);
    }

    public AmazonS3Client Client { get; }

    public S3Credentials Credentials { get; }

    public S3Transport Transport { get; }

    public string Region { get; }

    /// <summary>For messages: which server this is.</summary>
    public string Address { get; }

    public void Dispose()
    {
        Client.Dispose();
        Credentials.Dispose();
        _http.Dispose();
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private sealed class OneClient(HttpClient http) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => http;

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
    }
}
