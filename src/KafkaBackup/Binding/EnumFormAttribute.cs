namespace KafkaBackup.Binding;

/// <summary>
/// Enum values in Kafka's spelling, the file's, or PowerShell's: <c>SCRAM-SHA-256</c>, <c>header-based</c>, <c>HeaderBased</c>.
/// </summary>
public sealed class EnumFormAttribute<T> : ArgumentFormAttribute
    where T : struct, Enum
{
    private protected override object Read(object argument) =>
        ArgumentText.Unwrap(argument) is T value ? value : EnumText.Parse<T>(ArgumentText.Of(argument));
}
