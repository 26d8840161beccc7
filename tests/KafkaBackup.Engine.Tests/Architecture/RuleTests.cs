using System.Text.RegularExpressions;
using KafkaBackup.Engine.Tests.Build;

namespace KafkaBackup.Engine.Tests.Architecture;

/// <summary>Comments, help and names of tests cite rules by number; docs/rules.md is where a reader looks them up.</summary>
public partial class RuleTests
{
    private const string RulesFile = "docs/rules.md";

    [Fact]
    public void Every_rule_that_is_cited_exists()
    {
        var known = Known();
        Assert.Contains("B16", known);
        Expect.None(
            SourceTests
                .Sources("src", "build", "tests", "module", "examples", "docs")
                .Concat(SourceTests.Documents())
                .SelectMany(file =>
                    Cited(file).Where(number => !known.Contains(number)).Select(number => $"{SourceTests.Name(file)}: {number}")
                )
        );
    }

    [Fact]
    public void Every_rule_has_one_number_and_one_place()
    {
        var numbers = Definition().Matches(Rules()).Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(numbers.Distinct().Count(), numbers.Count);
    }

    private static string Rules() => File.ReadAllText(Path.Combine(BuildOutputs.RepositoryRoot, RulesFile));

    private static HashSet<string> Known() =>
        [
            .. Definition().Matches(Rules()).Select(match => match.Groups[1].Value),
            .. Section().Matches(Rules()).Select(match => match.Groups[1].Value),
        ];

    private static IEnumerable<string> Cited(string file) =>
        Citation()
            .Matches(File.ReadAllText(file))
            .SelectMany(match => match.Groups["rule"].Captures.Select(capture => capture.Value))
            .Distinct();

    [GeneratedRegex(@"^\*\*([A-T]\d+[a-z]?)\*\*", RegexOptions.Multiline)]
    private static partial Regex Definition();

    [GeneratedRegex(@"^## ([A-T])\. ", RegexOptions.Multiline)]
    private static partial Regex Section();

    /// <summary>"rule B16", "rules B3 and B4", "(B3, B4)", and the beginning of a test's name.</summary>
    [GeneratedRegex(
        @"(?:SEMANTICS|\b[Rr]ules?) (?<rule>[A-T](?:\d+[a-z]?)?)\b(?:(?:, | and | to )(?<rule>[A-T]\d+[a-z]?)\b)*|\((?<rule>[A-T]\d+[a-z]?)(?:, (?<rule>[A-T]\d+[a-z]?))*\)|(?:\bvoid |\bTask |\bIt ['""])(?<rule>[A-T]\d+[a-z]?)[_ :]"
    )]
    private static partial Regex Citation();
}
