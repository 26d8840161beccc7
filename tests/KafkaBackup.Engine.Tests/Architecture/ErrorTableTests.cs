using System.Reflection;
using System.Text.RegularExpressions;
using KafkaBackup.Engine.Tests.Build;

namespace KafkaBackup.Engine.Tests.Architecture;

public class ErrorTableTests
{
    private static readonly string ErrorTopic = Path.Combine(
        BuildOutputs.RepositoryRoot,
        "module",
        "en-US",
        "about_KafkaBackup_Errors.help.txt"
    );

    private static readonly IReadOnlyList<(string Field, ErrorDefinition Error)> Table =
    [
        .. typeof(ErrorIds)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (field.Name, (ErrorDefinition)field.GetValue(null)!)),
    ];

    [Fact]
    public void Every_error_is_known_by_the_name_of_its_field() => Assert.All(Table, row => Assert.Equal(row.Field, row.Error.Id));

    [Fact]
    public void Error_ids_are_unique_whatever_their_case() =>
        Assert.Equal(Table.Count, Table.Select(row => row.Error.Id).Distinct(StringComparer.OrdinalIgnoreCase).Count());

    [Fact]
    public void Every_error_has_advice_in_a_whole_sentence() =>
        Assert.All(Table, row => Assert.Matches(@"^[A-Z].{8,}\.$|^[A-Z].{8,}\}\.$", row.Error.Advice));

    [Fact]
    public void Every_error_is_documented()
    {
        var text = File.ReadAllText(ErrorTopic);
        var undocumented = Table.Select(row => row.Error.Id).Where(id => !Regex.IsMatch(text, $@"\b{id}\b")).ToList();
        Expect.None(undocumented);
    }
}
