using KafkaBackup.Build.Help;
using KafkaBackup.Build.Packaging;

namespace KafkaBackup.Engine.Tests.Build;

/// <summary>Read from the compiled module as the help is: no PowerShell, and nothing loaded.</summary>
public class CmdletReaderTests
{
    private static readonly IReadOnlyList<CmdletDescription> Cmdlets = CmdletReader.Read(BuildOutputs.ModuleAssembly);

    [Fact]
    public void The_manifest_exports_every_cmdlet_and_alias_and_no_other()
    {
        var manifest = ModuleManifest.Read(Path.Combine(BuildOutputs.RepositoryRoot, "KafkaBackup.psd1"));

        Assert.Equal(Cmdlets.Select(cmdlet => cmdlet.Name), manifest.Cmdlets.Order(StringComparer.Ordinal));
        Assert.Equal(
            Cmdlets.SelectMany(cmdlet => cmdlet.Aliases).Order(StringComparer.Ordinal),
            manifest.Aliases.Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void What_a_cmdlet_says_of_itself_is_read()
    {
        var backup = Cmdlet("Start-KafkaBackup");

        Assert.True(backup.SupportsShouldProcess);
        Assert.Equal(["KafkaBackup.BackupResult"], backup.OutputTypes);
        Assert.Equal(["Backup-KafkaTopic"], backup.Aliases);
        Assert.False(Cmdlet("Get-KafkaBackup").SupportsShouldProcess);
    }

    [Fact]
    public void Parameters_of_base_classes_are_read_too() =>
        Assert.Empty(
            ((string[])["Path", "BootstrapServer", "Topic", "Duration"]).Except(
                Cmdlet("Start-KafkaBackup").Parameters.Select(parameter => parameter.Name)
            )
        );

    [Fact]
    public void Types_are_named_as_help_shows_them()
    {
        var types = Cmdlet("Start-KafkaBackup").Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Type);

        Assert.Equal("String[]", types["Topic"]);
        Assert.Equal("Hashtable", types["StorageOption"]);
        Assert.Equal("PSCredential", types["Credential"]);
        Assert.Equal("SwitchParameter", types["Continuous"]);
    }

    [Fact]
    public void The_values_of_our_enumerations_are_read() =>
        Assert.Equal(
            ["Zstd", "Gzip", "None"],
            Cmdlet("Start-KafkaBackup").Parameters.Single(parameter => parameter.Name == "Compression").Values
        );

    [Fact]
    public void How_a_parameter_binds_is_read()
    {
        var id = Cmdlet("Test-KafkaRestore").Parameters.Single(parameter => parameter.Name == "BackupId");
        Assert.Equal("true (ByPropertyName)", id.Bindings[0].Pipeline);
        Assert.False(id.Bindings[0].Mandatory);
    }

    [Fact]
    public void Nothing_is_mandatory_for_a_prompt_would_hang_a_job() =>
        Assert.Empty(
            Cmdlets.SelectMany(cmdlet =>
                cmdlet
                    .Parameters.Where(parameter => parameter.Bindings.Any(binding => binding.Mandatory))
                    .Select(parameter => $"{cmdlet.Name} -{parameter.Name}")
            )
        );

    [Fact]
    public void The_same_parameter_has_the_same_type_everywhere()
    {
        var several =
            from cmdlet in Cmdlets
            from parameter in cmdlet.Parameters
            group parameter.Type by parameter.Name into types
            where types.Distinct().Count() > 1
            select $"-{types.Key}: {string.Join(", ", types.Distinct())}";

        Assert.Empty(several);
    }

    private static CmdletDescription Cmdlet(string name) => Cmdlets.Single(cmdlet => cmdlet.Name == name);
}
