using System.Globalization;
using KafkaBackup.Benchmarks.EndToEnd;
using KafkaBackup.Benchmarks.Micro;

namespace KafkaBackup.Benchmarks;

internal sealed record BenchOptions
{
    public const string Usage = """
        usage: KafkaBackup.Benchmarks [options]
          --quick              a tenth of the records, one round, short micro-benchmarks
          --bootstrap H:P      a real cluster instead of the local broker; topics named kafkabackup-bench-* are made and deleted there
          --only NAME          one workload (json-1k, random-1k, small-100, large-1m, wide-1000), or scale, or micro; may be repeated
          --step NAME          only these steps (say: backup-none) and what they need; may be repeated
          --rounds N           how often each step runs; the figures are medians (default 3)
          --folder DIR         where backups go while it runs (default: the temporary folder)
          --json FILE          also writes the figures there (default: output/benchmarks.json)
        """;

    public bool Help { get; private init; }

    public bool Quick { get; private init; }

    public string? Bootstrap { get; private init; }

    public IReadOnlyList<string> Only { get; private init; } = [];

    public IReadOnlyList<string> Steps { get; private init; } = [];

    public int Rounds { get; private init; }

    public string Folder { get; private init; } = Path.GetTempPath();

    public string Json { get; private init; } = Path.Combine("output", "benchmarks.json");

    public bool Wants(string name) => Only.Count == 0 || Only.Contains(name);

    public bool WantsStep(string name) => Steps.Count == 0 || Steps.Contains(name);

    /// <exception cref="FormatException">What is wrong, for people.</exception>
    public static BenchOptions Parse(string[] args)
    {
        var options = new BenchOptions();
        for (var i = 0; i < args.Length; i++)
        {
            var name = args[i];
            options = name switch
            {
                "--help" or "-h" => options with { Help = true },
                "--quick" => options with { Quick = true },
                "--bootstrap" => options with { Bootstrap = Value() },
                "--only" => options with { Only = [.. options.Only, Known(Value())] },
                "--step" => options with { Steps = [.. options.Steps, Value()] },
                "--rounds" => options with { Rounds = Number() },
                "--folder" => options with { Folder = Path.GetFullPath(Value()) },
                "--json" => options with { Json = Value() },
                _ => throw new FormatException($"'{name}' is not an option."),
            };

            string Value() => ++i < args.Length ? args[i] : throw new FormatException($"{name} needs a value.");
            int Number() =>
                int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0
                    ? n
                    : throw new FormatException($"{name} needs a number from 1 on.");
        }

        return options.Rounds > 0 ? options : options with { Rounds = options.Quick ? 1 : 3 };
    }

    private static string Known(string name) =>
        name is Scale.Name or MicroBenchmarks.Name || Workload.All.Any(w => w.Name == name)
            ? name
            : throw new FormatException($"There is no benchmark '{name}'.");
}
