namespace KafkaBackup.Build.Results;

/// <summary>Adds up the results of a test run and prints its closing line. Fails when a test failed or when nothing ran.</summary>
internal static class CountCommand
{
    public static int Run(CommandLine arguments, TextWriter output)
    {
        var files = arguments.Words.SelectMany(ResultFiles).Order(StringComparer.Ordinal).ToList();
        var suites = files.Select(file => TestCount.Read(file)).ToList();
        var total = suites.Aggregate(TestCount.Zero, (sum, suite) => sum + suite);

        // A runner that died has told of the tests before its death only: its exit code counts as one more failure.
        var broken = arguments.All("--broken").ToList();
        foreach (var runner in broken)
            output.WriteLine($"{runner}");
        if (total.Failed == 0 && broken.Count > 0)
            total += new TestCount(0, broken.Count, 0);

        foreach (var part in arguments.All("--left-out"))
            output.WriteLine($"left out: {part}");
        output.WriteLine(total);
        return total.Failed == 0 && total.Passed > 0 ? 0 : 1;
    }

    private static IEnumerable<string> ResultFiles(string path) =>
        Directory.Exists(path)
            ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(file => Path.GetExtension(file) is ".trx" or ".xml")
            : [path];
}
