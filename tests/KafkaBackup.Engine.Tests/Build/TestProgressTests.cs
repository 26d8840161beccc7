using KafkaBackup.Build.Results;

namespace KafkaBackup.Engine.Tests.Build;

public sealed class TestProgressTests
{
    [Fact]
    public void Passed_tests_are_counted_and_failures_are_shown_at_once()
    {
        var output = new StringWriter();
        var progress = new TestProgress(output);
        string[] lines =
        [
            "[xUnit.net 00:00:00.20]   Starting:    KafkaBackup.Engine.Tests",
            "  Passed A.B.C [12 ms]",
            "  Passed A.B.D [< 1 ms]",
            "  Failed A.B.E [2 s]",
            "  Error Message:",
            "   Assert.True() Failure",
            "  Skipped A.B.F [1 ms]",
            "    [+] shows a backup 12ms (10ms|2ms)",
            "    [-] shows another 3ms (2ms|1ms)",
            "    [!] waits 1ms",
        ];
        foreach (var line in lines)
            progress.Take(line);
        progress.Report(TimeSpan.FromSeconds(75));

        Assert.Equal(
            [
                "  Failed A.B.E [2 s]",
                "  Error Message:",
                "   Assert.True() Failure",
                "    [-] shows another 3ms (2ms|1ms)",
                "01:15  3 passed, 2 failed, 2 skipped so far",
            ],
            output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries)
        );
    }
}
