namespace KafkaBackup;

/// <summary>A time, or "now" as the engine sees it when the operation begins.</summary>
public readonly record struct TimePoint(long? Milliseconds)
{
    public static TimePoint Now => default;
}
