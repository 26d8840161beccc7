namespace KafkaBackup.Testing.Azure;

/// <summary>
/// The blob service of this test run: the one named by <c>KAFKABACKUP_TEST_AZURE=endpoint,container,account,key</c>, or else an Azurite
/// that tests/azure/server.sh starts. It is started once, by the first test that asks.
/// </summary>
public sealed class AzureTestServer
{
    public const string Variable = "KAFKABACKUP_TEST_AZURE";

    private static readonly Lazy<Task<AzureTestServer>> TheOne = new(StartAsync);

    private readonly ServerScript? _script;

    private AzureTestServer(string[] address, ServerScript? script)
    {
        (Endpoint, Container, Account, Key) = (address[0], address[1], address[2], address[3]);
        _script = script;
    }

    public string Endpoint { get; }

    public string Container { get; }

    public string Account { get; }

    public string Key { get; }

    /// <summary>True for the server that tests start themselves, whose quirks are known.</summary>
    public bool IsOwn => _script is not null;

    /// <summary>Why there can be no server here; null where there can.</summary>
    public static string? WhyNot =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } ? null
        : OperatingSystem.IsWindows()
            ? $"NO BLOB SERVICE: tests start one on Linux and macOS only. Set {Variable}=endpoint,container,account,key to use another."
        : !IsOnPath("node")
            ? $"NO BLOB SERVICE: there is no node to run Azurite. Set {Variable}=endpoint,container,account,key to use another."
        : Directory.Exists(ServerScript.Cache) && Directory.EnumerateDirectories(ServerScript.Cache, "azurite-*").Any() ? null
        : IsOnPath("npm") ? null
        : $"NO BLOB SERVICE: neither a cached Azurite in {ServerScript.Cache} nor npm to fetch one. Set {Variable}=endpoint,container,account,key to use another.";

    public static Task<AzureTestServer> GetAsync() => TheOne.Value;

    /// <summary>Settings for a prefix of the test's own.</summary>
    public StoreSettings Settings(string? prefix = null, string? container = null, params (string Name, string Value)[] options)
    {
        var all = new Dictionary<string, string>
        {
            ["endpoint"] = Endpoint,
            ["allow_http"] = "true",
            ["create_container"] = "true",
        };
        foreach (var (name, value) in options)
        {
            all[name] = value;
        }

        return new StoreSettings
        {
            Path = $"az://{Account}/{container ?? Container}/{prefix ?? $"test-{Guid.NewGuid():n}"}",
            Options = all,
            Secrets = new Dictionary<string, Secret> { ["account_key"] = new(Key) },
        };
    }

    private static async Task<AzureTestServer> StartAsync()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given)
        {
            var address = given.Split(',');
            return address.Length == 4
                ? new AzureTestServer(address, null)
                : throw new InvalidOperationException($"{Variable} must be endpoint,container,account,key.");
        }

        var script = await ServerScript.StartAsync("azure");
        var server = new AzureTestServer([.. script.Address], script);
        await using var store = new Engine.Storage.Azure.AzureStore(server.Settings(), TimeProvider.System);
        await store.PutAsync("container", Array.Empty<byte>(), default);
        return server;
    }

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, program)));
}
