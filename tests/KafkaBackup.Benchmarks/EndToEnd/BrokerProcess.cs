using System.Diagnostics;

namespace KafkaBackup.Benchmarks.EndToEnd;

/// <summary>The local broker as a program of its own, or the address of a cluster that was given.</summary>
internal sealed class BrokerProcess : IDisposable
{
    private readonly Process? _process;

    private BrokerProcess(string bootstrap, Process? process)
    {
        Bootstrap = bootstrap;
        _process = process;
    }

    public string Bootstrap { get; }

    public bool IsLocal => _process is not null;

    /// <summary>CPU that the local broker has used so far; null for a cluster that was given.</summary>
    public double? CpuSeconds
    {
        get
        {
            _process?.Refresh();
            return _process?.TotalProcessorTime.TotalSeconds;
        }
    }

    public static async Task<BrokerProcess> StartAsync(BenchOptions options)
    {
        if (options.Bootstrap is { } given)
        {
            return new BrokerProcess(given, null);
        }

        var start = ProcessRun.Start(
            "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "KafkaBackup.LocalBroker.dll"), "--port", "0", "--until-input-ends"]
        );
        start.RedirectStandardError = false;
        start.RedirectStandardInput = true;
        var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync() ?? "";
        return line.Split(' ') is ["bootstrap", var address]
            ? new BrokerProcess(address, process)
            : throw new InvalidOperationException($"The local broker said '{line}' instead of its address.");
    }

    public void Dispose()
    {
        if (_process is { HasExited: false })
        {
            // It removes its data when it is asked to end.
            _process.StandardInput.Close();
            _process.WaitForExit();
        }

        _process?.Dispose();
    }
}
