namespace KafkaBackup;

/// <summary>One row of the table of errors: the stable id that scripts match on, its category, and what to do by default.</summary>
public sealed record ErrorDefinition(string Id, ErrorKind Kind, string Advice)
{
    /// <summary>
    /// Makes the exception. The message says what happened and to which object; advice, where given, is closer to the case than the
    /// default.
    /// </summary>
    public KafkaBackupException With(string message, object? target = null, string? advice = null, Exception? inner = null) =>
        new(this, message, target, advice ?? Advice, inner);
}
