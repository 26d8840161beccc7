using System.Diagnostics;

namespace KafkaBackup.Build.Results;

/// <summary>Stands behind a test runner in a pipe.</summary>
internal static class ProgressCommand
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    public static int Run(TextReader input, TextWriter output)
    {
        var progress = new TestProgress(output);
        var clock = Stopwatch.StartNew();
        using var timer = new Timer(_ => progress.Report(clock.Elapsed), null, Interval, Interval);
        while (input.ReadLine() is { } line)
            progress.Take(line);
        return 0;
    }
}
