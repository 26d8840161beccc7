namespace KafkaBackup.Build.Results;

/// <summary>Adds up the results of a test run and prints its closing line. Fails when a test failed or when nothing ran.</summary>
internal static class CountCommand
{
    public static int Run(CommandLine arguments, TextWriter output)
    {
        // A runner that died has told of the tests before its death only, and a result that can't be read tells nothing: neither may look like success.
        var broken = arguments.All("--broken").ToList();
        var total = TestCount.Zero;
        foreach (var file in arguments.Words.SelectMany(ResultFiles).Order(StringComparer.Ordinal))
        {
            try
            {
                total += TestCount.Read(file);
            }
            catch (BuildStepException unreadable)
            {
                broken.Add(unreadable.Message);
            }
        }

        broken.ForEach(output.WriteLine);
        if (total.Failed == 0 && broken.Count > 0)
            total += new TestCount(0, broken.Count, 0);

        foreach (var part in arguments.All("--left-out"))
            output.WriteLine($"left out: {part}");
        output.WriteLine(total);
        return total.Failed == 0 && total.Passed > 0 ? 0 : 1;
    }

    /// <summary>Folders inside hold attachments, not results.</summary>
    private static IEnumerable<string> ResultFiles(string path) =>
        Directory.Exists(path)
            ? Directory.EnumerateFiles(path).Where(file => Path.GetExtension(file) is ".trx" or ".xml")
            : [path];
}
