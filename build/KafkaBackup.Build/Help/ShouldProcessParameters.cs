namespace KafkaBackup.Build.Help;

/// <summary>
/// What PowerShell adds to a cmdlet that changes things. A page may describe them better; where it does not, these words stand.
/// </summary>
internal static class ShouldProcessParameters
{
    private static readonly ParameterBinding Everywhere = new(ParameterBinding.AllSets, false, null, false, false, false);

    public static IReadOnlyList<ParameterDescription> All { get; } =
    [
        new("WhatIf", "SwitchParameter", [Everywhere]) { Aliases = ["wi"] },
        new("Confirm", "SwitchParameter", [Everywhere]) { Aliases = ["cf"] },
    ];

    public static IReadOnlyList<HelpEntry> Texts { get; } =
    [new("WhatIf", ["Shows what would be done and writes nothing, anywhere."]), new("Confirm", ["Asks before anything is written."])];
}
