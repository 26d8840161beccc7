using System.Globalization;

namespace KafkaBackup.Build.Results;

/// <summary>Adds up the results of a test run and prints its closing line. Fails when a test failed or when nothing ran.</summary>
internal static class CountCommand
{
    private const int ShownFailures = 20;
    private const int ShownLines = 6;
    private const int LineLength = 300;

    public static int Run(CommandLine arguments, TextWriter output)
    {
        // A runner that died has told of the tests before its death only, and a result that can't be read tells nothing: neither may look
        // like success.
        var broken = arguments.All("--broken").ToList();
        var total = TestCount.Zero;
        var readable = new List<string>();
        foreach (var file in arguments.Words.SelectMany(ResultFiles).Order(StringComparer.Ordinal))
        {
            try
            {
                total += TestCount.Read(file);
                readable.Add(file);
            }
            catch (BuildStepException unreadable)
            {
                broken.Add(unreadable.Message);
            }
        }

        broken.ForEach(output.WriteLine);
        if (total.Failed == 0 && broken.Count > 0)
            total += new TestCount(0, broken.Count, 0);

        if (arguments.Optional("--slow") is { } seconds)
            ShowSlow(readable, TimeSpan.FromSeconds(int.Parse(seconds, CultureInfo.InvariantCulture)), output);
        foreach (var part in arguments.All("--left-out"))
            output.WriteLine($"left out: {part}");
        ShowFailures(readable.SelectMany(TestCount.Failures).ToList(), output);
        output.WriteLine(total);
        return total.Failed == 0 && total.Passed > 0 ? 0 : 1;
    }

    /// <summary>What may not belong into the run that is for every save. On a busy machine others show up too.</summary>
    private static void ShowSlow(IEnumerable<string> files, TimeSpan limit, TextWriter output)
    {
        var slow = files.Where(file => Path.GetExtension(file) == ".trx").SelectMany(TestCount.Durations).Where(test => test.Took > limit);
        foreach (var (name, took) in slow.OrderByDescending(test => test.Took))
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"slow: {took.TotalSeconds:0.0} s  {name}"));
    }

    /// <summary>Last, because a log that is cut off keeps its end.</summary>
    private static void ShowFailures(List<(string Name, string[] Message)> failures, TextWriter output)
    {
        foreach (var (name, message) in failures.Take(ShownFailures))
        {
            output.WriteLine($"failed: {name}");
            foreach (var line in message.Take(ShownLines))
                output.WriteLine("    " + (line.Length > LineLength ? line[..LineLength] + "..." : line));
        }

        if (failures.Count > ShownFailures)
            output.WriteLine($"failed: {failures.Count - ShownFailures} more");
    }

    /// <summary>Folders inside hold attachments, not results.</summary>
    private static IEnumerable<string> ResultFiles(string path) =>
        Directory.Exists(path) ? Directory.EnumerateFiles(path).Where(file => Path.GetExtension(file) is ".trx" or ".xml") : [path];
}
