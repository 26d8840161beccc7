namespace KafkaBackup.Binding;

/// <summary>Durations: TimeSpan, <c>30s</c>, <c>5m</c>, <c>2h</c>; a bare number is refused (rule A5a).</summary>
public sealed class DurationFormAttribute : ArgumentFormAttribute
{
    private protected override object Read(object argument) =>
        ArgumentText.Unwrap(argument) is TimeSpan span ? span : DurationText.Parse(ArgumentText.Of(argument));
}
