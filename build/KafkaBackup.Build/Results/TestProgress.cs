using System.Globalization;

namespace KafkaBackup.Build.Results;

/// <summary>
/// Turns what `dotnet test` and Pester write about each test into something to watch: passed tests are only counted, everything else is
/// shown at once. For several threads.
/// </summary>
internal sealed class TestProgress(TextWriter output)
{
    private readonly object _gate = new();
    private int _passed;
    private int _failed;
    private int _skipped;

    public void Take(string line)
    {
        lock (_gate)
        {
            var start = line.AsSpan().TrimStart();
            if (Begins(start, "Passed ", "[+] "))
                _passed++;
            else if (Begins(start, "Skipped ", "[!] "))
                _skipped++;
            else if (!line.StartsWith("[xUnit.net", StringComparison.Ordinal))
                output.WriteLine(line);
            if (Begins(start, "Failed ", "[-] "))
                _failed++;
        }
    }

    public void Report(TimeSpan elapsed)
    {
        lock (_gate)
            output.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{elapsed:mm\\:ss}  {_passed} passed, {_failed} failed, {_skipped} skipped so far"
                )
            );
    }

    private static bool Begins(ReadOnlySpan<char> text, string xunit, string pester) =>
        text.StartsWith(xunit, StringComparison.Ordinal) || text.StartsWith(pester, StringComparison.Ordinal);
}
