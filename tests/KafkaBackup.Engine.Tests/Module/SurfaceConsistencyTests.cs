using KafkaBackup.Build.Help;
using Xunit;

namespace KafkaBackup.Engine.Tests.Module;

/// <summary>One vocabulary: what is called the same is the same, everywhere.</summary>
public class SurfaceConsistencyTests
{
    // PowerShell's own list, as far as our verbs go: an approved verb that is not here yet is added with the cmdlet that needs it.
    private static readonly string[] ApprovedVerbs = ["Get", "Invoke", "Measure", "Remove", "Repair", "Restore", "Start", "Test"];

    private static readonly string[] CarriedAlong = ["Path", "BackupId", "StorageOption"];

    private static readonly IReadOnlyList<CmdletDescription> Cmdlets = ModuleFiles.Cmdlets;

    [Fact]
    public void The_manifest_exports_exactly_the_cmdlets_that_there_are() =>
        Assert.Equal(
            Cmdlets.Select(cmdlet => cmdlet.Name).Order(StringComparer.Ordinal),
            ModuleFiles.Listed("CmdletsToExport").Order(StringComparer.Ordinal)
        );

    [Fact]
    public void The_manifest_exports_exactly_the_aliases_that_there_are() =>
        Assert.Equal(
            Cmdlets.SelectMany(cmdlet => cmdlet.Aliases).Order(StringComparer.Ordinal),
            ModuleFiles.Listed("AliasesToExport").Order(StringComparer.Ordinal)
        );

    [Fact]
    public void Every_verb_is_an_approved_one() => Assert.All(Cmdlets, cmdlet => Assert.Contains(cmdlet.Verb, ApprovedVerbs));

    [Fact]
    public void Every_noun_says_Kafka_in_the_singular() =>
        Assert.All(Cmdlets, cmdlet => Assert.Matches("^Kafka[A-Z][A-Za-z]*[a-rt-z]$", cmdlet.Noun));

    [Fact]
    public void The_same_parameter_name_has_the_same_type_everywhere()
    {
        var differing = Cmdlets
            .SelectMany(cmdlet => cmdlet.Parameters.Select(parameter => (parameter.Name, parameter.Type, Cmdlet: cmdlet.Name)))
            .GroupBy(parameter => parameter.Name, StringComparer.OrdinalIgnoreCase)
            .Where(same => same.Select(parameter => (parameter.Name, parameter.Type)).Distinct().Count() > 1)
            .Select(same => string.Join(", ", same.Select(parameter => $"{parameter.Cmdlet} -{parameter.Name} {parameter.Type}")));

        Assert.Empty(differing);
    }

    [Fact]
    public void The_same_parameter_name_is_bound_the_same_way_everywhere()
    {
        var differing = Cmdlets
            .SelectMany(cmdlet => cmdlet.Parameters)
            .GroupBy(parameter => parameter.Name)
            .Where(same =>
                same.Select(parameter => (parameter.Bindings[0].Position, parameter.Bindings[0].Pipeline)).Distinct().Count() > 1
                // Restore-KafkaBackup writes the report that Get-KafkaOffsetMapping takes from the pipeline.
                && same.Key != "OffsetReportPath"
            )
            .Select(same => same.Key);

        Assert.Empty(differing);
    }

    [Fact]
    public void What_results_carry_along_is_taken_from_the_pipeline_by_name() =>
        Assert.All(
            Cmdlets.SelectMany(cmdlet => cmdlet.Parameters).Where(parameter => CarriedAlong.Contains(parameter.Name)),
            parameter => Assert.Equal("true (ByPropertyName)", parameter.Bindings[0].Pipeline)
        );

    [Fact]
    public void Nothing_is_mandatory_for_a_prompt_would_hang_a_job() =>
        Assert.DoesNotContain(
            Cmdlets.SelectMany(cmdlet => cmdlet.Parameters).SelectMany(parameter => parameter.Bindings),
            binding => binding.Mandatory
        );

    [Fact]
    public void A_cmdlet_has_one_parameter_set() => Assert.All(Cmdlets, cmdlet => Assert.Single(cmdlet.ParameterSets()));

    [Fact]
    public void Parameters_are_in_the_singular()
    {
        var plural = Cmdlets
            .SelectMany(cmdlet => cmdlet.Parameters)
            .Select(parameter => parameter.Name)
            .Distinct()
            .Where(name => name.EndsWith('s') && name is not ("AllConsumerGroups" or "Continuous"));
        Assert.Empty(plural);
    }

    [Fact]
    public void H1_whatever_writes_has_WhatIf_and_nothing_else_has() =>
        Assert.Equal(
            ["Remove-KafkaBackup", "Repair-KafkaBackup", "Restore-KafkaBackup", "Restore-KafkaConsumerOffset", "Start-KafkaBackup"],
            Cmdlets.Where(cmdlet => cmdlet.SupportsShouldProcess).Select(cmdlet => cmdlet.Name).Order(StringComparer.Ordinal)
        );

    [Fact]
    public void The_rehearsal_of_a_restore_takes_every_parameter_of_the_restore()
    {
        var rehearsal = Named("Test-KafkaRestore");
        var missing = Named("Restore-KafkaBackup")
            .Parameters.Select(parameter => parameter.Name)
            .Except(rehearsal.Parameters.Select(parameter => parameter.Name));
        Assert.Empty(missing);
    }

    [Fact]
    public void Force_is_there_only_where_help_lists_what_it_overrides()
    {
        foreach (var cmdlet in Cmdlets.Where(cmdlet => cmdlet.Parameters.Any(parameter => parameter.Name == "Force")))
        {
            var text = string.Join('\n', ModuleFiles.Help(cmdlet.Name).Parameters.Single(parameter => parameter.Name == "Force").Text);
            Assert.Contains("- ", text, StringComparison.Ordinal);
        }
    }

    private static CmdletDescription Named(string name) => Cmdlets.Single(cmdlet => cmdlet.Name == name);
}
