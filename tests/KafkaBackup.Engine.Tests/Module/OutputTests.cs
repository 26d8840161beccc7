using KafkaBackup.Engine.Tests.Architecture;
using Xunit;

namespace KafkaBackup.Engine.Tests.Module;

/// <summary>What cmdlets say that they write, and that it can be looked at.</summary>
public class OutputTests
{
    private static readonly IReadOnlyDictionary<string, string[]> Declared = ModuleFiles.Cmdlets.ToDictionary(
        cmdlet => cmdlet.Name,
        cmdlet => cmdlet.OutputTypes.Select(type => type.Split(',')[0]).ToArray()
    );

    [Fact]
    public void Every_cmdlet_declares_types_of_the_model_that_exist() =>
        Assert.All(
            Declared,
            cmdlet =>
            {
                Assert.NotEmpty(cmdlet.Value);
                Assert.All(
                    cmdlet.Value,
                    type =>
                        Assert.True(
                            type == "System.Boolean" || typeof(BackupInfo).Assembly.GetType(type) is not null,
                            $"{cmdlet.Key}: {type}"
                        )
                );
            }
        );

    [Fact]
    public void Bool_is_declared_where_Quiet_is_and_nowhere_else() =>
        Assert.All(
            ModuleFiles.Cmdlets,
            cmdlet =>
                Assert.Equal(
                    cmdlet.Parameters.Any(parameter => parameter.Name == "Quiet"),
                    Declared[cmdlet.Name].Contains("System.Boolean")
                )
        );

    [Fact]
    public void Every_declared_type_has_a_table_and_a_list()
    {
        var types = Declared
            .Values.SelectMany(types => types)
            .Where(type => type != "System.Boolean")
            .Select(type => type.Split('.')[^1])
            .Distinct();
        Assert.All(
            types,
            type =>
            {
                Assert.Contains($"<Name>{type} table</Name>", ModuleFiles.Views, StringComparison.Ordinal);
                Assert.Contains($"<Name>{type} list</Name>", ModuleFiles.Views, StringComparison.Ordinal);
            }
        );
    }

    [Fact]
    public void Every_property_that_a_view_names_exists()
    {
        var document = System.Xml.Linq.XDocument.Parse(ModuleFiles.Views);
        foreach (var view in document.Descendants("View"))
        {
            // What follows a # is a kind of row that a cmdlet marks.
            var type = typeof(BackupInfo).Assembly.GetType(view.Descendants("TypeName").Single().Value.Split('#')[0]);
            Assert.NotNull(type);
            Assert.All(view.Descendants("PropertyName"), name => Assert.NotNull(type.GetProperty(name.Value)));
        }
    }

    [Fact]
    public void The_help_of_every_cmdlet_names_the_types_that_it_declares() =>
        Assert.All(
            Declared,
            cmdlet =>
                Assert.Equal(
                    cmdlet.Value.Order(StringComparer.Ordinal),
                    ModuleFiles.Help(cmdlet.Key).Outputs.Select(output => output.Name).Order(StringComparer.Ordinal)
                )
        );

    [Fact]
    public void H3_every_time_of_a_result_has_a_twin_in_milliseconds()
    {
        var times = typeof(BackupInfo)
            .Assembly.GetExportedTypes()
            .SelectMany(type => type.GetProperties())
            .Where(property => property.PropertyType == typeof(DateTimeOffset?) && property.DeclaringType != typeof(BackupRunInfo));
        Assert.All(times, time => Assert.Equal(typeof(long), Underlying(time.DeclaringType!.GetProperty(time.Name + "Ms")?.PropertyType)));
    }

    [Fact]
    public void Cmdlets_ask_in_one_place_only_and_write_to_the_pipeline_only()
    {
        using var module = CompiledAssembly.Module();
        var calls = module.Types.SelectMany(type => type.Calls).ToArray();

        // Right behind ShouldProcess, so that -WhatIf and -Confirm keep their meaning (rules H1 and N2).
        var asking = module.Types.Where(type => type.Calls.Any(call => call.EndsWith("::ShouldContinue", StringComparison.Ordinal)));
        Assert.Equal(["KafkaBackup.Pipeline.EngineCmdlet"], asking.Select(type => type.Self.Name));
        Assert.DoesNotContain(calls, call => call.StartsWith("System.Management.Automation.Host.", StringComparison.Ordinal));
        Assert.DoesNotContain(calls, call => call.EndsWith("::get_Host", StringComparison.Ordinal));
        Assert.Contains(calls, call => call.EndsWith("::ShouldProcess", StringComparison.Ordinal));
        Assert.DoesNotContain(ModuleFiles.Cmdlets.SelectMany(cmdlet => cmdlet.Parameters), parameter => parameter.Name == "AsJob");
    }

    private static Type? Underlying(Type? type) => type is null ? null : Nullable.GetUnderlyingType(type) ?? type;
}
