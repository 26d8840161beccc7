using KafkaBackup.Build.Help;

namespace KafkaBackup.Engine.Tests.Build;

/// <summary>A page and the cmdlet that it describes.</summary>
internal static class SampleHelp
{
    public const string Page = """
        # Get-Sample

        ## SYNOPSIS
        Gets samples.

        ## DESCRIPTION
        Gets samples from a store.
        Several lines are `one` text.

        - first item
        - second item

        ## EXAMPLES

        ### All samples
        Look around first.

        ```powershell
        Get-Sample -Path ./backups |
            Format-Table
        ```

        Shows a table.

        ```
        it also shows
          how it looks
        ```

        ### Some samples
        ```powershell
        Get-Sample ./backups -Kind Old <now> & 'then'
        ```

        ## PARAMETERS

        ### -Path
        Where they are.

        ### -Kind
        Which ones.

        Default: New.

        ## INPUTS

        ### System.String
        A path.

        ## OUTPUTS

        ### KafkaBackup.Sample
        One for each.

        ## NOTES
        Costs nothing.

        ## RELATED LINKS
        - Set-Sample
        - Apache Kafka: https://kafka.apache.org
        """;

    public static CmdletDescription Cmdlet { get; } =
        new(
            "Get",
            "Sample",
            [
                new("Kind", "SampleKind", [new(ParameterBinding.AllSets, false, null, false, false, false)]) { Values = ["New", "Old"] },
                new("Path", "String[]", [new(ParameterBinding.AllSets, true, 0, true, true, false)])
                {
                    Aliases = ["PSPath", "Folder"],
                    SupportsWildcards = true,
                },
            ]
        )
        {
            OutputTypes = ["KafkaBackup.Sample"],
            SupportsShouldProcess = true,
            Aliases = ["gsample"],
        };
}
