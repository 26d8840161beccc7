using System.Diagnostics;

namespace KafkaBackup.Testing;

/// <summary>
/// A server that a script below <c>tests/</c> starts: it prints "ready" with the server's address and serves until its standard input
/// closes, which is when this process ends, however that ends.
/// </summary>
public sealed class ServerScript
{
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(5);

    /// <summary>Kept so that its standard input stays open.</summary>
    private readonly Process _process;

    private ServerScript(Process process, string[] address)
    {
        _process = process;
        Address = address;
    }

    /// <summary>What it printed behind "ready".</summary>
    public IReadOnlyList<string> Address { get; }

    public int ProcessId => _process.Id;

    /// <summary>Where scripts keep what they download.</summary>
    public static string Cache =>
        Environment.GetEnvironmentVariable("KAFKABACKUP_CACHE") is { Length: > 0 } cache
            ? cache
            : Path.Combine(
                Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } home
                    ? home
                    : Path.Combine(Environment.GetEnvironmentVariable("HOME") ?? "/", ".cache"),
                "kafkabackup"
            );

    /// <param name="folder">Of the script, below <c>tests/</c>.</param>
    public static async Task<ServerScript> StartAsync(string folder)
    {
        var start = new ProcessStartInfo("bash")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Find(folder));
        start.ArgumentList.Add("run");
        var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(StartTime);
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.StartsWith("ready ", StringComparison.Ordinal))
            {
                return new ServerScript(process, line.Split(' ')[1..]);
            }
        }

        throw new InvalidOperationException($"The server of tests/{folder} did not start:\n{await errors}");
    }

    private static string Find(string name)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var script = Path.Combine(folder.FullName, "tests", name, "server.sh");
            if (File.Exists(script))
            {
                return script;
            }
        }

        throw new FileNotFoundException($"tests/{name}/server.sh was not found above {AppContext.BaseDirectory}");
    }
}
