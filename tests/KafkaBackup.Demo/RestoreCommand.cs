using System.Runtime.InteropServices;
using KafkaBackup.Engine;

namespace KafkaBackup.Demo;

/// <summary>
/// <c>restore --config restore.yaml</c> and <c>validate-restore --config restore.yaml</c>, without PowerShell. Ctrl+C and SIGTERM stop it
/// gracefully.
/// </summary>
internal static class RestoreCommand
{
    private const int Failed = 3;

    public static async Task<int> RunAsync(string[] args, bool dryRun)
    {
        var name = dryRun ? "validate-restore" : "restore";
        if (Arguments.Read(args, $"{name} --config <restore.yaml>", "--config") is not { } given)
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
            await using var planned = await engine.PlanRestoreAsync(
                [new RestoreSettings { ConfigPath = given["--config"], Deep = dryRun }],
                stop.Token
            );
            if (dryRun || planned.Plan.Any(p => p.DryRun))
            {
                return Show(planned.Plan);
            }

            return Show(await planned.RunAsync(stop.Token));
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

    private static int Show(IReadOnlyList<RestoreReport> reports)
    {
        foreach (var report in reports)
        {
            Console.WriteLine(
                $"{report.Status}: backup {report.BackupId}, {report.TopicCount} topics, {report.SegmentCount} segments, {report.RecordCount} records, {report.Bytes} bytes."
            );
            foreach (var line in report.Topics.Select(t => t.ToString()).Concat(report.ConsumerOffsetActions))
            {
                Console.WriteLine($"  {line}");
            }

            foreach (var finding in report.Findings)
            {
                Console.WriteLine($"  {finding.Severity}: {finding.Message} {finding.Advice}");
            }
        }

        return reports.Any(r => r.Status == ReportStatus.Invalid) ? Failed : 0;
    }

    private static int Show(IReadOnlyList<RestoreResult> results)
    {
        foreach (var result in results)
        {
            Console.WriteLine(
                $"{result.Status}: {result.RecordCount} records, {result.Bytes} bytes, {result.RecordsSkippedOnResume} there already, {result.BatchesKept} batches kept, {result.BatchesRebuilt} rebuilt, {result.Duration.TotalSeconds:0.00} s."
            );
            foreach (var partition in result.Partitions)
            {
                Console.WriteLine($"  {partition}{(partition.ErrorMessage is { } error ? $": {error}" : "")}");
            }
        }

        return results.Max(r => r.ExitCode);
    }
}
