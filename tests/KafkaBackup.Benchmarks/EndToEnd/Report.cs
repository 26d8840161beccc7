using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace KafkaBackup.Benchmarks.EndToEnd;

/// <summary>The figures as a Markdown table and as JSON.</summary>
internal static class Report
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task WriteAsync(BenchOptions options, IReadOnlyList<Figures> all, bool isLocal)
    {
        var machine =
            $"{Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}, "
            + $"{(isLocal ? "local broker" : options.Bootstrap)}, {options.Rounds} rounds{(options.Quick ? ", quick" : "")}";
        Console.WriteLine(machine);
        Console.WriteLine();
        Console.WriteLine(
            "| workload | step | seconds | MB/s | CPU s | broker CPU s | peak MB | allocated B/record | stored | ratio | target |"
        );
        Console.WriteLine("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var figures in all)
        {
            Console.WriteLine(Row(figures));
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(options.Json))!);
        var json = JsonSerializer.Serialize(
            new
            {
                machine,
                takenAt = DateTimeOffset.UtcNow,
                figures = all,
            },
            Json
        );
        await File.WriteAllTextAsync(options.Json, json + "\n");
    }

    private static string Row(Figures f)
    {
        if (f.Skipped is { } why)
        {
            return $"| {f.Workload} | {f.Step} | SKIPPED: {why} | | | | | | | | |";
        }

        var verdict = f is { Target: { } target, Ratio: { } ratio }
            ? $"<= {Number(target, "0.00")} {(ratio <= target ? "met" : "MISSED")}"
            : "";
        return $"| {f.Workload} | {f.Step} | {Number(f.Seconds, "0.00")} | {(f.Bytes > 0 ? Number(f.MegabytesPerSecond, "0") : "")} | {Number(f.CpuSeconds, "0.00")} "
            + $"| {Number(f.BrokerCpuSeconds, "0.00")} | {Number(f.PeakBytes / 1e6, "0")} | {Number(f.AllocatedPerRecord, "0.00")} "
            + $"| {(f.StoredRatio is { } stored ? Number(stored, "0.00") + ":1" : "")} | {(f.Ratio is { } r ? $"{Number(r, "0.00")} x {f.Beside}" : "")} | {verdict} |";
    }

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
