using System.Diagnostics;
using System.Globalization;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>A restore in a process of its own, which can be killed without a word (SIGKILL).</summary>
internal sealed class RestoreProcess : IDisposable
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "KafkaBackup.Demo.dll");

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _errors;

    public RestoreProcess(RestoreScenario scenario, string keys = "")
    {
        var config = Path.Combine(scenario.Folder, "restore.yaml");
        File.WriteAllText(
            config,
            string.Create(
                CultureInfo.InvariantCulture,
                $$"""
                mode: restore
                backup_id: b
                target:
                  bootstrap_servers: ["{{scenario.Target.BootstrapServers}}"]
                storage:
                  path: '{{scenario.Source.StorePath}}'
                restore:
                  checkpoint_state: '{{scenario.CheckpointPath}}'
                  checkpoint_interval_secs: 1
                  resume_quiet_secs: 2
                {{keys}}
                """
            )
        );
        _process = Process.Start(
            new ProcessStartInfo("dotnet", [Program, "restore", "--config", config])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        _output = _process.StandardOutput.ReadToEndAsync();
        _errors = _process.StandardError.ReadToEndAsync();
    }

    public bool HasExited => _process.HasExited;

    /// <summary>SIGKILL.</summary>
    public void Kill() => _process.Kill();

    public async Task<(int ExitCode, string Text)> EndAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await _process.WaitForExitAsync(limit.Token);
        return (_process.ExitCode, $"{await _output}\n{await _errors}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }
}
