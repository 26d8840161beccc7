namespace KafkaBackup;

/// <summary>
/// Kafka's epoch milliseconds and .NET's times. Any long is a legal Kafka timestamp; DateTimeOffset covers only the years 1 to 9999.
/// </summary>
public static class KafkaTime
{
    private static readonly long MinMs = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
    private static readonly long MaxMs = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    /// <summary>Epoch milliseconds of a time that may be finer.</summary>
    public static long ToMilliseconds(DateTimeOffset time, TimeRounding rounding) =>
        time.ToUnixTimeMilliseconds() + (rounding == TimeRounding.Up && time.UtcTicks % TimeSpan.TicksPerMillisecond != 0 ? 1 : 0);

    /// <summary>
    /// Null for "no timestamp" (-1) and for times that DateTimeOffset cannot hold; the exact value is in the property's Ms twin.
    /// </summary>
    public static DateTimeOffset? ToDateTimeOffset(long? milliseconds) =>
        milliseconds is { } ms && ms != -1 && ms >= MinMs && ms <= MaxMs ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null;
}

/// <summary>
/// What becomes of the part of a time below a millisecond: the start of a window rounds up and its end down, so that nothing outside it is
/// taken.
/// </summary>
public enum TimeRounding
{
    Down,
    Up,
}
