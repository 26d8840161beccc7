namespace KafkaBackup;

/// <summary>
/// The one exception that reaches users. Made from a row of <see cref="ErrorIds"/>; repeats nothing that stands before an <c>@</c>.
/// </summary>
public sealed class KafkaBackupException : Exception
{
    internal KafkaBackupException(ErrorDefinition definition, string message, object? target, string advice, Exception? inner)
        : base(Redaction.Clean(message), inner)
    {
        Definition = definition;
        TargetObject = target is string text ? Redaction.Clean(text) : target;
        Advice = Redaction.Clean(advice);
    }

    public ErrorDefinition Definition { get; }

    public string ErrorId => Definition.Id;

    public ErrorKind Kind => Definition.Kind;

    /// <summary>What it happened to: a topic, a path, a key.</summary>
    public object? TargetObject { get; }

    /// <summary>What to do next.</summary>
    public string Advice { get; }
}
