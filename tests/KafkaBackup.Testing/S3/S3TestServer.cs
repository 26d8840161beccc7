namespace KafkaBackup.Testing.S3;

/// <summary>
/// The S3 server of this test run: the one named by <c>KAFKABACKUP_TEST_S3=endpoint,bucket,key,secret</c>, or else a radosgw that
/// tests/s3/server.sh starts. It is started once, by the first test that asks.
/// </summary>
public sealed class S3TestServer
{
    public const string Variable = "KAFKABACKUP_TEST_S3";

    private static readonly Lazy<Task<S3TestServer>> TheOne = new(StartAsync);

    private readonly ServerScript? _script;

    private S3TestServer(string[] address, ServerScript? script)
    {
        (Endpoint, Bucket, AccessKey, SecretKey) = (address[0], address[1], address[2], address[3]);
        _script = script;
    }

    public string Endpoint { get; }

    public string Bucket { get; }

    public string AccessKey { get; }

    public string SecretKey { get; }

    /// <summary>True for the server that tests start themselves, whose keys and quirks are known.</summary>
    public bool IsOwn => _script is not null;

    /// <summary>Why there can be no server here; null where there can.</summary>
    public static string? WhyNot =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } ? null
        : !OperatingSystem.IsLinux()
            ? $"NO S3 SERVER: tests start one on Linux only. Set {Variable}=endpoint,bucket,key,secret to use another."
        : File.Exists(Path.Combine(ServerScript.Cache, "s3-server", "usr", "bin", "radosgw")) || File.Exists("/usr/bin/apt-get") ? null
        : $"NO S3 SERVER: neither a cached one in {ServerScript.Cache} nor apt-get to fetch one. Set {Variable}=endpoint,bucket,key,secret to use another.";

    public static Task<S3TestServer> GetAsync() => TheOne.Value;

    /// <summary>Settings for a prefix of the test's own.</summary>
    public StoreSettings Settings(string? prefix = null, string? bucket = null, params (string Name, string Value)[] options)
    {
        var all = new Dictionary<string, string>
        {
            ["endpoint"] = Endpoint,
            ["path_style"] = "true",
            ["allow_http"] = "true",
        };
        foreach (var (name, value) in options)
        {
            all[name] = value;
        }

        return new StoreSettings
        {
            Path = $"s3://{bucket ?? Bucket}/{prefix ?? $"test-{Guid.NewGuid():n}"}",
            Options = all,
            AccessKey = AccessKey,
            SecretKey = new Secret(SecretKey),
        };
    }

    private static async Task<S3TestServer> StartAsync()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given)
        {
            var address = given.Split(',');
            return address.Length == 4
                ? new S3TestServer(address, null)
                : throw new InvalidOperationException($"{Variable} must be endpoint,bucket,key,secret.");
        }

        var script = await ServerScript.StartAsync("s3");
        return new S3TestServer([.. script.Address], script);
    }
}
