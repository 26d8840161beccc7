using KafkaBackup.Build;
using KafkaBackup.Build.Results;

namespace KafkaBackup.Engine.Tests.Build;

public sealed class TestCountTests : IDisposable
{
    private const string Trx = """
        <?xml version="1.0" encoding="utf-8"?>
        <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
          <Results>
            <UnitTestResult testName="a" outcome="Passed" /><UnitTestResult testName="b" outcome="Passed" />
            <UnitTestResult testName="c" outcome="NotExecuted" /><UnitTestResult testName="d" outcome="{0}" />
          </Results>
          <ResultSummary outcome="Completed"><Counters total="4" executed="3" passed="2" notExecuted="0" /></ResultSummary>
        </TestRun>
        """;

    private const string JUnit = """
        <testsuites><testsuite name="s">
          <testcase name="a" /><testcase name="b"><skipped message="no broker" /></testcase><testcase name="c" />
        </testsuite></testsuites>
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Suites_add_up_in_the_last_line()
    {
        _folder.File("x.trx", Trx.Replace("{0}", "Passed", StringComparison.Ordinal));
        _folder.File("pester.xml", JUnit);

        Assert.Equal((0, "5 passed, 0 failed, 2 skipped"), Count());
    }

    [Fact]
    public void Tests_that_take_long_are_listed_slowest_first()
    {
        const string Result = """
            <TestRun><Results>
              <UnitTestResult testName="a" outcome="Passed" duration="00:00:06.5000000" /><UnitTestResult testName="b" outcome="Passed" duration="00:00:04" />
              <UnitTestResult testName="c" outcome="Passed" duration="00:01:00" /><UnitTestResult testName="d" outcome="NotExecuted" />
            </Results></TestRun>
            """;
        _folder.File("x.trx", Result);
        var output = new StringWriter();

        CountCommand.Run(CommandLine.Parse(["count", "--slow", "5", _folder.Path]), output);

        Assert.Equal(["slow: 60.0 s  c", "slow: 6.5 s  a", "3 passed, 0 failed, 1 skipped"], Lines(output));
    }

    [Theory]
    [InlineData("Failed")]
    [InlineData("Timeout")]
    [InlineData("Aborted")]
    public void Whatever_neither_passed_nor_was_skipped_has_failed(string outcome)
    {
        _folder.File("x.trx", Trx.Replace("{0}", outcome, StringComparison.Ordinal));
        Assert.Equal((1, "2 passed, 1 failed, 1 skipped"), Count());
    }

    [Fact]
    public void A_runner_that_died_is_a_failure_although_its_tests_passed()
    {
        _folder.File("pester.xml", JUnit);
        Assert.Equal((1, "2 passed, 1 failed, 1 skipped"), Count("--broken", "dotnet test ended with code 134"));
    }

    [Fact]
    public void No_test_at_all_is_no_success() => Assert.Equal((1, "0 passed, 0 failed, 0 skipped"), Count());

    [Theory]
    [InlineData("<TestRun>")]
    [InlineData("<TestSequence />")]
    public void A_result_that_cannot_be_read_is_a_failure(string content)
    {
        _folder.File("pester.xml", JUnit);
        _folder.File("x.trx", content);
        Assert.Equal((1, "2 passed, 1 failed, 1 skipped"), Count());
    }

    [Fact]
    public void Attachments_in_folders_are_no_results()
    {
        _folder.File("pester.xml", JUnit);
        _folder.File("attached/Sequence.xml", "<TestSequence />");
        Assert.Equal((0, "2 passed, 0 failed, 1 skipped"), Count());
    }

    [Fact]
    public void What_was_left_out_is_told_in_one_line()
    {
        _folder.File("pester.xml", JUnit);
        var output = new StringWriter();

        CountCommand.Run(CommandLine.Parse(["count", "--left-out", "the Pester suite (no pwsh)", _folder.Path]), output);

        Assert.Equal(["left out: the Pester suite (no pwsh)", "2 passed, 0 failed, 1 skipped"], Lines(output));
    }

    [Fact]
    public void Failed_tests_are_named_with_their_message_before_the_closing_line()
    {
        _folder.File(
            "x.trx",
            """
            <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>
              <UnitTestResult testName="a" outcome="Passed" />
              <UnitTestResult testName="B3_b" outcome="Failed"><Output><StdOut>noise</StdOut><ErrorInfo>
                <Message>Assert.Equal() Failure&#xD;
            Expected: 1

            Actual:   2</Message><StackTrace>at b</StackTrace></ErrorInfo></Output></UnitTestResult>
              <UnitTestResult testName="c" outcome="Timeout" />
            </Results></TestRun>
            """
        );
        _folder.File(
            "pester.xml",
            """
            <testsuites><testsuite name="s"><testcase name="a" />
              <testcase name="Restore.refuses"><failure message="Expected $true, but got $false.">at line 7</failure></testcase>
            </testsuite></testsuites>
            """
        );
        var output = new StringWriter();

        CountCommand.Run(CommandLine.Parse(["count", "--left-out", "the long tests", _folder.Path]), output);

        Assert.Equal(
            [
                "left out: the long tests",
                "failed: Restore.refuses",
                "    Expected $true, but got $false.",
                "failed: B3_b",
                "    Assert.Equal() Failure",
                "    Expected: 1",
                "    Actual:   2",
                "failed: c",
                "2 passed, 3 failed, 0 skipped",
            ],
            Lines(output)
        );
    }

    [Fact]
    public void At_most_twenty_failed_tests_are_shown_with_six_lines_each()
    {
        var lines = string.Join("&#xA;", Enumerable.Range(1, 50).Select(line => $"line {line}"));
        var tests = Enumerable
            .Range(1, 25)
            .Select(test =>
                $"""<UnitTestResult testName="t{test}" outcome="Failed"><Output><ErrorInfo><Message>{lines}</Message></ErrorInfo></Output></UnitTestResult>"""
            );
        _folder.File("x.trx", $"<TestRun><Results>{string.Concat(tests)}</Results></TestRun>");
        var output = new StringWriter();

        CountCommand.Run(CommandLine.Parse(["count", _folder.Path]), output);

        var shown = Lines(output);
        Assert.Equal(20 * 7 + 2, shown.Length);
        Assert.Equal(["    line 6", "failed: 5 more", "0 passed, 25 failed, 0 skipped"], shown[^3..]);
    }

    private (int Code, string LastLine) Count(params string[] options)
    {
        var output = new StringWriter();
        var code = CountCommand.Run(CommandLine.Parse(["count", .. options, _folder.Path]), output);
        return (code, Lines(output)[^1]);
    }

    private static string[] Lines(StringWriter output) =>
        output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
}
