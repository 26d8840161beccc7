using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace KafkaBackup.Build.Results;

/// <summary>How many tests passed, failed and were skipped; read from what `dotnet test` (trx) and Pester (JUnit) write.</summary>
internal sealed record TestCount(int Passed, int Failed, int Skipped)
{
    public static TestCount Zero { get; } = new(0, 0, 0);

    public static TestCount operator +(TestCount a, TestCount b) => new(a.Passed + b.Passed, a.Failed + b.Failed, a.Skipped + b.Skipped);

    public static TestCount Read(string file)
    {
        XElement root;
        try
        {
            root = XDocument.Load(file).Root!;
        }
        catch (Exception damage) when (damage is XmlException or IOException)
        {
            throw new BuildStepException($"the test result {file} can't be read: {damage.Message}");
        }

        return root.Name.LocalName switch
        {
            "TestRun" => FromTrx(root),
            "testsuites" or "testsuite" => FromJUnit(root),
            var other => throw new BuildStepException($"the test result {file} is neither trx nor JUnit: it starts with <{other}>"),
        };
    }

    /// <summary>How long each test of a trx file took.</summary>
    public static IEnumerable<(string Name, TimeSpan Took)> Durations(string trx) =>
        XDocument
            .Load(trx)
            .Descendants()
            .Where(element => element.Name.LocalName == "UnitTestResult" && element.Attribute("duration") is not null)
            .Select(result =>
                ((string)result.Attribute("testName")!, TimeSpan.Parse(result.Attribute("duration")!.Value, CultureInfo.InvariantCulture))
            );

    /// <summary>The failed tests of a trx or JUnit file, with the lines of what each said.</summary>
    public static IEnumerable<(string Name, string[] Message)> Failures(string file)
    {
        foreach (var test in XDocument.Load(file).Descendants())
        {
            if (test.Name.LocalName == "UnitTestResult" && IsFailure((string?)test.Attribute("outcome")))
                yield return ((string)test.Attribute("testName")!, Lines(Inner(test, "Message")?.Value));
            else if (test.Name.LocalName == "testcase" && (Inner(test, "failure") ?? Inner(test, "error")) is { } failure)
                yield return ((string)test.Attribute("name")!, Lines((string?)failure.Attribute("message") ?? failure.Value));
        }
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Passed} passed, {Failed} failed, {Skipped} skipped");

    private static TestCount FromTrx(XElement root)
    {
        // One by one: the summary's counters call skipped tests neither skipped nor not executed.
        var outcomes = root.Descendants()
            .Where(element => element.Name.LocalName == "UnitTestResult")
            .Select(result => (string?)result.Attribute("outcome"))
            .ToList();
        var passed = outcomes.Count(outcome => outcome == "Passed");
        var failed = outcomes.Count(IsFailure);
        return new(passed, failed, outcomes.Count - passed - failed);
    }

    private static bool IsFailure(string? outcome) => outcome is not ("Passed" or "NotExecuted" or "Skipped");

    private static XElement? Inner(XElement test, string name) => test.Descendants().FirstOrDefault(inner => inner.Name.LocalName == name);

    private static string[] Lines(string? message) =>
        (message ?? "").Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static TestCount FromJUnit(XElement root)
    {
        var cases = root.Descendants("testcase").ToList();
        var failed = cases.Count(test => test.Element("failure") is not null || test.Element("error") is not null);
        var skipped = cases.Count(test => test.Element("skipped") is not null);
        return new(cases.Count - failed - skipped, failed, skipped);
    }
}
