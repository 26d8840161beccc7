namespace KafkaBackup;

/// <summary>Something a check found: kind, place, severity, advice.</summary>
public sealed record Finding(FindingSeverity Severity, FindingKind Kind, string Place, string Message, string Advice)
{
    public string Place
    {
        get;
        init => field = Redaction.Clean(value);
    } = Redaction.Clean(Place);

    public string Message
    {
        get;
        init => field = Redaction.Clean(value);
    } = Redaction.Clean(Message);

    public string Advice
    {
        get;
        init => field = Redaction.Clean(value);
    } = Redaction.Clean(Advice);

    /// <summary>True for an error that -Force overrides: a refusal, not damage.</summary>
    public bool CanForce { get; init; }

    public override string ToString() => $"{Severity} {Kind} {Place}: {Message}";
}
