using System.Diagnostics;

namespace KafkaBackup.Testing.S3;

/// <summary>
/// The S3 server of this test run: the one named by <c>KAFKABACKUP_TEST_S3=endpoint,bucket,key,secret</c>, or else a radosgw that
/// tests/s3/server.sh starts. It is started once, by the first test that asks, and ends when its standard input closes: with this process,
/// however that ends.
/// </summary>
public sealed class S3TestServer
{
    public const string Variable = "KAFKABACKUP_TEST_S3";

    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(5);
    private static readonly Lazy<Task<S3TestServer>> TheOne = new(StartAsync);

    /// <summary>Kept so that its standard input stays open.</summary>
    private readonly Process? _process;

    private S3TestServer(string[] address, Process? process)
    {
        (Endpoint, Bucket, AccessKey, SecretKey) = (address[0], address[1], address[2], address[3]);
        _process = process;
    }

    public string Endpoint { get; }

    public string Bucket { get; }

    public string AccessKey { get; }

    public string SecretKey { get; }

    /// <summary>True for the server that tests start themselves, whose keys and quirks are known.</summary>
    public bool IsOwn => _process is not null;

    /// <summary>Why there can be no server here; null where there can.</summary>
    public static string? WhyNot =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } ? null
        : !OperatingSystem.IsLinux()
            ? $"NO S3 SERVER: tests start one on Linux only. Set {Variable}=endpoint,bucket,key,secret to use another."
        : File.Exists(Path.Combine(Cache, "s3-server", "usr", "bin", "radosgw")) || File.Exists("/usr/bin/apt-get") ? null
        : $"NO S3 SERVER: neither a cached one in {Cache} nor apt-get to fetch one. Set {Variable}=endpoint,bucket,key,secret to use another.";

    private static string Cache =>
        Environment.GetEnvironmentVariable("KAFKABACKUP_CACHE") is { Length: > 0 } cache
            ? cache
            : Path.Combine(
                Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } home
                    ? home
                    : Path.Combine(Environment.GetEnvironmentVariable("HOME") ?? "/", ".cache"),
                "kafkabackup"
            );

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

        var start = new ProcessStartInfo("bash")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(FindScript());
        start.ArgumentList.Add("run");
        var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(StartTime);
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.StartsWith("ready ", StringComparison.Ordinal))
            {
                return new S3TestServer(line.Split(' ')[1..], process);
            }
        }

        throw new InvalidOperationException($"The S3 server did not start:\n{await errors}");
    }

    private static string FindScript()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var script = Path.Combine(folder.FullName, "tests", "s3", "server.sh");
            if (File.Exists(script))
            {
                return script;
            }
        }

        throw new FileNotFoundException("tests/s3/server.sh was not found above " + AppContext.BaseDirectory);
    }
}
