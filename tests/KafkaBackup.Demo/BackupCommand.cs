using System.Runtime.InteropServices;
using KafkaBackup.Engine;

namespace KafkaBackup.Demo;

/// <summary><c>backup --config backup.yaml</c>: one backup, without PowerShell. Ctrl+C and SIGTERM stop it gracefully.</summary>
internal static class BackupCommand
{
    private const int Failed = 3;

    public static async Task<int> RunAsync(string[] args)
    {
        if (Arguments.Read(args, "backup --config <backup.yaml>", "--config") is not { } given)
        {
            return Arguments.UsageError;
        }

        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        var events = new ConsoleEvents();
        try
        {
            var engine = new KafkaEngine(events, Environment.CurrentDirectory);
            await using var planned = await engine.PlanBackupAsync(new BackupSettings { ConfigPath = given["--config"] }, stop.Token);
            var result = await planned.RunAsync(stop.Token);
            Console.WriteLine(
                $"{result.Status}: {result.RecordCount} records, {result.Bytes} bytes in {result.SegmentCount} segments ({result.StoredBytes} bytes), {result.Duration.TotalSeconds:0.00} s."
            );
            foreach (var partition in result.Topics.SelectMany(t => t.Partitions))
            {
                Console.WriteLine($"  {partition}{(partition.ErrorMessage is { } error ? $": {error}" : "")}");
            }

            return result.ExitCode;
        }
        catch (KafkaBackupException error)
        {
            events.Error(error);
            return Failed;
        }

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }
}
