using System.Diagnostics;
using System.Runtime.InteropServices;

namespace KafkaBackup.Benchmarks.EndToEnd;

/// <summary>What one process, or a pipe of them, took.</summary>
/// <param name="CpuSeconds">Of all processes of a pipe; null where the platform does not say.</param>
/// <param name="PeakBytes">The largest resident size seen; null for a pipe.</param>
internal sealed record ProcessCost(double WallSeconds, double? CpuSeconds, long? PeakBytes, string Output);

internal static class ProcessRun
{
    /// <summary>The peak grows only, so looking now and then misses little.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(25);

    /// <summary>This program again, with other arguments.</summary>
    public static Task<ProcessCost> SelfAsync(params string[] arguments) =>
        RunAsync(Start(Environment.ProcessPath!, IsHost ? [typeof(ProcessRun).Assembly.Location, .. arguments] : arguments), isPipe: false);

    /// <summary>A line for the shell.</summary>
    public static Task<ProcessCost> ShellAsync(string line) =>
        RunAsync(Start("/bin/sh", ["-c", line]), isPipe: line.Contains('|', StringComparison.Ordinal));

    public static ProcessStartInfo Start(string program, IEnumerable<string> arguments) =>
        new(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };

    public static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);

    /// <summary>Whether this runs as `dotnet x.dll`.</summary>
    private static bool IsHost => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet";

    private static async Task<ProcessCost> RunAsync(ProcessStartInfo start, bool isPipe)
    {
        var cpuBefore = ChildrenCpu();
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        var exit = process.WaitForExitAsync();
        long peak = 0;
        while (!exit.IsCompleted)
        {
            peak = Math.Max(peak, Peak(process));
            await Task.WhenAny(exit, Task.Delay(LookEvery));
        }

        var wall = clock.Elapsed.TotalSeconds;
        var said = await output;
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(
                $"{start.FileName} {string.Join(' ', start.ArgumentList)} ended with {process.ExitCode}: {await errors}{said}"
            );
        }

        return new ProcessCost(wall, ChildrenCpu() - cpuBefore, isPipe || peak == 0 ? null : peak, said);
    }

    private static long Peak(Process process)
    {
        try
        {
            process.Refresh();
            return process.HasExited ? 0 : process.PeakWorkingSet64;
        }
        catch (InvalidOperationException)
        {
            // It has ended in between.
            return 0;
        }
    }

    /// <summary>CPU time of all children that have ended, and of theirs. One job runs at a time, so the difference is that job's.</summary>
    private static unsafe double? ChildrenCpu()
    {
        if (OperatingSystem.IsWindows())
        {
            return null;
        }

        // struct rusage begins with two struct timeval: user and system time.
        var usage = stackalloc long[32];
        return getrusage(-1, usage) == 0 ? usage[0] + usage[2] + ((usage[1] + usage[3]) / 1e6) : null;
    }

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern unsafe int getrusage(int who, long* usage);
}
