using System.Globalization;
using System.Management.Automation;
using KafkaBackup.Formatting;

namespace KafkaBackup.Binding;

/// <summary>
/// Arguments as they were typed. PowerShell reads <c>30s</c> as the number 30 of sixteen bits and <c>1d</c> as a decimal, but keeps what
/// was typed in the wrapper; without it a plain number is all there is.
/// </summary>
internal static class ArgumentText
{
    public static object? Unwrap(object? argument) => argument is PSObject wrapped ? wrapped.BaseObject : argument;

    public static string Of(object argument) =>
        argument switch
        {
            PSObject wrapped => wrapped.ToString(),
            IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
            _ => argument.ToString() ?? "",
        };

    /// <summary>What PowerShell shows when an argument is refused: what is wrong, and the valid forms.</summary>
    public static ArgumentTransformationMetadataException Refusal(KafkaBackupException error) =>
        new(Display.Message($"{error.Message} {error.Advice}"), error);
}
